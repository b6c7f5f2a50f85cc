/* Two variables change under two locks, and what holds of both is only so if one thread is done before the other begins. */
#include <assert.h>
#include <pthread.h>

static int x = 10, y = 10;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, two = PTHREAD_MUTEX_INITIALIZER;

static void *grow(void *unused) {
  pthread_mutex_lock(&one);
  x++;
#ifndef FIXED
  pthread_mutex_unlock(&one);
#endif
  pthread_mutex_lock(&two);
  y++;
  pthread_mutex_unlock(&two);
#ifdef FIXED
  pthread_mutex_unlock(&one);
#endif
  return unused;
}

static void *stretch(void *unused) {
  pthread_mutex_lock(&one);
  x *= 2;
#ifndef FIXED
  pthread_mutex_unlock(&one);
#endif
  pthread_mutex_lock(&two);
  y *= 2;
  pthread_mutex_unlock(&two);
#ifdef FIXED
  pthread_mutex_unlock(&one);
#endif
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, grow, 0);
  pthread_create(&b, 0, stretch, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(x == y);
  return 0;
}
