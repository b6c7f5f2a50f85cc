/* A queue whose owner takes at the one end and thieves at the other: both get the last item, if the owner does not make sure of it. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define ITEMS 3
static atomic_int head, tail = ITEMS, got[ITEMS];

static int take(void) {
  int last = --tail, first = head;
  if (first < last) return last;
  int mine = first == last;
#ifdef FIXED
  if (mine) mine = atomic_compare_exchange_strong(&head, &first, first + 1);
#endif
  tail = last + 1;
  return mine ? last : -1;
}

static int steal(void) {
  int first = head;
  if (first >= tail) return -1;
  return atomic_compare_exchange_strong(&head, &first, first + 1) ? first : -1;
}

static void *own(void *unused) {
  for (int item; (item = take()) >= 0;) {
    assert(atomic_fetch_add(&got[item], 1) == 0);
    if (item == 0) break;
  }
  return unused;
}

static void *rob(void *unused) {
  for (int i = 0; i < 2; i++) {
    int item = steal();
    if (item >= 0) assert(atomic_fetch_add(&got[item], 1) == 0);
  }
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, own, 0);
  pthread_create(&b, 0, rob, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
