/* Deadlock by misuse of a reader-writer lock of one's own: two readers wait to become the writer. */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int readers, writing, value;

static void acquire(int asWriter) {
  pthread_mutex_lock(&lock);
  while (writing || (asWriter && readers > 0)) pthread_cond_wait(&changed, &lock);
  if (asWriter) writing = 1;
  else readers++;
  pthread_mutex_unlock(&lock);
}

static void release(void) {
  pthread_mutex_lock(&lock);
  if (writing) writing = 0;
  else readers--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

#ifndef FIXED
static void become_writer(void) {
  pthread_mutex_lock(&lock);
  while (readers > 1) pthread_cond_wait(&changed, &lock);
  readers--;
  writing = 1;
  pthread_mutex_unlock(&lock);
}
#endif

static void *add(void *unused) {
#ifdef FIXED
  acquire(1);
#else
  acquire(0);
  become_writer();
#endif
  value++;
  release();
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, add, 0);
  pthread_create(&b, 0, add, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(value == 2);
  return 0;
}
