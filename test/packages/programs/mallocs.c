/* Allocation by several threads, with sizes and lifetimes mixed; prints what must not depend on the allocator. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 64, ROUNDS = 1000 };

static void check(int condition) {
  if (!condition) abort();
}

static void *work(void *arg) {
  uint64_t seed = (uintptr_t)arg * 77777 + 1, sum = 0;
  unsigned char *live[SLOTS] = {0};
  size_t size[SLOTS] = {0};
  for (int i = 0; i < ROUNDS; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    int slot = seed >> 58;
    size_t want = (seed >> 20) % (i % 50 == 0 ? 200000 : 600) + 1;
    for (size_t j = 0; j < size[slot]; j += 97) check(live[slot][j] == (unsigned char)(slot + j));
    int how = seed >> 16 & 3;
    if (how != 1) free(live[slot]);
    if (how == 0) live[slot] = malloc(want);
    if (how == 1) live[slot] = realloc(live[slot], want);
    if (how == 2) {
      live[slot] = calloc(1, want);
      for (size_t j = 0; j < want; j++) check(live[slot][j] == 0);
    }
    if (how == 3) check(posix_memalign((void **)&live[slot], 64, want) == 0 && (uintptr_t)live[slot] % 64 == 0);
    size[slot] = want;
    check(malloc_usable_size(live[slot]) >= want);
    for (size_t j = 0; j < want; j++) live[slot][j] = slot + j;
    sum += want;
  }
  for (int i = 0; i < SLOTS; i++) free(live[i]);
  return (void *)sum;
}

int main(void) {
  pthread_t threads[3];
  uint64_t total = 0;
  for (uintptr_t i = 0; i < 3; i++) pthread_create(&threads[i], 0, work, (void *)i);
  for (int i = 0; i < 3; i++) {
    void *sum;
    pthread_join(threads[i], &sum);
    total += (uintptr_t)sum;
  }
  printf("%lu\n", total);
}
