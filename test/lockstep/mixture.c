/* What the lock-step comparison is tried on: integer, floating-point and string code, signals, faults, mappings. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;

static void handler(int signal) { siglongjmp(back, signal); }

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
  double sum = 0;
  long double product = 1;
  volatile int zero = 0;
  static int numbers[200];
  for (int i = 1; i < 40; i++) sum += sin(i) * sqrt(i), product *= i / 3.0L;
  printf("%.12f %.15Lg\n", sum, product);
  signal(SIGSEGV, handler), signal(SIGFPE, handler), signal(SIGILL, handler), signal(SIGUSR1, handler);
  if (sigsetjmp(back, 1) == 0) *(volatile int *)(long)(8 + zero) = 1;
  if (sigsetjmp(back, 1) == 0) printf("%d\n", 1 / zero);
  if (sigsetjmp(back, 1) == 0) __asm__ volatile("ud2");
  if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
  char *pages = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(pages, 'x', 0x4000);
  if (mprotect(pages + 0x1000, 0x1000, PROT_READ) != 0) return 1;
  if (sigsetjmp(back, 1) == 0) pages[0x1800] = 'y';
  pages = mremap(pages, 0x1000, 0x9000, MREMAP_MAYMOVE);
  char *text = realloc(strndup(pages, 0x800), 0x10000);
  for (int i = 0; i < 200; i++) numbers[i] = i * 7919 % 1000;
  qsort(numbers, 200, sizeof *numbers, compare);
  unsigned long flags;
  __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "cc");
  printf("%zu %d %lx\n", strlen(text), numbers[50], flags & 0x100);
  return 7;
}
