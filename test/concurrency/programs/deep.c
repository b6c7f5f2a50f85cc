/* Four steps of one thread that must alternate with four of another: three changes at the right places. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int x, y;
static int bad;

static void *one(void *unused) {
  x = 1;
  if (y == 1) {
    x = 2;
    if (y == 2) bad = 1;
  }
  return unused;
}

static void *two(void *unused) {
  if (x == 1) {
    y = 1;
    if (x == 2) y = 2;
  }
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, one, 0);
  pthread_create(&b, 0, two, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
#ifndef FIXED
  assert(!bad);
#endif
  (void)bad;
  return 0;
}
