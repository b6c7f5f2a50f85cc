/* A driver is stopped while a request has already passed the check: the request works on what is gone. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int pending = 1, stopping, stopped;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int enter(void) {
#ifdef FIXED
  pthread_mutex_lock(&lock);
  int allowed = !stopping;
  if (allowed) pending++;
  pthread_mutex_unlock(&lock);
  return allowed;
#else
  if (stopping) return 0;
  pending++;
  return 1;
#endif
}

static void leave(void) {
  if (--pending == 0) stopped = 1;
}

static void *request(void *unused) {
  if (enter()) {
    assert(!stopped);
    leave();
  }
  return unused;
}

static void *stop(void *unused) {
  pthread_mutex_lock(&lock);
  stopping = 1;
  pthread_mutex_unlock(&lock);
  leave();
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, stop, 0);
  pthread_create(&b, 0, request, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
