/* What scripts of gdb's, calls of functions and catchpoints are tried on: a list, a child, a signal, and a crash at the end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct item {
  char kind;
  int value;
  struct {
    unsigned low : 3, high : 5;
  } bits;
  union {
    double real;
    long whole;
    struct inner {
      char first;
      short second;
    } pair;
  } both;
  struct item *next;
  struct inner several[2];
  char tail;
};

struct item *list;
const char *words[] = {"alpha", "beta", "gamma"};
static int total;

int twice(int x) { return x * 2; }
double half(float x) { return x / 2; }
char *shout(const char *word) {
  static char buffer[32];
  for (int i = 0; i < 31 && word[i]; i++) buffer[i] = word[i] & ~32;
  return buffer;
}
long seven(long a, long b, long c, long d, long e, long f, long g) { return a + 10 * b + 100 * c + d + e + f + 1000 * g; }
void report(const char *word) {
  total++;
  printf("reported %s %d\n", word, total);
  fflush(stdout);
}
int wrong(int *where) { return *where; }
static inline __attribute__((always_inline)) int thrice(int number) {
  int sum = number;
  sum += total;
  return sum * 3;
}

static struct item *push(int value) {
  struct item *made = calloc(1, sizeof *made);
  made->kind = 'a' + value;
  made->value = value;
  made->bits.low = value;
  made->both.real = value / 4.0;
  made->next = list;
  list = made;
  total += value;
  return made;
}

static void on_signal(int number) { total += number; }

int main(void) {
  int *nothing = NULL;
  signal(SIGUSR1, on_signal);
  for (int i = 0; i < 6; i++) push(i);
  raise(SIGUSR1);
  pid_t child = fork();
  if (child == 0) {
    twice(3);
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  }
  waitpid(child, NULL, 0);
  write(1, "done\n", 5);
  volatile int once = thrice(2);
  return twice(total) + *nothing;
}
