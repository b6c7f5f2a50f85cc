/* Livelock: two threads take two locks in two orders, and give the first one back when they do not get the second, for ever if they go step by step. */
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, two = PTHREAD_MUTEX_INITIALIZER;

static void *take(void *backwards) {
  pthread_mutex_t *first = backwards ? &two : &one, *second = backwards ? &one : &two;
#ifdef FIXED
  first = &one;
  second = &two;
#endif
  for (;;) {
    pthread_mutex_lock(first);
    if (pthread_mutex_trylock(second) == 0) break;
    pthread_mutex_unlock(first);
    sched_yield();
  }
  pthread_mutex_unlock(second);
  pthread_mutex_unlock(first);
  return 0;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, take, 0);
  pthread_create(&b, 0, take, (void *)1);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
