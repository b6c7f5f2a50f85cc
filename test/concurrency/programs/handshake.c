/* Missed signal: each side waits for the other after an if, and a signal that comes when nobody waits is gone. */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t empty = PTHREAD_COND_INITIALIZER, filled = PTHREAD_COND_INITIALIZER;
static int number = 1;

static void *fill(void *unused) {
  pthread_mutex_lock(&lock);
#ifdef FIXED
  while (number > 0) pthread_cond_wait(&empty, &lock);
#else
  pthread_cond_wait(&empty, &lock);
#endif
  number++;
  pthread_mutex_unlock(&lock);
  pthread_cond_signal(&filled);
  return unused;
}

static void *drain(void *unused) {
  pthread_mutex_lock(&lock);
  while (number == 0) pthread_cond_wait(&filled, &lock);
  number--;
  pthread_mutex_unlock(&lock);
  pthread_cond_signal(&empty);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, fill, 0);
  pthread_create(&b, 0, drain, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
