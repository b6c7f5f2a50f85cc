/* Atomicity violation: each transfer is under the lock, but the balance was looked at before. */
#include <assert.h>
#include <pthread.h>

static int balance = 100;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int look(void) {
  pthread_mutex_lock(&lock);
  int seen = balance;
  pthread_mutex_unlock(&lock);
  return seen;
}

static void *withdraw(void *unused) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  if (balance >= 80) balance -= 80;
  pthread_mutex_unlock(&lock);
#else
  if (look() >= 80) {
    pthread_mutex_lock(&lock);
    balance -= 80;
    pthread_mutex_unlock(&lock);
  }
#endif
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, withdraw, 0);
  pthread_create(&b, 0, withdraw, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  assert(look() >= 0);
  return 0;
}
