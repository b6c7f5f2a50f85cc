/* Two threads write parts of a file and count the bytes; who saves how far they are reads one of two numbers that are not yet equal. */
#include <assert.h>
#include <pthread.h>

#define WRITERS 2
static int finished;
static unsigned long written;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *fetch(void *unused) {
  pthread_mutex_lock(&lock);
  finished++;
#ifndef FIXED
  pthread_mutex_unlock(&lock);
  pthread_mutex_lock(&lock);
#endif
  written += 10;
  pthread_mutex_unlock(&lock);
  return unused;
}

static void *save(void *unused) {
  pthread_mutex_lock(&lock);
  assert(written == 10ul * finished);
  pthread_mutex_unlock(&lock);
  return unused;
}

int main(void) {
  pthread_t threads[WRITERS + 1];
  for (int i = 0; i <= WRITERS; i++) pthread_create(&threads[i], 0, i < WRITERS ? fetch : save, 0);
  for (int i = 0; i <= WRITERS; i++) pthread_join(threads[i], 0);
  return 0;
}
