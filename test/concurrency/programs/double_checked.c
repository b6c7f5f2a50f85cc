/* Double-checked locking: the flag is set before what it stands for. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static int value;
static atomic_int made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *get(void *unused) {
  if (!made) {
    pthread_mutex_lock(&lock);
    if (!made) {
#ifdef FIXED
      value = 42;
      made = 1;
#else
      made = 1;
      value = 42;
#endif
    }
    pthread_mutex_unlock(&lock);
  }
  assert(value == 42);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, get, 0);
  pthread_create(&b, 0, get, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
