/* A table is made larger under the lock, and looked up without: the reader takes the old table with the new size. */
#include <assert.h>
#include <pthread.h>

static int small[2] = {1, 1}, large[4] = {1, 1, 1, 1};
static int *table = small, size = 2;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *grow(void *unused) {
  pthread_mutex_lock(&lock);
  size = 4;
  table = large;
  pthread_mutex_unlock(&lock);
  return unused;
}

static void *look_up(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
#endif
  int last = size - 1;
  int *seen = table;
#ifdef FIXED
  pthread_mutex_unlock(&lock);
#endif
  assert(seen == large || last < 2);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, grow, 0);
  pthread_create(&b, 0, look_up, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
