/* The results are looked at when as many threads as there are have begun to write them, not when they have written them. */
#include <assert.h>
#include <pthread.h>

#define THREADS 2
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all = PTHREAD_COND_INITIALIZER;
static int done, results[THREADS];

static void *transform(void *who) {
#ifdef FIXED
  results[(long)who] = 1;
#endif
  pthread_mutex_lock(&lock);
  if (++done == THREADS) pthread_cond_signal(&all);
  pthread_mutex_unlock(&lock);
#ifndef FIXED
  results[(long)who] = 1;
#endif
  return 0;
}

int main(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, transform, (void *)i);
  pthread_mutex_lock(&lock);
  while (done < THREADS) pthread_cond_wait(&all, &lock);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < THREADS; i++) assert(results[i] == 1);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  return 0;
}
