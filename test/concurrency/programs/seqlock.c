/* A reader of a sequence lock that forgets to look at the number once more. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int sequence, left, right;

static void *write_both(void *unused) {
  for (int i = 1; i <= 2; i++) {
    sequence++;
    left = i;
    right = i;
    sequence++;
  }
  return unused;
}

static void *read_both(void *unused) {
  for (int i = 0; i < 2; i++) {
    int before, x, y;
    do {
      while ((before = sequence) % 2 != 0) sched_yield();
      x = left;
      y = right;
#ifdef FIXED
    } while (sequence != before);
#else
    } while (0);
#endif
    assert(x == y);
  }
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, write_both, 0);
  pthread_create(&b, 0, read_both, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
