/* ABA: a lock-free stack pops a node that was popped and pushed back meanwhile, with another one behind it. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct node {
  struct node *next;
  int used;
};
static struct node a, b, c;
#ifdef FIXED
static unsigned __int128 head;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#endif
static _Atomic(struct node *) top;

static struct node *pop(void) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  struct node *first = top;
  if (first != 0) top = first->next;
  pthread_mutex_unlock(&lock);
  return first;
#else
  struct node *first = top;
  while (first != 0) {
    struct node *next = first->next;
    if (atomic_compare_exchange_strong(&top, &first, next)) break;
  }
  return first;
#endif
}

static void push(struct node *node) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  node->next = top;
  top = node;
  pthread_mutex_unlock(&lock);
#else
  struct node *first = top;
  do node->next = first;
  while (!atomic_compare_exchange_strong(&top, &first, node));
#endif
}

static void *one(void *unused) {
  struct node *node = pop();
  if (node != 0) node->used++;
  return unused;
}

static void *two(void *unused) {
  struct node *first = pop(), *second = pop();
  if (second != 0) second->used++;
  if (first != 0) push(first);
  return unused;
}

int main(void) {
  pthread_t x, y;
  a.next = &b;
  b.next = &c;
  top = &a;
#ifdef FIXED
  (void)head;
#endif
  pthread_create(&x, 0, one, 0);
  pthread_create(&y, 0, two, 0);
  pthread_join(x, 0);
  pthread_join(y, 0);
  for (struct node *node = pop(); node != 0; node = pop()) node->used++;
  assert(a.used <= 1 && b.used <= 1 && c.used <= 1);
  return 0;
}
