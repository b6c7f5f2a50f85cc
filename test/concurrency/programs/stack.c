/* A stack whose pushes are locked and whose pops trust what they saw before. */
#include <assert.h>
#include <pthread.h>

enum { ROUNDS = 3 };
static int top, elements[16];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *push(void *unused) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    elements[top++] = 7;
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

static void *pop(void *unused) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
#ifdef FIXED
    if (top > 0) {
#else
    int some = top > 0;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
    if (some) {
#endif
      assert(top > 0);
      assert(elements[--top] == 7);
    }
    pthread_mutex_unlock(&lock);
  }
  return unused;
}

int main(void) {
  pthread_t a, b, c;
  pthread_create(&a, 0, push, 0);
  pthread_create(&b, 0, pop, 0);
  pthread_create(&c, 0, pop, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  pthread_join(c, 0);
  return 0;
}
