/* Threads are told by a variable, which goes on changing, which of the places is theirs. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 5
#endif
static int places[N + 1], next;
static int numbers[N];

static void *mark(void *which) {
  places[*(int *)which] = 1;
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (next = 0; next < N; next++) {
    numbers[next] = next;
#ifdef FIXED
    pthread_create(&threads[next], 0, mark, &numbers[next]);
#else
    pthread_create(&threads[next], 0, mark, &next);
#endif
  }
  int sum = 0;
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < N; i++) sum += places[i];
  assert(sum == N);
  return 0;
}
