/* Order violation: main reads the result of a thread that it has not joined. */
#include <assert.h>
#include <pthread.h>

static int result;

static void *compute(void *unused) {
  result = 42;
  return unused;
}

int main(void) {
  pthread_t a;
  pthread_create(&a, 0, compute, 0);
#ifdef FIXED
  pthread_join(a, 0);
#else
  for (volatile int i = 0; i < 30000; i++) continue;
#endif
  assert(result == 42);
  return 0;
}
