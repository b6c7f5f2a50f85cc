/* Use after free: the main thread takes the queue away while the consumer may come round for it once more. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct queue {
  pthread_mutex_t lock;
  int full, closed;
};
static struct queue *_Atomic queue;

static void *consume(void *unused) {
  for (int last = 0; !last;) {
    struct queue *q = queue;
    assert(q != 0);
    pthread_mutex_lock(&q->lock);
    last = q->closed;
    q->full = 0;
    pthread_mutex_unlock(&q->lock);
    sched_yield();
  }
  return unused;
}

int main(void) {
  pthread_t consumer;
  struct queue *mine = malloc(sizeof *mine);
  pthread_mutex_init(&mine->lock, 0);
  mine->full = 1;
  mine->closed = 0;
  queue = mine;
  pthread_create(&consumer, 0, consume, 0);
  for (int full = 1; full;) {
    pthread_mutex_lock(&mine->lock);
    full = mine->full;
    mine->closed = !full;
    pthread_mutex_unlock(&mine->lock);
    sched_yield();
  }
#ifdef FIXED
  pthread_join(consumer, 0);
#else
  for (volatile int i = 0; i < 2000; i++) continue;
#endif
  queue = 0;
#ifndef FIXED
  pthread_join(consumer, 0);
#endif
  free(mine);
  return 0;
}
