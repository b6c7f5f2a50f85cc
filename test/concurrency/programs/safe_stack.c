/* A lock-free stack of indices whose head and links are swapped in two steps: with three threads two of them pop the same one (safestack). */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ITEMS = 3, ROUNDS = 2 };
static atomic_int head = 0, count = ITEMS, next[ITEMS] = {1, 2, -1}, owner[ITEMS];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int pop(void) {
  while (atomic_load(&count) > 1) {
    int top = atomic_load(&head);
    int below = atomic_exchange(&next[top], -1);
    if (below >= 0) {
      int expected = top;
      if (atomic_compare_exchange_strong(&head, &expected, below)) {
        atomic_fetch_sub(&count, 1);
        return top;
      }
      atomic_exchange(&next[top], below);
    }
  }
  return -1;
}

static void push(int item) {
  int top = atomic_load(&head);
  do atomic_store(&next[item], top);
  while (!atomic_compare_exchange_strong(&head, &top, item));
  atomic_fetch_add(&count, 1);
}

static void *work(void *who) {
  int me = (int)(long)who + 1;
  for (int round = 0; round < ROUNDS; round++) {
#ifdef FIXED
    pthread_mutex_lock(&gate);
#endif
    int item = pop();
    if (item >= 0) {
      atomic_store(&owner[item], me);
      assert(atomic_load(&owner[item]) == me);
      push(item);
    }
#ifdef FIXED
    pthread_mutex_unlock(&gate);
#endif
  }
  return 0;
}

int main(void) {
  pthread_t threads[3];
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], 0, work, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
  (void)gate;
  return 0;
}
