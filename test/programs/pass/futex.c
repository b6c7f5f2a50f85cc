/* futex(2) as such: values, wake counts, bitsets, requeueing, wake-op, timeouts, and priority-inheriting and robust mutexes on top. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static long futex(void *addr, int op, uint32_t val, const void *timeout, void *addr2, uint32_t val3) {
  return syscall(SYS_futex, addr, op, val, timeout, addr2, val3);
}

static uint32_t word, other;
static int waiting, woken;

struct waiter {
  int op;
  uint32_t bitset;
};

static void *sleeper(void *arg) {
  struct waiter *w = arg;
  __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  long result;
  do result = futex(&word, w->op, 1, NULL, NULL, w->bitset);
  while (result == -1 && errno == EINTR);
  CHECK(result == 0);
  __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

/* Starts n sleepers on `word` and waits until they surely sleep. */
static void start(pthread_t *t, struct waiter *w, int n) {
  waiting = woken = 0;
  word = 1;
  for (int i = 0; i < n; i++) CHECK(pthread_create(&t[i], NULL, sleeper, &w[i]) == 0);
  while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < n) usleep(100);
  usleep(20000);
}

static void join(pthread_t *t, int n) {
  for (int i = 0; i < n; i++) CHECK(pthread_join(t[i], NULL) == 0);
  CHECK(woken == n);
}

static void until(int n) {
  while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < n) usleep(100);
  usleep(5000);
  CHECK(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) == n);
}

static void test_values(void) {
  FAILS(futex(&word, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0), EAGAIN);
  FAILS(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL);
  FAILS(futex((void *)8, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
  FAILS(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
  FAILS(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL);
  FAILS(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0);
}

static double since(const struct timespec *start, clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void test_timeouts(void) {
  struct timespec before, wait = {0, 20000000};
  word = 0;
  clock_gettime(CLOCK_MONOTONIC, &before);
  FAILS(futex(&word, FUTEX_WAIT_PRIVATE, 0, &wait, NULL, 0), ETIMEDOUT);
  CHECK(since(&before, CLOCK_MONOTONIC) >= 0.02);
  struct timespec at = before;
  at.tv_nsec += 50000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  FAILS(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  CHECK(since(&before, CLOCK_MONOTONIC) >= 0.05);
  FAILS(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  clock_gettime(CLOCK_REALTIME, &before);
  at = before;
  at.tv_nsec += 20000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  FAILS(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  CHECK(since(&before, CLOCK_REALTIME) >= 0.02);
  struct timespec bad = {0, 1000000000};
  FAILS(futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
  FAILS(futex(&word, FUTEX_WAIT_PRIVATE, 0, (void *)8, NULL, 0), EFAULT);
}

static void test_wake(void) {
  pthread_t t[6];
  struct waiter any[6];
  for (int i = 0; i < 6; i++) any[i] = (struct waiter){FUTEX_WAIT_PRIVATE, 0};
  start(t, any, 6);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0) == 2);
  until(2);
  CHECK(futex(&word, FUTEX_WAKE, 2, NULL, NULL, 0) == 0); /* another key: not private */
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0) == 4);
  join(t, 6);
  struct waiter bits[3] = {{FUTEX_WAIT_BITSET_PRIVATE, 1}, {FUTEX_WAIT_BITSET_PRIVATE, 2}, {FUTEX_WAIT_BITSET_PRIVATE, 4}};
  start(t, bits, 3);
  CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 8) == 0);
  CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 5) == 2);
  until(2);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 1);
  join(t, 3);
}

static void test_requeue(void) {
  pthread_t t[5];
  struct waiter w[5];
  for (int i = 0; i < 5; i++) w[i] = (struct waiter){FUTEX_WAIT_PRIVATE, 0};
  start(t, w, 5);
  FAILS(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &other, 99), EAGAIN);
  CHECK(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &other, 1) == 3);
  until(1);
  CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 2);
  until(3);
  CHECK(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)10, &other, 0) == 2);
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 0);
  CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 2);
  join(t, 5);
}

static void *other_sleeper(void *arg) {
  __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  CHECK(futex(&other, FUTEX_WAIT_PRIVATE, 7, NULL, NULL, 0) == 0);
  __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return arg;
}

static void test_wake_op(void) {
  pthread_t t[2], u;
  struct waiter w[1] = {{FUTEX_WAIT_PRIVATE, 0}};
  start(t, w, 1);
  other = 7;
  CHECK(pthread_create(&u, NULL, other_sleeper, NULL) == 0);
  while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 2) usleep(100);
  usleep(20000);
  /* other = other + 3; wakes on `other` only if its old value was above 100: it was not. */
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 100)) == 1);
  CHECK(other == 10);
  until(1);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 10)) == 1);
  CHECK(other == 1);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 4, FUTEX_OP_CMP_NE, 0)) == 0);
  CHECK(other == 17);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_NE, 0)) == 0);
  CHECK(other == 16);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_XOR, 24, FUTEX_OP_CMP_NE, 0)) == 0);
  CHECK(other == 8);
  CHECK(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_NE, 0)) == 0);
  CHECK(other == 7);
  CHECK(pthread_join(u, NULL) == 0);
  woken--;
  join(t, 1);
}

static pthread_mutex_t pi, robust;
static long pi_count;

static void *use_pi(void *arg) {
  for (int i = 0; i < 200; i++) {
    CHECK(pthread_mutex_lock(&pi) == 0);
    long seen = pi_count;
    if (i % 20 == 0) usleep(1);
    pi_count = seen + 1;
    CHECK(pthread_mutex_unlock(&pi) == 0);
  }
  return arg;
}

static void *die_holding(void *arg) {
  CHECK(pthread_mutex_lock(arg) == 0);
  return NULL;
}

static void test_mutexes(void) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
  CHECK(pthread_mutex_init(&pi, &attr) == 0);
  pthread_t t[4];
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, use_pi, NULL) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_join(t[i], NULL) == 0);
  CHECK(pi_count == 800);

  for (int inherit = 0; inherit < 2; inherit++) {
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (inherit) pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    CHECK(pthread_mutex_init(&robust, &attr) == 0);
    CHECK(pthread_create(&t[0], NULL, die_holding, &robust) == 0);
    CHECK(pthread_join(t[0], NULL) == 0);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_lock(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_create(&t[0], NULL, die_holding, &robust) == 0);
    CHECK(pthread_join(t[0], NULL) == 0);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_lock(&robust) == ENOTRECOVERABLE);
  }
}

static uint32_t *shared;
static void *shared_sleeper(void *arg) {
  __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  CHECK(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0);
  return arg;
}

static void test_shared(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  pthread_t t;
  waiting = 0;
  CHECK(pthread_create(&t, NULL, shared_sleeper, NULL) == 0);
  while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 1) usleep(100);
  usleep(20000);
  CHECK(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
  CHECK(pthread_join(t, NULL) == 0);
}

int main(void) {
  test_values();
  test_timeouts();
  test_wake();
  test_requeue();
  test_wake_op();
  test_mutexes();
  test_shared();
  puts("futex: ok");
  return 0;
}
