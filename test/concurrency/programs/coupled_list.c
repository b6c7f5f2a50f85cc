/* Nodes of a list have locks of their own; who goes along it lets one go before it has the next, which is removed in between. */
#include <assert.h>
#include <pthread.h>

struct node {
  pthread_mutex_t lock;
  struct node *next;
  int removed;
};
static struct node list[3];

static void *walk(void *unused) {
  struct node *at = &list[0];
  pthread_mutex_lock(&at->lock);
  while (at->next != 0) {
    struct node *next = at->next;
#ifdef FIXED
    pthread_mutex_lock(&next->lock);
    pthread_mutex_unlock(&at->lock);
#else
    pthread_mutex_unlock(&at->lock);
    pthread_mutex_lock(&next->lock);
#endif
    at = next;
    assert(!at->removed);
  }
  pthread_mutex_unlock(&at->lock);
  return unused;
}

static void *cut(void *unused) {
  pthread_mutex_lock(&list[0].lock);
  pthread_mutex_lock(&list[1].lock);
  list[0].next = list[1].next;
  list[1].removed = 1;
  pthread_mutex_unlock(&list[1].lock);
  pthread_mutex_unlock(&list[0].lock);
  return unused;
}

int main(void) {
  for (int i = 0; i < 3; i++) {
    pthread_mutex_init(&list[i].lock, 0);
    list[i].next = i < 2 ? &list[i + 1] : 0;
  }
  pthread_t a, b;
  pthread_create(&a, 0, cut, 0);
  pthread_create(&b, 0, walk, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
