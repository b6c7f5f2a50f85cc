// Two threads that count in shared memory, in plain stores, read-modify-write instructions, string instructions and system calls.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cell {
  long before[4];
  volatile long value;
  long after[4];
};

struct cell shared;
static long sources[8] = {100, 200, 300, 400, 500, 600, 700, 800};

__attribute__((noinline)) void work(long i) {
  shared.value += i;
}

__attribute__((noinline)) void leaf(void) {
  __asm__ volatile("" ::: "memory");
}

static void *run(void *arg) {
  long id = (long)arg;
  for (long i = 1; i <= 40; i++) {
    work(1000 * id + i);
    if (i % 8 == 0) leaf();
  }
  return 0;
}

int main(void) {
  int fds[2];
  pthread_t threads[2];
  for (long i = 0; i < 2; i++) pthread_create(&threads[i], 0, run, (void *)(i + 1));
  for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
  pipe(fds);
  for (int i = 0; i < 4; i++) {
    long *from = &sources[i];
    void *to = (void *)&shared.value;
    unsigned long words = 1;
    __asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(words)::"memory");
    long got = 31 * i + 7;
    write(fds[1], &got, sizeof got);
    read(fds[0], (void *)&shared.value, sizeof got);
    __asm__ volatile("lock incq %0" : "+m"(shared.value));
  }
  printf("%ld\n", shared.value);
  return 0;
}
