/* A stage ends when the one before it has ended and the queue is empty, but it looks at the queue first: what comes in between is left. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int queued, ended, taken;

static void *load(void *unused) {
  for (int i = 0; i < 2; i++) {
    pthread_mutex_lock(&lock);
    queued++;
    pthread_mutex_unlock(&lock);
  }
  pthread_mutex_lock(&lock);
  ended = 1;
  pthread_mutex_unlock(&lock);
  return unused;
}

static void *rank(void *unused) {
  for (;;) {
    pthread_mutex_lock(&lock);
    int some = queued > 0;
    if (some) {
      queued--;
      taken++;
    }
#ifndef FIXED
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
#endif
    int over = ended;
    pthread_mutex_unlock(&lock);
    if (!some && over) return unused;
    sched_yield();
  }
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, load, 0);
  pthread_create(&b, 0, rank, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(taken == 2);
  return 0;
}
