/* A value is published under one lock and what depends on it under another: a reader comes between. */
#include <assert.h>
#include <pthread.h>

#ifndef N
#define N 3
#endif
static int first, second;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, two = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *who) {
  if ((long)who < N - 1) {
    pthread_mutex_lock(&one);
    first = 1;
#ifndef FIXED
    pthread_mutex_unlock(&one);
#endif
    pthread_mutex_lock(&two);
    second = first + 1;
    pthread_mutex_unlock(&two);
#ifdef FIXED
    pthread_mutex_unlock(&one);
#endif
    return 0;
  }
  pthread_mutex_lock(&one);
  int seen = first;
#ifndef FIXED
  pthread_mutex_unlock(&one);
#endif
  if (seen != 0) {
    pthread_mutex_lock(&two);
    assert(second == seen + 1);
    pthread_mutex_unlock(&two);
  }
#ifdef FIXED
  pthread_mutex_unlock(&one);
#endif
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  return 0;
}
