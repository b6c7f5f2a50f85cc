/* Deadlock in a ring: every philosopher takes the left fork first. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 4
#endif
static pthread_mutex_t forks[N];
static int meals;

static void *dine(void *who) {
  int left = (int)(long)who, right = (left + 1) % N;
#ifdef FIXED
  if (left > right) {
    int swap = left;
    left = right;
    right = swap;
  }
#endif
  pthread_mutex_lock(&forks[left]);
  pthread_mutex_lock(&forks[right]);
  __atomic_fetch_add(&meals, 1, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&forks[right]);
  pthread_mutex_unlock(&forks[left]);
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, dine, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(meals == N);
  return 0;
}
