/* What threads do by way of the C library, one case for each name: those that begin with `race_` have a data race. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int x;
static char bytes[16], *block;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

/* Short threads that meet nowhere but in the allocator's and the streams' locks. */
static void *allocates(void *u) {
  free(malloc(2000));
  x++;
  free(malloc(3000));
  return u;
}

static void *prints(void *u) {
  printf("one\n");
  x++;
  printf("two\n");
  return u;
}

static void *overlaps(void *who) {
  for (int i = 0; i < 5; i++) bytes[2 * i + (who != 0)]++;
  if (who == 0) bytes[3]++;
  return 0;
}

static void *uses(void *u) {
  block[3] = 1;
  return u;
}

static void *frees(void *u) {
  free(block);
  return u;
}

static void *reads(void *who) {
  int fds[2];
  if (who == 0) x = 5;
  else if (pipe(fds) == 0 && write(fds[1], "abcd", 4) == 4 && read(fds[0], &x, 4) == 4) close(fds[0]);
  return 0;
}

/* Memory goes from one thread to the next by way of the allocator alone. */
static void *recycles(void *u) {
  for (int i = 0; i < 4; i++) {
    struct { pthread_mutex_t m; int values[30]; } *p = malloc(sizeof *p);
    pthread_mutex_init(&p->m, 0);
    pthread_mutex_lock(&p->m);
    memset(p->values, i, sizeof p->values);
    pthread_mutex_unlock(&p->m);
    pthread_mutex_destroy(&p->m);
    p = realloc(p, 4 * sizeof *p);
    p->values[0] = i;
    free(p);
    char *large = calloc(50, 100);
    large[4000] = 1;
    free(large);
  }
  return u;
}

static void *streams(void *u) {
  char text[64], path[64];
  snprintf(text, sizeof text, "%g %s\n", 1.5, getenv("PATH") ? "path" : "");
  fputs(text, stdout);
  FILE *file = fopen("/proc/self/status", "r");
  if (file && fgets(path, sizeof path, file)) fclose(file);
  char *copy = strdup(text);
  free(copy);
  return u;
}

/* Each process has its own. */
static void *forks(void *u) {
  pid_t child = fork();
  if (child == 0) {
    x = 3;
    _exit(0);
  }
  waitpid(child, 0, 0);
  return u;
}

static void *counts(void *u) {
  pthread_mutex_lock(&m);
  x++;
  pthread_mutex_unlock(&m);
  return u;
}

static void two(void *(*f)(void *), void *(*g)(void *)) {
  pthread_t a, b;
  pthread_create(&a, 0, f, 0);
  pthread_create(&b, 0, g, &a);
  pthread_join(a, 0);
  pthread_join(b, 0);
}

int main(int argc, char **argv) {
  (void)argc;
  const char *name = argv[1];
  block = malloc(40);
#define CASE(text) if (strcmp(name, text) == 0)
  CASE("race_allocates") two(allocates, allocates);
  CASE("race_prints") two(prints, prints);
  CASE("race_overlaps") two(overlaps, overlaps);
  CASE("race_frees") two(uses, frees);
  CASE("race_reads") two(reads, reads);
  CASE("recycles") two(recycles, recycles);
  CASE("streams") two(streams, streams);
  CASE("forks") {
    pthread_t t;
    pthread_create(&t, 0, forks, 0);
    x = 1;
    pthread_join(t, 0);
  }
  CASE("counts") two(counts, counts);
  return 0;
}
