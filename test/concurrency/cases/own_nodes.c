/* A queue lock whose nodes lie on the stacks of those that wait: optimised, they are accessed by the stack pointer. BROKEN leaves the data unprotected in one place. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct node {
  _Atomic(struct node *) next;
  atomic_int locked;
};
static _Atomic(struct node *) tail;
static long total;

static void add(long amount) {
  struct node own;
  atomic_init(&own.next, NULL);
  atomic_init(&own.locked, 1);
  struct node *before = atomic_exchange_explicit(&tail, &own, memory_order_acq_rel);
  if (before != NULL) {
    atomic_store_explicit(&before->next, &own, memory_order_release);
    while (atomic_load_explicit(&own.locked, memory_order_acquire) != 0) continue;
  }
  total += amount;
  struct node *expected = &own;
  if (atomic_compare_exchange_strong_explicit(&tail, &expected, NULL, memory_order_acq_rel, memory_order_acquire)) return;
  struct node *next;
  while ((next = atomic_load_explicit(&own.next, memory_order_acquire)) == NULL) continue;
  atomic_store_explicit(&next->locked, 0, memory_order_release);
}

static void *work(void *amount) {
  for (int i = 0; i < 4; i++) add((long)amount);
#ifdef BROKEN
  total++;
#endif
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  printf("%ld\n", total);
  return 0;
}
