// Exists to crash deep in a signal handler on its own stack, called through the C library, with inlined and recursive functions below.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile int sink;
static int compare(const void *a, const void *b) { if (*(int *)a == 3 && *(int *)b == 2) abort(); return *(const int *)a - *(const int *)b; }
static __attribute__((noinline)) void crash(void) { int v[5] = {5, 3, 2, 1, 4}; qsort(v, 5, sizeof *v, compare); sink = v[0]; }
static void handler(int signal, siginfo_t *info, void *context) { sink = signal; crash(); }
static inline int innermost(int *p) { return *p + sink; }
static inline int middle(int *p) { sink++; return innermost(p) + 1; }
static __attribute__((noinline)) void frame(int n) {
  char buffer[n * 16 + 1];
  memset(buffer, n, sizeof buffer);
  if (n == 0) sink = middle((int *)8);
  else frame(n - 1);
  sink += buffer[n];
}
static void *thread(void *argument) { pause(); return argument; }
int main(void) {
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, 0);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, 0);
  pthread_t other;
  pthread_create(&other, 0, thread, 0);
  usleep(50000);
  frame(3);
  return 0;
}
