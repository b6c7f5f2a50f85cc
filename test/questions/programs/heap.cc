#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <pthread.h>
#include <vector>

static void *keep[8];

static void *small(size_t n) { return malloc(n); }

static void *thread(void *arg) {
  for (int i = 0; i < 10; i++) free(small(100));
  keep[(long)arg] = small(1000);
  return NULL;
}

static void churn() {
  for (int i = 0; i < 50; i++) {
    char *p = (char *)calloc(3, 40);
    free(p);
  }
}

static void peak() {
  char *big = (char *)malloc(100000);
  memset(big, 1, 100000);
  big = (char *)realloc(big, 300000);
  void *aligned = aligned_alloc(4096, 8192);
  void *posix;
  if (posix_memalign(&posix, 64, 640)) abort();
  free(posix);
  free(aligned);
  free(big);
}

int main() {
  pthread_t ids[2];
  for (long i = 0; i < 2; i++) pthread_create(&ids[i], NULL, thread, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(ids[i], NULL);
  churn();
  peak();
  keep[2] = new int[25];
  int *one = new int(4);
  delete one;
  std::vector<long> v;
  for (long i = 0; i < 5; i++) v.push_back(i);
  keep[3] = strdup("nineteen characters");
  keep[4] = malloc(0);
  free(NULL);
  void *zero = realloc(NULL, 70);
  zero = realloc(zero, 30);
  keep[5] = zero;
  return v[2] == 2 ? 0 : 1;
}
