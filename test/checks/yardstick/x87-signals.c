/* An undefined value on the stack of x87 stays undefined while a signal is handled, and the handler has a stack of its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile long double out; static volatile int hits;
static void handler(int s) { long double a = 3; __asm__ volatile("fldpi\n fldpi\n faddp\n fstp %%st(0)" ::: "st"); out = a; hits++; }
static int test(long double *bad, long double *good) {
  /* two values on the stack, one undefined, while a signal is handled */
  int below;
  __asm__ volatile("fldt (%1)\n fldt (%2)\n" : "=r"(below) : "r"(bad), "r"(good) : "memory");
  kill(getpid(), SIGUSR1);
  long double first, second;
  __asm__ volatile("fstpt %0\n fstpt %1" : "=m"(first), "=m"(second));
  if (first > 1) puts("good");
  if (second > 1) puts("bad");
  return 0;
}
int main(void) {
  long double *bad = malloc(sizeof *bad), *good = malloc(sizeof *good);
  *good = 2;
  signal(SIGUSR1, handler);
  return test(bad, good) + hits - 1;
}
