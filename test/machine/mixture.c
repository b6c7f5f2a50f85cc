/* Threads that contend, sleep and get signals, with floating point and timers: something of everything a machine's state holds. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned long order = 5381;
static volatile int ticks, stage;

static void tick(int signal) { ticks += signal == SIGALRM; }

static void *work(void *arg) {
  long id = (long)arg;
  double x = (double)id + 0.5;
  for (int i = 0; i < 60; i++) {
    pthread_mutex_lock(&mutex);
    order = order * 33 + (unsigned long)id;
    stage++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    char *block = malloc((size_t)(100 + i * id * 50));
    memset(block, (int)id, 100);
    x = x * 1.0001 + block[7];
    free(block);
    if (i % 20 == (int)id) {
      struct timespec ts = {0, 1000 * id};
      nanosleep(&ts, NULL);
    }
  }
  return x > 0 ? (void *)id : NULL;
}

int main(void) {
  signal(SIGALRM, tick);
  struct itimerval timer = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &timer, NULL);
  pthread_t t[3];
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
  pthread_mutex_lock(&mutex);
  while (stage < 150) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map + 4096, 1, 10000);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  printf("order %lx, %d ticks\n", order, ticks);
  return 0;
}
