/* Use after free: the count of references is decreased and looked at in two steps; two threads free, or one too early. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define N 2
static atomic_int references = N, freed;

static void *put(void *unused) {
#ifdef FIXED
  if (--references == 0) freed++;
#else
  references--;
  if (references == 0) freed++;
#endif
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, put, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(freed == 1);
  return 0;
}
