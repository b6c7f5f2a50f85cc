/* Two threads each look at both flags and change one: together they break what each has preserved. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int on_duty_a = 1, on_duty_b = 1;
static pthread_mutex_t lock_a = PTHREAD_MUTEX_INITIALIZER, lock_b = PTHREAD_MUTEX_INITIALIZER;

static void leave(atomic_int *mine, atomic_int *other, pthread_mutex_t *lock) {
  pthread_mutex_lock(lock);
  if (*other) *mine = 0;
  pthread_mutex_unlock(lock);
}

static void *a(void *unused) {
  leave(&on_duty_a, &on_duty_b, &lock_a);
  return unused;
}

static void *b(void *unused) {
#ifdef FIXED
  leave(&on_duty_b, &on_duty_a, &lock_a);
#else
  leave(&on_duty_b, &on_duty_a, &lock_b);
#endif
  return unused;
}

int main(void) {
  pthread_t x, y;
  pthread_create(&x, 0, a, 0);
  pthread_create(&y, 0, b, 0);
  pthread_join(x, 0);
  pthread_join(y, 0);
  (void)lock_b;
  assert(on_duty_a || on_duty_b);
  return 0;
}
