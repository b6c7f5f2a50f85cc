/* Atomicity violation: two threads add to a counter without a lock; an addition can be lost. */
#include <assert.h>
#include <pthread.h>

static int counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *add(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
#endif
  int seen = counter;
  counter = seen + 1;
#ifdef FIXED
  pthread_mutex_unlock(&lock);
#endif
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, add, 0);
  pthread_create(&b, 0, add, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  (void)lock;
  assert(counter == 2);
  return 0;
}
