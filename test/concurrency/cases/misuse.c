/* Wrong uses of the C library's synchronisation objects, one for each name; `right` uses all of them as they are meant to be. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, n = PTHREAD_MUTEX_INITIALIZER, made;
static pthread_mutex_t strict;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t w = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int go;

static void *unlocks(void *u) {
  pthread_mutex_unlock(&m);
  return u;
}

static void *unlocks_rwlock(void *u) {
  pthread_rwlock_unlock(&w);
  return u;
}

static void *locks(void *u) {
  pthread_mutex_lock(&m);
  return u;
}

static void *waits(void *mutex) {
  pthread_mutex_lock(mutex);
  while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST)) pthread_cond_wait(&c, mutex);
  pthread_mutex_unlock(mutex);
  return 0;
}

static void *destroys(void *u) {
  pthread_cond_destroy(&c);
  return u;
}

static void *meets(void *u) {
  pthread_barrier_wait(&barrier);
  pthread_rwlock_rdlock(&w);
  pthread_rwlock_unlock(&w);
  sem_post(&semaphore);
  return u;
}

static void run(void *(*f)(void *), void *argument) {
  pthread_t t;
  pthread_create(&t, 0, f, argument);
  pthread_join(t, 0);
}

static void right(void) {
  pthread_t t, q;
  pthread_barrier_init(&barrier, 0, 2);
  sem_init(&semaphore, 0, 0);
  pthread_create(&t, 0, meets, 0);
  pthread_create(&q, 0, waits, &m);
  pthread_rwlock_wrlock(&w);
  pthread_rwlock_unlock(&w);
  pthread_barrier_wait(&barrier);
  sem_wait(&semaphore);
  pthread_mutex_lock(&m);
  __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
  pthread_cond_broadcast(&c);
  pthread_mutex_unlock(&m);
  pthread_join(t, 0);
  pthread_join(q, 0);
  for (int i = 0; i < 2; i++) {
    pthread_mutex_t *fresh = malloc(sizeof *fresh);
    pthread_mutex_init(fresh, 0);
    pthread_mutex_lock(fresh);
    pthread_mutex_unlock(fresh);
    if (i == 1) pthread_mutex_destroy(fresh);
    free(fresh);
    pthread_mutex_init(&made, 0);
    pthread_mutex_destroy(&made);
  }
  pthread_mutex_trylock(&m);
  pthread_mutex_trylock(&m);
  pthread_mutex_unlock(&m);
  pthread_barrier_destroy(&barrier);
  sem_destroy(&semaphore);
  pthread_cond_destroy(&c);
}

int main(int argc, char **argv) {
  (void)argc;
  const char *name = argv[1];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
#define CASE(text) if (strcmp(name, text) == 0)
  CASE("right") right();
  CASE("unlock-free") {
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    pthread_mutex_unlock(&m);
  }
  CASE("unlock-other") {
    pthread_mutex_lock(&m);
    run(unlocks, 0);
  }
  CASE("unlock-rwlock") pthread_rwlock_unlock(&w);
  CASE("unlock-other-rwlock") {
    pthread_rwlock_wrlock(&w);
    run(unlocks_rwlock, 0);
  }
  CASE("destroy-locked") {
    pthread_mutex_lock(&m);
    pthread_mutex_destroy(&m);
  }
  CASE("destroy-locked-rwlock") {
    pthread_rwlock_rdlock(&w);
    pthread_rwlock_destroy(&w);
  }
  CASE("destroyed") {
    pthread_mutex_destroy(&m);
    pthread_mutex_lock(&m);
  }
  CASE("relock") {
    alarm(1);
    pthread_mutex_lock(&m);
    pthread_mutex_lock(&m);
  }
  CASE("relock-strict") {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&strict, &attributes);
    pthread_mutex_lock(&strict);
    pthread_mutex_lock(&strict);
    pthread_mutex_unlock(&strict);
  }
  CASE("wait-unheld") pthread_cond_timedwait(&c, &m, &now);
  CASE("wait-mutexes") {
    pthread_t t, q;
    pthread_create(&t, 0, waits, &m);
    pthread_create(&q, 0, waits, &n);
    usleep(20000);
    __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&c);
    pthread_join(t, 0);
    pthread_join(q, 0);
  }
  CASE("wait-rwlock") {
    pthread_rwlock_wrlock(&w);
    pthread_cond_timedwait(&c, (pthread_mutex_t *)&w, &now);
  }
  CASE("destroy-waited") {
    pthread_t t, q;
    pthread_create(&t, 0, waits, &m);
    usleep(20000);
    pthread_create(&q, 0, destroys, 0);
    usleep(20000);
    _exit(0);
  }
  CASE("exit-holding") run(locks, 0);
  CASE("free-locked") {
    pthread_mutex_t *fresh = malloc(sizeof *fresh);
    pthread_mutex_init(fresh, 0);
    pthread_mutex_lock(fresh);
    free(fresh);
  }
  CASE("init-locked") {
    pthread_mutex_init(&made, 0);
    pthread_mutex_lock(&made);
    pthread_mutex_init(&made, 0);
  }
  CASE("init-again") {
    sem_init(&semaphore, 0, 0);
    sem_init(&semaphore, 0, 1);
  }
  CASE("init-again-barrier") {
    pthread_barrier_init(&barrier, 0, 2);
    pthread_barrier_init(&barrier, 0, 2);
  }
  CASE("init-zero") pthread_barrier_init(&barrier, 0, 0);
  return 0;
}
