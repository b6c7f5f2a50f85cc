/* Two threads go through phases, and each takes the other's lock for granted in the second. */
#include <pthread.h>

static pthread_mutex_t x = PTHREAD_MUTEX_INITIALIZER, y = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int value;

static void *forth(void *u) {
#ifdef FIXED
  pthread_mutex_lock(&gate);
#endif
  pthread_mutex_lock(&x);
  value++;
  pthread_mutex_lock(&y);
  value--;
  pthread_mutex_unlock(&x);
  pthread_mutex_lock(&x);
  value++;
  pthread_mutex_unlock(&x);
  pthread_mutex_unlock(&y);
#ifdef FIXED
  pthread_mutex_unlock(&gate);
#endif
  return u;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, forth, 0);
  pthread_create(&b, 0, forth, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  (void)gate;
  return 0;
}
