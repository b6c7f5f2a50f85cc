/* Deadlock by order of semaphores: one takes the slot before the lock, the other the lock before the slot. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

static sem_t lock, slot;
static int used;

static void *one(void *unused) {
  sem_wait(&slot);
  sem_wait(&lock);
  used++;
  sem_post(&lock);
  sem_post(&slot);
  return unused;
}

static void *other(void *unused) {
#ifdef FIXED
  return one(unused);
#else
  sem_wait(&lock);
  sem_wait(&slot);
  used++;
  sem_post(&slot);
  sem_post(&lock);
  return unused;
#endif
}

int main(void) {
  sem_init(&lock, 0, 1);
  sem_init(&slot, 0, 1);
  pthread_t a, b;
  pthread_create(&a, 0, one, 0);
  pthread_create(&b, 0, other, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(used == 2);
  return 0;
}
