/* Sellers stop when a flag says that all seats are gone, which another one sets after its sale: more are sold than there are. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 4
#endif
static int sold, closed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *sell(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  if (!closed) {
    sold++;
    if (sold == N - 1) closed = 1;
  }
  pthread_mutex_unlock(&lock);
#else
  if (closed) return unused;
  pthread_mutex_lock(&lock);
  sold++;
  pthread_mutex_unlock(&lock);
  if (sold == N - 1) closed = 1;
#endif
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (int i = 0; i < N; i++) pthread_create(&threads[i], 0, sell, 0);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(sold <= N - 1);
  return 0;
}
