/* Ways that control takes: tables, jumps out of depth, variable arguments, structures by value, handlers, exit functions. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  double x, y;
} Pair;
typedef struct {
  int small;
  char name[40];
  long double number;
} Large;
typedef struct {
  unsigned a : 3, b : 9;
  int c : 5;
  unsigned long d : 40;
} Bits;

static jmp_buf back;
static volatile sig_atomic_t signals;

static void on_signal(int number) { signals += number; }
static void bye(void) { puts("bye"); }

static double total(const char *kinds, ...) {
  double sum = 0;
  va_list list;
  va_start(list, kinds);
  for (; *kinds != 0; kinds++) {
    if (*kinds == 'i') sum += va_arg(list, int);
    else if (*kinds == 'l') sum += (double)va_arg(list, long);
    else if (*kinds == 'd') sum += va_arg(list, double);
    else if (*kinds == 'L') sum += (double)va_arg(list, long double);
    else if (*kinds == 'p') sum += va_arg(list, Pair).y;
    else sum += va_arg(list, Large).small;
  }
  va_end(list);
  return sum;
}

static Pair swap(Pair p) { return (Pair){p.y, p.x}; }

static Large grow(Large l, int by) {
  l.small += by, l.number *= by;
  strcat(l.name, "+");
  return l;
}

static int classify(int n) {
  switch (n) {
    case 0: return 10;
    case 1: return 21;
    case 2:
    case 3: return 32;
    case 4: n++; /* fall through */
    case 5: return 43 + n;
    case 1000: return 1;
    case -7: return 2;
    default: return n < 0 ? -1 : 7;
  }
}

static int interpret(const char *code) {
  static const void *const table[] = {&&add, &&twice, &&drop, &&end};
  int x = 1;
#define NEXT goto *table[*code++ - '0']
  NEXT;
add: x += 3; NEXT;
twice: x *= 2; NEXT;
drop: x -= 5; NEXT;
end: return x;
}

static int depth(int n) {
  char room[n % 50 + 1];
  memset(room, n, sizeof room);
  if (n == 0) longjmp(back, 42);
  return depth(n - 1) + room[0];
}

static unsigned ackermann(unsigned m, unsigned n) {
  if (m == 0) return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static int plus(int a, int b) { return a + b; }
static int minus(int a, int b) { return a - b; }

int main(int argc, char **argv) {
  volatile int tries = 0;
  int (*const operations[])(int, int) = {plus, minus};
  Large large = {5, "large", 1.5L};
  Bits bits = {5, 300, -9, 0xabcdef0123};
  atexit(bye);
  printf("%d %s\n", argc, argv[0][0] != 0 ? "named" : "nameless");
  printf("%g\n", total("iildLpSiiiiddddddddd", 1, 2, 3L, 4.5, 6.25L, (Pair){7, 8}, large, 9, 10, 11, 12, 1., 2., 3., 4., 5., 6., 7., 8., 9.));
  Pair p = swap(swap(swap((Pair){1, 2})));
  large = grow(grow(large, 2), 3);
  printf("%g %g %d %s %Lg\n", p.x, p.y, large.small, large.name, large.number);
  for (int i = -8; i < 8; i++) printf("%d ", classify(i));
  printf("%d %d\n", classify(1000), interpret("001102113"));
  if ((tries = setjmp(back)) == 0) depth(500);
  printf("%d %u %d\n", tries, ackermann(2, 9), operations[argc](8, operations[argc - 1](3, 4)));
  bits.a += 4, bits.b *= 2, bits.c -= 10, bits.d <<= 4;
  printf("%u %u %d %lx\n", bits.a, bits.b, bits.c, (unsigned long)bits.d);
  signal(SIGUSR1, on_signal), signal(SIGUSR2, on_signal);
  raise(SIGUSR1), kill(getpid(), SIGUSR2);
  printf("%d\n", (int)signals);
  fflush(stdout);
  exit(17);
}
