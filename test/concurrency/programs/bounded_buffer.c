/* One condition for full and empty, and a signal for one of those who wait: it reaches the wrong one. */
#include <assert.h>
#include <pthread.h>

enum { EACH = 2, SIZE = 1 };
static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void tell(void) {
#ifdef FIXED
  pthread_cond_broadcast(&changed);
#else
  pthread_cond_signal(&changed);
#endif
}

static void *produce(void *unused) {
  for (int i = 0; i < EACH; i++) {
    pthread_mutex_lock(&lock);
    while (count == SIZE) pthread_cond_wait(&changed, &lock);
    count++;
    tell();
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

static void *consume(void *unused) {
  for (int i = 0; i < EACH; i++) {
    pthread_mutex_lock(&lock);
    while (count == 0) pthread_cond_wait(&changed, &lock);
    count--;
    tell();
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, i % 2 ? produce : consume, 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  assert(count == 0);
  return 0;
}
