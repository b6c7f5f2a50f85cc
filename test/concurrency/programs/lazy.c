/* Order violation: three threads that have to work in order of their creation, and are not made to. */
#include <assert.h>
#include <pthread.h>

static int data;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#ifdef FIXED
enum { LIMIT = 4 };
#else
enum { LIMIT = 3 };
#endif

static void *one(void *unused) {
  pthread_mutex_lock(&lock);
  data++;
  pthread_mutex_unlock(&lock);
  return unused;
}

static void *two(void *unused) {
  pthread_mutex_lock(&lock);
  data += 2;
  pthread_mutex_unlock(&lock);
  return unused;
}

static void *check(void *unused) {
  pthread_mutex_lock(&lock);
  assert(data < LIMIT);
  pthread_mutex_unlock(&lock);
  return unused;
}

int main(void) {
  pthread_t a, b, c;
  pthread_create(&c, 0, check, 0);
  pthread_create(&a, 0, one, 0);
  pthread_create(&b, 0, two, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  pthread_join(c, 0);
  return 0;
}
