/* Each thread makes its variable one more than the other's: as far as the assertion says they cannot come they do when they alternate. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 5
#endif
static atomic_int i = 3, j = 6;

static void *first(void *unused) {
  for (int k = 0; k < N; k++) i = j + 1;
  return unused;
}

static void *second(void *unused) {
  for (int k = 0; k < N; k++) j = i + 1;
  return unused;
}

int main(void) {
#ifdef FIXED
  int limit = 2 * N + 7;
#else
  int limit = 2 * N + 6;
#endif
  pthread_t one, two;
  pthread_create(&one, 0, first, 0);
  pthread_create(&two, 0, second, 0);
  pthread_join(one, 0);
  pthread_join(two, 0);
  assert(i < limit && j < limit);
  return 0;
}
