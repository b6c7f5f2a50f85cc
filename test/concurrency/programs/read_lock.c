/* Reader-writer misuse: a counter is changed under the lock for reading. */
#include <assert.h>
#include <pthread.h>

#define N 3
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int hits;

static void *look(void *unused) {
#ifdef FIXED
  pthread_rwlock_wrlock(&lock);
#else
  pthread_rwlock_rdlock(&lock);
#endif
  int seen = hits;
  hits = seen + 1;
  pthread_rwlock_unlock(&lock);
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, look, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  assert(hits == N);
  return 0;
}
