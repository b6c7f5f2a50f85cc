// Reads constants, and a page whose rights come and go; a store into it faults while it can only be read.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

const int table[4] = {3, 1, 4, 1};
static sigjmp_buf back;

static void on_segv(int signal) { siglongjmp(back, signal); }

int main(void) {
  const volatile int *constants = table;
  int sum = 0;
  volatile char *page = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  page[8] = 'a';
  mprotect((void *)page, 4096, PROT_READ);
  signal(SIGSEGV, on_segv);
  for (int i = 0; i < 5; i++) sum += constants[i % 4];
  if (sigsetjmp(back, 1) == 0) page[8] = 'b';
  sum += page[8];
  mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
  page[8] = 'c';
  mprotect((void *)page, 4096, PROT_READ);
  sum += page[8];
  write(1, (void *)(page + 8), 1);
  printf(" %d\n", sum);
  return sum != 3 + 1 + 4 + 1 + 3 + 'a' + 'c';
}
