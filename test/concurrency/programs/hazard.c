/* A reader announces what it is about to use, but does not look again whether it is still there: it is given up in between. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct item {
  atomic_int alive;
};
static struct item old = {1}, young = {1};
static _Atomic(struct item *) current = &old, announced;

static void *read_it(void *unused) {
  struct item *seen = current;
#ifdef FIXED
  for (;;) {
    announced = seen;
    struct item *again = current;
    if (again == seen) break;
    seen = again;
  }
#else
  announced = seen;
#endif
  assert(seen->alive);
  announced = 0;
  return unused;
}

static void *replace(void *unused) {
  struct item *before = atomic_exchange(&current, &young);
  while (announced == before) sched_yield();
  before->alive = 0;
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, read_it, 0);
  pthread_create(&b, 0, replace, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
