/* A maximum kept by compare and exchange that takes the old value for granted after a failure. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define N 3
static atomic_int highest;

static void *offer(void *who) {
  int mine = (int)(long)who + 1;
  int seen = highest;
#ifdef FIXED
  while (mine > seen && !atomic_compare_exchange_strong(&highest, &seen, mine)) continue;
#else
  if (mine > seen) atomic_compare_exchange_strong(&highest, &seen, mine);
#endif
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, offer, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(highest == N);
  return 0;
}
