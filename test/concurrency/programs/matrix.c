/* Rows are worked on in steps that depend on each other: where the barrier between two steps is missing, a row is read that is not done. */
#include <assert.h>
#include <pthread.h>

#define SIZE 3
static long matrix[SIZE][SIZE];
static pthread_barrier_t barrier;

static void *eliminate(void *who) {
  int row = (int)(long)who;
  for (int step = 0; step + 1 < SIZE; step++) {
    if (row > step)
      for (int i = step; i < SIZE; i++) matrix[row][i] += matrix[step][i];
#ifdef FIXED
    pthread_barrier_wait(&barrier);
#endif
  }
#ifndef FIXED
  pthread_barrier_wait(&barrier);
#endif
  return 0;
}

int main(void) {
  pthread_t threads[SIZE];
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) matrix[i][j] = i + j + 1;
  pthread_barrier_init(&barrier, 0, SIZE);
  for (long i = 0; i < SIZE; i++) pthread_create(&threads[i], 0, eliminate, (void *)i);
  for (int i = 0; i < SIZE; i++) pthread_join(threads[i], 0);
  assert(matrix[2][2] == 5 + 3 + (4 + 3));
  return 0;
}
