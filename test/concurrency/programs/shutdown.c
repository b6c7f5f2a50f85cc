/* A pool is shut down between a worker's look at the queue and its wait. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static atomic_int stopping;
static int done;

static void *worker(void *unused) {
  pthread_mutex_lock(&lock);
  while (!stopping) pthread_cond_wait(&work, &lock);
  done++;
  pthread_mutex_unlock(&lock);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, worker, 0);
  pthread_create(&b, 0, worker, 0);
#ifdef FIXED
  pthread_mutex_lock(&lock);
#endif
  stopping = 1;
  pthread_cond_broadcast(&work);
#ifdef FIXED
  pthread_mutex_unlock(&lock);
#endif
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(done == 2);
  return 0;
}
