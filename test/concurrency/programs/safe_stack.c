/* A lock-free stack of indices whose nodes carry a mark while somebody pops them: two tasks get the same one if a pop is overtaken by a pop and two pushes. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
enum { CELLS = 3, THREADS = 3, ROUNDS = 2 };
static struct { atomic_int next; int owner; } cells[CELLS];
static atomic_int top, left = CELLS;
#ifdef FIXED
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define LOCK pthread_mutex_lock(&lock)
#define UNLOCK pthread_mutex_unlock(&lock)
#else
#define LOCK
#define UNLOCK
#endif
static int take(void) {
  while (left > 1) {
    int first = top;
    int behind = atomic_exchange(&cells[first].next, -1);
    if (behind >= 0) {
      int expected = first;
      if (atomic_compare_exchange_strong(&top, &expected, behind)) {
        atomic_fetch_sub(&left, 1);
        return first;
      }
      atomic_exchange(&cells[first].next, behind);
    }
  }
  return -1;
}
static void give(int cell) {
  int first = top;
  do cells[cell].next = first;
  while (!atomic_compare_exchange_strong(&top, &first, cell));
  atomic_fetch_add(&left, 1);
}
static void *work(void *who) {
  int me = (int)(long)who;
  for (int i = 0; i < ROUNDS; i++) {
    int cell;
    for (;;) {
      LOCK;
      cell = take();
      UNLOCK;
      if (cell >= 0) break;
    }
    cells[cell].owner = me;
    assert(cells[cell].owner == me);
    LOCK;
    give(cell);
    UNLOCK;
  }
  return 0;
}
int main(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < CELLS; i++) cells[i].next = i + 1 < CELLS ? i + 1 : -1;
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  return 0;
}
