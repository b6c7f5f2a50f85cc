/* A queue whose emptiness is tested outside of the lock that guards its removal. */
#include <assert.h>
#include <pthread.h>

static int items = 1, taken;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *take(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  if (items > 0) {
    items--;
    taken++;
  }
  pthread_mutex_unlock(&lock);
#else
  if (items > 0) {
    pthread_mutex_lock(&lock);
    items--;
    taken++;
    pthread_mutex_unlock(&lock);
  }
#endif
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, take, 0);
  pthread_create(&b, 0, take, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(items >= 0 && taken == 1);
  return 0;
}
