/* Order violation: a pointer is handed to a thread that is started before it is set. */
#include <assert.h>
#include <pthread.h>

static int object = 5;
static int *_Atomic pointer;

static void *use(void *unused) {
  int *p = pointer;
  assert(p != 0 && *p == 5);
  return unused;
}

int main(void) {
  pthread_t a;
#ifdef FIXED
  pointer = &object;
#endif
  pthread_create(&a, 0, use, 0);
  pointer = &object;
  pthread_join(a, 0);
  return 0;
}
