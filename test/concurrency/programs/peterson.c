/* Mutual exclusion by two flags and a turn: whoever looks before raising its own flag meets the other one inside. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int wants[2], turn, inside;

static void *enter(void *who) {
  int me = (int)(long)who, other = 1 - me;
  for (int i = 0; i < 2; i++) {
#ifdef FIXED
    wants[me] = 1;
    turn = other;
    while (wants[other] && turn == other) sched_yield();
#else
    turn = other;
    while (wants[other] && turn == other) sched_yield();
    wants[me] = 1;
#endif
    assert(atomic_fetch_add(&inside, 1) == 0);
    atomic_fetch_sub(&inside, 1);
    wants[me] = 0;
  }
  return 0;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, enter, 0);
  pthread_create(&b, 0, enter, (void *)1);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
