// Blocks that come and go at one address, a counter that several functions touch, and a value that comes from far away.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
  long count;
  char name[16];
};

static struct item items[4];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long *published;

static void add(int i) { items[i].count += 1; }
static void clear(int i) { memset(&items[i], 0, sizeof items[i]); }
static long sum(void) {
  long all = 0;
  for (int i = 0; i < 4; i++) all += items[i].count;
  return all;
}

static void *work(void *arg) {
  for (int i = 0; i < 10; i++) {
    pthread_mutex_lock(&lock);
    add((int)(long)arg);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

__attribute__((noinline)) static long *source(void) { return (long *)0x1234; }
__attribute__((noinline)) static void publish(long *p) { published = p; }

int main(void) {
  pthread_t threads[2];
  for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  clear(3);
  long all = sum();
  char *first = malloc(100);
  printf("malloc 100 %p\n", (void *)first);
  strcpy(first, "first owner");
  free(first);
  printf("free %p\n", (void *)first);
  char *second = calloc(10, 10);
  printf("calloc 100 %p\n", (void *)second);
  char *third = realloc(second, 5000);
  printf("realloc 5000 %p\n", (void *)third);
  fflush(stdout);
  if (read(0, third, 4) < 0) return 1;
  publish(source());
  return (int)(*published + all);
}
