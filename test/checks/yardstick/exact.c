// Values of which some bits are undefined, and what is made of the others.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

struct parts {
  unsigned low : 21;
  int number : 10;
};

volatile int sink;

__attribute__((noinline)) static void field(int bad) {
  volatile struct parts r;
  r.number = 45;
  if (r.number == 45) sink++;
  if (bad && r.low == 7) sink++;
}

__attribute__((noinline)) static void twice(int bad) {
  unsigned *p = malloc(4);
  unsigned v = (*p & 0x800000ff) | 0x1200;
  unsigned t;
  __asm__("lea (%1), %0\n\tadd %0, %0" : "=&r"(t) : "r"((long)v) : "cc");
  if ((t & 0xfffffe00) == 0x2400) sink++;
  if (bad && (t & 0x1fe) == 4) sink++;
  free(p);
}

__attribute__((noinline)) static void mmx(int bad) {
  long *p = malloc(16);
  __asm__ volatile("movq (%0), %%mm0\n\tmovq (%0), %%mm1\n\tpxor %%mm0, %%mm0\n\tmovq %%mm0, (%0)\n\tmovq %%mm1, 8(%0)\n\temms" ::"r"(p)
                   : "memory");
  if (p[0] == 0) sink++;
  if (bad && p[1] == 0) sink++;
  free(p);
}

int main(void) {
  for (int bad = 0; bad < 2; bad++) {
    field(bad);
    twice(bad);
    mmx(bad);
  }
  char *a = memalign(48, 100);
  sink += (long)a % 64 == 0;
  a[100] = 1;
  free(a);
  a = calloc(0, (size_t)-1);
  free(a);
  return 0;
}
