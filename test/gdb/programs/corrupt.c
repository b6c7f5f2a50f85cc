// One of four threads stores a bad pointer into a list that another one walks: the crash is far from its cause.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
  struct node *next;
  long value;
};

struct node *head;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t filled;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void push(long value) {
  struct node *n = malloc(sizeof *n);
  n->value = value;
  pthread_mutex_lock(&lock);
  n->next = head;
  head = n;
  pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) static void damage(struct node *victim) {
  victim->next = (struct node *)0x10;
}

__attribute__((noinline)) static long walk(struct node *n) {
  long sum = 0;
  for (; n != NULL; n = n->next) sum += n->value;
  return sum;
}

static void *work(void *arg) {
  long id = (long)arg;
  for (long i = 0; i < 50; i++) push(1000 * id + i);
  pthread_barrier_wait(&filled);
  if (id == 3) damage(head->next->next);
  pthread_barrier_wait(&filled);
  if (id == 1) printf("%ld\n", walk(head));
  pthread_mutex_lock(&lock);
  pthread_cond_wait(&never, &lock);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  pthread_barrier_init(&filled, NULL, 4);
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}
