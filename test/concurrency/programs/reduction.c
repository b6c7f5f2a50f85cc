/* Results are added up before all threads have delivered theirs: a count of arrivals moves before the result. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define N 4
static atomic_int arrived, partial[N], sum;

static void *run(void *who) {
  long i = (long)who;
#ifdef FIXED
  partial[i] = (int)i + 1;
#endif
  int last = ++arrived == N;
#ifndef FIXED
  partial[i] = (int)i + 1;
#endif
  if (last)
    for (int k = 0; k < N; k++) sum += partial[k];
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(sum == 10);
  return 0;
}
