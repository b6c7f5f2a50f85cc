/* Threads insert into a hash table without locks; two find the same free slot. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SIZE = 32, PER_THREAD = 3 };
#define N 4
static atomic_int table[SIZE];

static void *insert(void *who) {
  for (int i = 0; i < PER_THREAD; i++) {
    int value = (int)(long)who * PER_THREAD + i + 1;
    int at = value * 7 % SIZE / 4 * 4;
    for (;; at = (at + 1) % SIZE) {
#ifdef FIXED
      int empty = 0;
      if (atomic_compare_exchange_strong(&table[at], &empty, value)) break;
#else
      if (table[at] == 0) {
        table[at] = value;
        break;
      }
#endif
    }
  }
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, insert, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  int found = 0;
  for (int i = 0; i < SIZE; i++) found += table[i] != 0;
  assert(found == N * PER_THREAD);
  return 0;
}
