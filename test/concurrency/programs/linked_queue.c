/* A linked queue without locks: a node is hung on by a store, which takes off what another thread has hung on in between. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
  int value;
  _Atomic(struct node *) next;
};
static struct node first;
static _Atomic(struct node *) tail = &first;

static void put(int value) {
  struct node *node = malloc(sizeof *node);
  node->value = value;
  atomic_init(&node->next, 0);
  for (;;) {
    struct node *last = tail, *none = 0;
    struct node *next = last->next;
    if (next != 0) {
      atomic_compare_exchange_strong(&tail, &last, next);
      continue;
    }
#ifdef FIXED
    if (!atomic_compare_exchange_strong(&last->next, &none, node)) continue;
#else
    (void)none;
    last->next = node;
#endif
    atomic_compare_exchange_strong(&tail, &last, node);
    return;
  }
}

static void *work(void *base) {
  for (int i = 0; i < 2; i++) put((int)(long)base + i);
  return 0;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, work, (void *)10);
  pthread_create(&b, 0, work, (void *)20);
  pthread_join(a, 0);
  pthread_join(b, 0);
  int count = 0;
  for (struct node *node = first.next; node; node = node->next) count++;
  assert(count == 4);
  return 0;
}
