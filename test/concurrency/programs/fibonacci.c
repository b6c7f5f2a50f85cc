/* Two threads add to each other's variable: only where they alternate all the time does one of them come as far as the assertion says it cannot. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef N
#define N 5
#endif
static atomic_int i = 1, j = 1;

static void *first(void *unused) {
  for (int k = 0; k < N; k++) {
    int seen = j;
    i = i + seen;
  }
  return unused;
}

static void *second(void *unused) {
  for (int k = 0; k < N; k++) {
    int seen = i;
    j = j + seen;
  }
  return unused;
}

int main(void) {
  int a = 1, b = 1;
  for (int k = 0; k < 2 * N; k++) {
    int sum = a + b;
    a = b;
    b = sum;
  }
#ifdef FIXED
  b++;
#endif
  pthread_t one, two;
  pthread_create(&one, 0, first, 0);
  pthread_create(&two, 0, second, 0);
  pthread_join(one, 0);
  pthread_join(two, 0);
  assert(i < b && j < b);
  return 0;
}
