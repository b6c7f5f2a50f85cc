/* A consumer looks once whether there is something, and not again when it was woken: another one may have taken it. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int things;

static void *consume(void *u) {
  pthread_mutex_lock(&lock);
#ifdef FIXED
  while (things == 0) pthread_cond_wait(&filled, &lock);
#else
  if (things == 0) pthread_cond_wait(&filled, &lock);
#endif
  assert(things > 0);
  things--;
  pthread_mutex_unlock(&lock);
  return u;
}

static void *produce(void *u) {
  for (int i = 0; i < 2; i++) {
    pthread_mutex_lock(&lock);
    things++;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
  }
  return u;
}

int main(void) {
  pthread_t threads[3];
  pthread_create(&threads[0], 0, consume, 0);
  pthread_create(&threads[1], 0, consume, 0);
  pthread_create(&threads[2], 0, produce, 0);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
  return 0;
}
