/* Deadlock: a thread waits for a condition while it holds an outer lock that those who would signal need. */
#include <pthread.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int is_ready;

static void *wait_for_it(void *unused) {
#ifndef FIXED
  pthread_mutex_lock(&outer);
#endif
  pthread_mutex_lock(&inner);
  while (!is_ready) pthread_cond_wait(&ready, &inner);
  pthread_mutex_unlock(&inner);
#ifndef FIXED
  pthread_mutex_unlock(&outer);
#endif
  return unused;
}

static void *provide(void *unused) {
  pthread_mutex_lock(&outer);
  pthread_mutex_lock(&inner);
  is_ready = 1;
  pthread_cond_signal(&ready);
  pthread_mutex_unlock(&inner);
  pthread_mutex_unlock(&outer);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, provide, 0);
  pthread_create(&b, 0, wait_for_it, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
