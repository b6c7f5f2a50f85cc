/* Workers take halves from a counter that is read and moved in two steps: a part is sorted twice, another never. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define N 2
enum { PARTS = 4 };
static atomic_int next_part;
static atomic_int sorted[PARTS];

static void *sort(void *unused) {
  for (;;) {
#ifdef FIXED
    int part = next_part++;
#else
    int part = next_part;
    next_part = part + 1;
#endif
    if (part >= PARTS) return unused;
    sorted[part]++;
  }
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, sort, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < PARTS; i++) assert(sorted[i] == 1);
  return 0;
}
