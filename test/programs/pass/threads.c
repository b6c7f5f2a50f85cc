/* POSIX threads: create, join, mutexes, condition variables, barriers, read-write locks, TLS, once, cancellation, detached threads, semaphores. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

enum { THREADS = 8, ROUNDS = 500 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static __thread int local = 7;

static void *add(void *arg) {
  CHECK(local == 7);
  local = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    long seen = counter;
    if (i % 50 == 0) sched_yield();
    counter = seen + 1;
    pthread_mutex_unlock(&mutex);
  }
  CHECK(local == (int)(long)arg);
  return (void *)((long)arg * 10);
}

static void test_mutex(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&t[i], NULL, add, (void *)i) == 0);
  for (long i = 0; i < THREADS; i++) {
    void *result;
    CHECK(pthread_join(t[i], &result) == 0);
    CHECK(result == (void *)(i * 10));
  }
  CHECK(counter == THREADS * ROUNDS);
  CHECK(local == 7);
  CHECK(pthread_mutex_trylock(&mutex) == 0);
  CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
  pthread_mutex_unlock(&mutex);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t checked;
  pthread_mutex_init(&checked, &attr);
  CHECK(pthread_mutex_lock(&checked) == 0);
  CHECK(pthread_mutex_lock(&checked) == EDEADLK);
  CHECK(pthread_mutex_unlock(&checked) == 0);
  CHECK(pthread_mutex_unlock(&checked) == EPERM);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t recursive;
  pthread_mutex_init(&recursive, &attr);
  for (int i = 0; i < 5; i++) CHECK(pthread_mutex_lock(&recursive) == 0);
  for (int i = 0; i < 5; i++) CHECK(pthread_mutex_unlock(&recursive) == 0);
}

/* A bounded queue. */
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[4], head, used;

static void *produce(void *arg) {
  for (int i = 1; i <= ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    while (used == 4) pthread_cond_wait(&not_full, &mutex);
    queue[(head + used++) % 4] = i;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

static void *consume(void *arg) {
  long sum = 0;
  (void)arg;
  for (int i = 1; i <= ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    while (used == 0) pthread_cond_wait(&not_empty, &mutex);
    sum += queue[head];
    head = (head + 1) % 4;
    used--;
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&mutex);
  }
  return (void *)sum;
}

static void test_condition(void) {
  pthread_t producers[2], consumers[2];
  long sum = 0;
  for (int i = 0; i < 2; i++) {
    CHECK(pthread_create(&producers[i], NULL, produce, NULL) == 0);
    CHECK(pthread_create(&consumers[i], NULL, consume, NULL) == 0);
  }
  for (int i = 0; i < 2; i++) {
    void *part;
    pthread_join(producers[i], NULL);
    pthread_join(consumers[i], &part);
    sum += (long)part;
  }
  CHECK(sum == 2L * ROUNDS * (ROUNDS + 1) / 2);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20 * 1000 * 1000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  CHECK(pthread_cond_timedwait(&not_empty, &mutex, &until) == ETIMEDOUT);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
  pthread_mutex_unlock(&mutex);
}

static pthread_barrier_t barrier;
static int arrived[THREADS], serial;

static void *meet(void *arg) {
  for (int round = 1; round <= 20; round++) {
    __atomic_store_n(&arrived[(long)arg], round, __ATOMIC_SEQ_CST);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < THREADS; i++) CHECK(__atomic_load_n(&arrived[i], __ATOMIC_SEQ_CST) >= round);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int shared_a, shared_b;

static void *read_write(void *arg) {
  for (int i = 0; i < 200; i++) {
    if ((i + (long)arg) % 10 == 0) {
      pthread_rwlock_wrlock(&rwlock);
      shared_a++;
      if (i % 3 == 0) sched_yield();
      shared_b++;
    } else {
      pthread_rwlock_rdlock(&rwlock);
      CHECK(shared_a == shared_b);
    }
    pthread_rwlock_unlock(&rwlock);
  }
  return NULL;
}

static void run_all(void *(*body)(void *)) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) CHECK(pthread_create(&t[i], NULL, body, (void *)i) == 0);
  for (long i = 0; i < THREADS; i++) CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialised;
static void initialise(void) { initialised++; }
static void *call_once(void *arg) {
  pthread_once(&once, initialise);
  CHECK(initialised == 1);
  return arg;
}

static pthread_key_t key;
static int destroyed;
static void destroy(void *value) { __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST); }
static void *use_key(void *arg) {
  CHECK(pthread_getspecific(key) == NULL);
  pthread_setspecific(key, (void *)((long)arg + 1));
  return NULL;
}

