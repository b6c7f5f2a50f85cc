/* N - 1 threads set two variables one after the other; one thread sees the first without the second. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 3
#endif
static int a, b;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *who) {
  int checks = (long)who == N - 1;
#ifdef FIXED
  pthread_mutex_lock(&lock);
#endif
  if (checks) {
    int seen = a;
    assert((seen == 0 && b == 0) || (seen == 1 && b == -1));
  } else {
    a = 1;
    b = -1;
  }
#ifdef FIXED
  pthread_mutex_unlock(&lock);
#endif
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  (void)lock;
  return 0;
}
