/* Two kinds of threads guard the same variable by two locks. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 3
#endif
static int shared;
static pthread_mutex_t data = PTHREAD_MUTEX_INITIALIZER, wrong = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *who) {
#ifdef FIXED
  pthread_mutex_t *lock = &data;
  (void)who;
#else
  pthread_mutex_t *lock = (long)who == 0 ? &data : &wrong;
#endif
  pthread_mutex_lock(lock);
  int before = shared;
  shared = before + 1;
  assert(shared == before + 1);
  pthread_mutex_unlock(lock);
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  (void)wrong;
  assert(shared == N);
  return 0;
}
