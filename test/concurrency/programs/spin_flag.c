/* Mutual exclusion by a flag that is tested and set in two steps. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define N 2
static atomic_int flag, inside;

static void *run(void *unused) {
  for (int i = 0; i < 2; i++) {
#ifdef FIXED
    while (atomic_exchange(&flag, 1)) sched_yield();
#else
    while (flag) sched_yield();
    flag = 1;
#endif
    assert(++inside == 1);
    inside--;
    flag = 0;
  }
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  return 0;
}
