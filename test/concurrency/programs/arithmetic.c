/* A progression is computed by two threads by turns; a signal that nobody waits for yet is lost. */
#include <assert.h>
#include <pthread.h>

static int num = 1, total, done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t empty = PTHREAD_COND_INITIALIZER, full = PTHREAD_COND_INITIALIZER;

static void *produce(void *unused) {
  for (int i = 0; i < 3; i++) {
    pthread_mutex_lock(&lock);
    while (num > 0) pthread_cond_wait(&empty, &lock);
    num++;
    pthread_cond_signal(&full);
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

static void *consume(void *unused) {
  for (int i = 0; i < 4; i++) {
    pthread_mutex_lock(&lock);
#ifdef FIXED
    while (num == 0) pthread_cond_wait(&full, &lock);
#else
    if (num == 0) {
      pthread_mutex_unlock(&lock);
      pthread_mutex_lock(&lock);
      pthread_cond_wait(&full, &lock);
    }
#endif
    num--;
    total += i;
    pthread_cond_signal(&empty);
    pthread_mutex_unlock(&lock);
  }
  done = 1;
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, produce, 0);
  pthread_create(&b, 0, consume, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(done && total == 6);
  return 0;
}
