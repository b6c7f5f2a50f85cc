/* Deadlock that needs a state: the second lock is only taken while others are inside. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static int users_a, users_b;

static void *kind_a(void *unused) {
  pthread_mutex_lock(&outer);
  if (++users_a == 1) pthread_mutex_lock(&inner);
  pthread_mutex_unlock(&outer);
  pthread_mutex_lock(&outer);
  if (--users_a == 0) pthread_mutex_unlock(&inner);
  pthread_mutex_unlock(&outer);
  return unused;
}

static void *kind_b(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&inner);
  users_b++;
  pthread_mutex_unlock(&inner);
#else
  pthread_mutex_lock(&inner);
  pthread_mutex_lock(&outer);
  users_b++;
  pthread_mutex_unlock(&outer);
  pthread_mutex_unlock(&inner);
#endif
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, kind_a, 0);
  pthread_create(&b, 0, kind_b, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(users_a == 0 && users_b == 1);
  return 0;
}
