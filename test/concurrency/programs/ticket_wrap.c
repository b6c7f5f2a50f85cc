/* A ticket lock whose tickets are drawn by a load and a store: two threads hold the same one. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_uchar next = 255, serving = 255;
static atomic_int inside;

static void *enter(void *unused) {
#ifdef FIXED
  unsigned char mine = atomic_fetch_add(&next, 1);
#else
  unsigned char mine = next;
  next = (unsigned char)(mine + 1);
#endif
  while (serving != mine) sched_yield();
  assert(atomic_fetch_add(&inside, 1) == 0);
  atomic_fetch_sub(&inside, 1);
  serving = (unsigned char)(mine + 1);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, enter, 0);
  pthread_create(&b, 0, enter, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
