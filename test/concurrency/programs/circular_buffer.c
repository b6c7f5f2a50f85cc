/* A ring buffer whose write index moves before the element is there. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SIZE = 4, COUNT = 6 };
static int slots[SIZE];
static atomic_int first, next;

static void *produce(void *unused) {
  for (int i = 1; i <= COUNT; i++) {
    while (next - first == SIZE) sched_yield();
    int at = next % SIZE;
#ifdef FIXED
    slots[at] = i;
    next++;
#else
    next++;
    slots[at] = i;
#endif
  }
  return unused;
}

static void *consume(void *unused) {
  for (int i = 1; i <= COUNT; i++) {
    while (next == first) sched_yield();
    int got = slots[first % SIZE];
    assert(got == i);
    first++;
  }
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, produce, 0);
  pthread_create(&b, 0, consume, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
