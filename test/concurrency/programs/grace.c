/* A grace period that ends too early: a writer waits for the readers of the one phase, though some may have begun in the other. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int phase, readers[2];
static atomic_int old_alive = 1, young_alive = 1;
static _Atomic(atomic_int *) current = &old_alive;

static void *read_it(void *unused) {
  int mine = phase;
  readers[mine]++;
  atomic_int *seen = current;
  assert(*seen);
  readers[mine]--;
  return unused;
}

static void wait_for(int which) {
  while (readers[which] > 0) sched_yield();
}

static void *replace(void *unused) {
  atomic_int *before = atomic_exchange(&current, &young_alive);
  int last = phase;
  phase = 1 - last;
#ifdef FIXED
  wait_for(1 - last);
  wait_for(last);
#else
  wait_for(1 - last);
#endif
  *before = 0;
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
