/* Deadlock: two locks taken in two orders. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static int shared;

static void *forth(void *unused) {
  pthread_mutex_lock(&first);
  pthread_mutex_lock(&second);
  shared++;
  pthread_mutex_unlock(&second);
  pthread_mutex_unlock(&first);
  return unused;
}

static void *back(void *unused) {
#ifdef FIXED
  return forth(unused);
#endif
  pthread_mutex_lock(&second);
  pthread_mutex_lock(&first);
  shared++;
  pthread_mutex_unlock(&first);
  pthread_mutex_unlock(&second);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, forth, 0);
  pthread_create(&b, 0, back, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(shared == 2);
  return 0;
}
