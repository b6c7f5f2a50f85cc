/* A table of threads is grown by one while another still uses the place it looked up. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N 2
static int *table, size;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *enrol(void *unused) {
  pthread_mutex_lock(&lock);
  int mine = size++;
  int *bigger = calloc(size, sizeof *bigger);
  if (table != 0) memcpy(bigger, table, mine * sizeof *bigger);
  table = bigger;
#ifndef FIXED
  pthread_mutex_unlock(&lock);
  int *place = &table[mine];
  *place = 1;
#else
  table[mine] = 1;
  pthread_mutex_unlock(&lock);
#endif
  return unused;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, enrol, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < size; i++) assert(table[i] == 1);
  assert(size == N);
  return 0;
}
