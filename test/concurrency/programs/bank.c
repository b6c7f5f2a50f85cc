/* Atomicity violation over two variables: a sum is read while money is between two accounts. */
#include <assert.h>
#include <pthread.h>

static int from = 50, to = 50;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;

static void *transfer(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&one);
  pthread_mutex_lock(&other);
  from -= 10;
  to += 10;
  pthread_mutex_unlock(&other);
  pthread_mutex_unlock(&one);
#else
  pthread_mutex_lock(&one);
  from -= 10;
  pthread_mutex_unlock(&one);
  pthread_mutex_lock(&other);
  to += 10;
  pthread_mutex_unlock(&other);
#endif
  return unused;
}

static void *audit(void *unused) {
  pthread_mutex_lock(&one);
  pthread_mutex_lock(&other);
  assert(from + to == 100);
  pthread_mutex_unlock(&other);
  pthread_mutex_unlock(&one);
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, transfer, 0);
  pthread_create(&b, 0, audit, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
