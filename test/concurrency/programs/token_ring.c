/* Four threads compute each from the one before; the result holds for one order only. */
#include <assert.h>
#include <pthread.h>

static int x[4];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int turn;

static void *pass(void *who) {
  long i = (long)who;
  pthread_mutex_lock(&lock);
#ifdef FIXED
  while (turn != i) pthread_cond_wait(&moved, &lock);
#endif
  x[i] = i == 0 ? 1 : (x[i - 1] + 1) % 5;
  turn++;
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&lock);
  return 0;
}

int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, pass, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  assert(x[0] == 1 && x[1] == 2 && x[2] == 3 && x[3] == 4);
  return 0;
}
