/* Tickets are drawn as one more than the highest: two that draw at the same time get the same one, and one that is still drawing is not waited for. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 2
static atomic_int drawing[THREADS], tickets[THREADS], inside;

static void *enter(void *who) {
  int me = (int)(long)who, most = 0;
#ifdef FIXED
  drawing[me] = 1;
#endif
  for (int i = 0; i < THREADS; i++) {
    int seen = tickets[i];
    if (seen > most) most = seen;
  }
  tickets[me] = most + 1;
  drawing[me] = 0;
  for (int i = 0; i < THREADS; i++) {
    while (drawing[i]) sched_yield();
    for (;;) {
      int seen = tickets[i];
      if (i == me || seen == 0 || seen > tickets[me] || (seen == tickets[me] && i > me)) break;
      sched_yield();
    }
  }
  assert(atomic_fetch_add(&inside, 1) == 0);
  atomic_fetch_sub(&inside, 1);
  tickets[me] = 0;
  return 0;
}

int main(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, enter, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  return 0;
}