static int cleaned;
static void clean(void *arg) { cleaned += (int)(long)arg; }
static void *wait_forever(void *arg) {
  pthread_cleanup_push(clean, (void *)3);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return arg;
}
static void unlock(void *arg) { pthread_mutex_unlock(arg); }
static void *cancel_in_cond(void *arg) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock, &mutex);
  for (;;) pthread_cond_wait(&not_empty, &mutex);
  pthread_cleanup_pop(0);
  return arg;
}
static void *spin(void *arg) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  for (volatile long i = 0;; i++) {}
  return arg;
}

static void test_cancel(void) {
  void *(*bodies[])(void *) = {wait_forever, cancel_in_cond, spin};
  for (int i = 0; i < 3; i++) {
    pthread_t t;
    void *result;
    CHECK(pthread_create(&t, NULL, bodies[i], NULL) == 0);
    usleep(2000);
    CHECK(pthread_cancel(t) == 0);
    CHECK(pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
  }
  CHECK(cleaned == 3);
  CHECK(pthread_mutex_trylock(&mutex) == 0);
  pthread_mutex_unlock(&mutex);
}

static sem_t semaphore;
static void *post(void *arg) {
  pthread_detach(pthread_self());
  sem_post(&semaphore);
  return arg;
}

static void test_semaphore(void) {
  CHECK(sem_init(&semaphore, 0, 0) == 0);
  CHECK(sem_trywait(&semaphore) == -1 && errno == EAGAIN);
  for (int i = 0; i < THREADS; i++) {
    pthread_t t;
    CHECK(pthread_create(&t, NULL, post, NULL) == 0);
  }
  for (int i = 0; i < THREADS; i++) CHECK(sem_wait(&semaphore) == 0);
}

static void *stack_user(void *arg) {
  volatile char big[200 * 1024];
  for (size_t i = 0; i < sizeof big; i += 4096) big[i] = (char)i;
  pthread_attr_t attr;
  void *base;
  size_t size;
  CHECK(pthread_getattr_np(pthread_self(), &attr) == 0);
  CHECK(pthread_attr_getstack(&attr, &base, &size) == 0);
  CHECK((char *)&attr >= (char *)base && (char *)&attr < (char *)base + size);
  CHECK(size == 256 * 1024);
  char name[16];
  CHECK(pthread_setname_np(pthread_self(), "stack-user") == 0);
  CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "stack-user") == 0);
  return arg;
}

int main(void) {
  test_mutex();
  test_condition();
  pthread_barrier_init(&barrier, NULL, THREADS);
  run_all(meet);
  CHECK(serial >= 20);
  run_all(read_write);
  CHECK(shared_a == shared_b && shared_a == THREADS * 20);
  run_all(call_once);
  CHECK(pthread_key_create(&key, destroy) == 0);
  run_all(use_key);
  CHECK(destroyed == THREADS * (THREADS + 1) / 2);
  test_cancel();
  test_semaphore();
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 256 * 1024);
  pthread_t t;
  CHECK(pthread_create(&t, &attr, stack_user, NULL) == 0);
  CHECK(pthread_join(t, NULL) == 0);
  puts("threads: ok");
  return 0;
}
