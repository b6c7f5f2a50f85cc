/* Priority-inheriting futexes: mutexes of the C library, condition variables over them, and the operations that requeue onto them. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

static pthread_mutex_t mutex;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;
static int waiting, released;

static void *count(void *argument) {
  (void)argument;
  for (int i = 0; i < 2000; i++) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    counter++;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
  }
  return NULL;
}

static void *wait_for(void *argument) {
  (void)argument;
  CHECK(pthread_mutex_lock(&mutex) == 0);
  waiting++;
  while (!released) CHECK(pthread_cond_wait(&condition, &mutex) == 0);
  counter++;
  CHECK(pthread_mutex_unlock(&mutex) == 0);
  return NULL;
}

static uint32_t word, lock;
static int order, arrived;

static long futex(uint32_t *at, int op, uint32_t value, void *limit, uint32_t *second, uint32_t third) {
  return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, value, limit, second, third);
}

static void *requeued(void *argument) {
  (void)argument;
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  CHECK(futex(&word, FUTEX_WAIT_REQUEUE_PI, 7, NULL, &lock, 0) == 0);
  CHECK((lock & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid));
  order++;
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  return NULL;
}

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_t threads[4];
  pthread_mutexattr_init(&attributes);
  CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
  CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK(counter == 8000);
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, wait_for, NULL) == 0);
  for (;;) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    int all = waiting == 4;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    if (all) break;
    usleep(1000);
  }
  CHECK(pthread_mutex_lock(&mutex) == 0);
  CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
  released = 1;
  CHECK(pthread_cond_broadcast(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK(counter == 8004);

  word = 7;
  struct timespec past = {0, 0};
  CHECK(futex(&word, FUTEX_WAIT_REQUEUE_PI, 8, NULL, &lock, 0) == -1 && errno == EAGAIN);
  CHECK(futex(&word, FUTEX_WAIT_REQUEUE_PI, 7, NULL, &word, 0) == -1 && errno == EINVAL);
  CHECK(futex(&word, FUTEX_WAIT_REQUEUE_PI, 7, &past, &lock, 0) == -1 && errno == ETIMEDOUT);
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &lock, 8) == -1 && errno == EAGAIN);
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, (void *)0, &lock, 7) == -1 && errno == EINVAL);
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &lock, 7) == 0);
  CHECK(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, requeued, NULL) == 0);
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 3) usleep(1000);
  usleep(50000);
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)100, &lock, 7) == 3);
  CHECK(order == 0 && (lock & FUTEX_WAITERS));
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(order == 3 && lock == 0);
  return 0;
}
