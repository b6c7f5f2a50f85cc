/* A barrier of one's own whose count is reset by the last to leave: who is fast enters the next round too early. */
#include <assert.h>
#include <pthread.h>

#define N 3
enum { ROUNDS = 2 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all = PTHREAD_COND_INITIALIZER;
static int arrived, generation, work[ROUNDS];

static void wait_for_all(void) {
  pthread_mutex_lock(&lock);
#ifdef FIXED
  int mine = generation;
  if (++arrived == N) {
    arrived = 0;
    generation++;
    pthread_cond_broadcast(&all);
  } else
    while (mine == generation) pthread_cond_wait(&all, &lock);
#else
  if (++arrived == N) {
    arrived = 0;
    pthread_cond_broadcast(&all);
  } else
    while (arrived != 0) pthread_cond_wait(&all, &lock);
#endif
  pthread_mutex_unlock(&lock);
}

static void *run(void *unused) {
  for (int round = 0; round < ROUNDS; round++) {
    __atomic_fetch_add(&work[round], 1, __ATOMIC_SEQ_CST);
    wait_for_all();
    assert(work[round] == N);
  }
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, run, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  (void)generation;
  return 0;
}
