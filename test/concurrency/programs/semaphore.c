/* A semaphore that lets two into what is meant for one. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

#define N 2
static sem_t gate;
static int inside;

static void *run(void *unused) {
  sem_wait(&gate);
  inside++;
  assert(inside == 1);
  inside--;
  sem_post(&gate);
  return unused;
}

int main(void) {
  pthread_t threads[N];
#ifdef FIXED
  sem_init(&gate, 0, 1);
#else
  sem_init(&gate, 0, 2);
#endif
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  return 0;
}
