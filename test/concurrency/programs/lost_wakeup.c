/* Lost wake-up: the condition is looked at before the lock is taken to wait. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static atomic_int work;

static void *wait(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  while (work == 0) pthread_cond_wait(&ready, &lock);
  pthread_mutex_unlock(&lock);
#else
  while (work == 0) {
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&ready, &lock);
    pthread_mutex_unlock(&lock);
  }
#endif
  return unused;
}

static void *give(void *unused) {
  pthread_mutex_lock(&lock);
  work = 1;
  pthread_cond_signal(&ready);
  pthread_mutex_unlock(&lock);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, wait, 0);
  pthread_create(&b, 0, give, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(work == 1);
  return 0;
}
