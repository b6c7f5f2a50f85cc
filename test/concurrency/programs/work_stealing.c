/* A work-stealing queue: owner and thief both get the last element. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ITEMS = 3 };
static atomic_int head, tail, got[ITEMS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *own(void *unused) {
  for (int i = 0; i < ITEMS; i++) tail = i + 1;
  for (;;) {
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    int last = tail - 1;
    int mine = -1;
    if (head <= last) {
      tail = last;
      mine = last;
    }
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
    if (mine < 0) return unused;
    got[mine]++;
  }
}

static void *steal(void *unused) {
  for (int i = 0; i < 2; i++) {
    pthread_mutex_lock(&lock);
    int first = head;
    int mine = -1;
    if (first < tail) {
      head = first + 1;
      mine = first;
    }
    pthread_mutex_unlock(&lock);
    if (mine >= 0) got[mine]++;
  }
  return unused;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, own, 0);
  pthread_create(&b, 0, steal, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  for (int i = 0; i < ITEMS; i++) assert(got[i] == 1);
  return 0;
}
