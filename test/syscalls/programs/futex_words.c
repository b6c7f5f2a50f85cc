/* futex_wait, futex_wake and futex_requeue: what they refuse, who is woken, who is moved. Linux before 6.7 has none of them. */
#include "check.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

enum { WAKE = 454, WAIT = 455, REQUEUE = 456, PRIVATE_WORD = 128 | 2 };
static uint32_t words[2] = {5, 6};
static int woken[3];
static struct waiter {
  uint64_t value, address;
  uint32_t flags, zero;
} pair[2] = {{5, 0, PRIVATE_WORD, 0}, {6, 0, PRIVATE_WORD, 0}};

static void *wait_for_word(void *number) {
  long which = (long)number;
  long result;
  do result = syscall(WAIT, &words[0], 5ul, 1ul << which, PRIVATE_WORD, NULL, 0);
  while (result == -1 && errno == EINTR);
  CHECK(result == 0);
  __atomic_store_n(&woken[which], 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void wake_one(uint32_t *word, unsigned long mask) {
  while (syscall(WAKE, word, mask, 1, PRIVATE_WORD) == 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static long move_waiters(void) {
  long result = syscall(REQUEUE, pair, 0, 0, 2);
  CHECK(result >= 0);
  return result;
}

/* A waiter that Linux wakes for no reason (a late wake-up of its start) waits at the first word again. */
static void wake_moved(unsigned long mask) {
  while (syscall(WAKE, &words[1], mask, 1, PRIVATE_WORD) == 0) {
    move_waiters();
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
}

int main(void) {
  if (syscall(WAKE, &words[0], 1ul, 1, PRIVATE_WORD) == -1 && errno == ENOSYS) return 0;
  pair[0].address = (uintptr_t)&words[0], pair[1].address = (uintptr_t)&words[1];
  FAILS(syscall(WAKE, &words[0], 0ul, 1, PRIVATE_WORD), EINVAL);
  FAILS(syscall(WAKE, &words[0], 1ul, 1, 1), EINVAL);
  FAILS(syscall(WAKE, &words[0], 1ul, 1, 1 << 20), EINVAL);
  FAILS(syscall(WAKE, &words[0], 1ul << 32, 1, PRIVATE_WORD), EINVAL);
  FAILS(syscall(WAKE, (char *)&words[0] + 1, 1ul, 1, PRIVATE_WORD), EINVAL);
  FAILS(syscall(WAIT, &words[0], 6ul, 1ul, PRIVATE_WORD, NULL, 0), EAGAIN);
  FAILS(syscall(WAIT, &words[0], 5ul, 0ul, PRIVATE_WORD, NULL, 0), EINVAL);
  struct timespec past = {1, 0}, wrong = {0, -1};
  FAILS(syscall(WAIT, &words[0], 5ul, 1ul, PRIVATE_WORD, &past, CLOCK_MONOTONIC), ETIMEDOUT);
  FAILS(syscall(WAIT, &words[0], 5ul, 1ul, 2, &past, CLOCK_REALTIME), ETIMEDOUT);
  FAILS(syscall(WAIT, &words[0], 5ul, 1ul, PRIVATE_WORD, &past, CLOCK_BOOTTIME), EINVAL);
  FAILS(syscall(WAIT, &words[0], 5ul, 1ul, PRIVATE_WORD, &wrong, CLOCK_MONOTONIC), EINVAL);
  FAILS(syscall(REQUEUE, pair, 1, 1, 1), EINVAL);
  FAILS(syscall(REQUEUE, NULL, 0, 1, 1), EINVAL);
  FAILS(syscall(REQUEUE, pair, 0, -1, 1), EINVAL);
  CHECK(syscall(REQUEUE, pair, 0, 1, 1) == 0);
  CHECK(syscall(WAKE, &words[0], 1ul, 0, PRIVATE_WORD) == 0);
  pthread_t threads[3];
  for (long i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, wait_for_word, (void *)i) == 0);
  wake_one(&words[0], 2);
  pthread_join(threads[1], NULL);
  CHECK(woken[1] == 1 && woken[0] == 0 && woken[2] == 0);
  /* The two others go over to the second word, and are woken there by their bits. */
  for (int moved = 0; moved < 2;) moved += move_waiters();
  while (move_waiters() > 0) continue;
  wake_moved(1);
  pthread_join(threads[0], NULL);
  CHECK(woken[2] == 0);
  wake_moved(4);
  pthread_join(threads[2], NULL);
  CHECK(move_waiters() == 0);
  pair[0].value = 7;
  FAILS(syscall(REQUEUE, pair, 0, 0, 2), EAGAIN);
  return 0;
}
