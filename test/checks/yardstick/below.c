/* Accesses below the stack pointer: what lies farther than the red zone is nobody's. */
#include <stdio.h>

static long __attribute__((noinline)) leaf(long x) {
  long r;
  __asm__ volatile("movq %1, -64(%%rsp)\n movq -64(%%rsp), %0\n movq %1, -128(%%rsp)" : "=r"(r) : "r"(x) : "memory");
  return r;
}

static long __attribute__((noinline)) far(void) {
  long r;
  __asm__ volatile("movq $1, -512(%%rsp)" ::: "memory");
  __asm__ volatile("movq -512(%%rsp), %0" : "=r"(r)::"memory");
  __asm__ volatile("movl $7, -136(%%rsp)" ::: "memory");
  __asm__ volatile("addb -4096(%%rsp), %b0" : "+r"(r)::"memory", "cc");
  __asm__ volatile("sub $1024, %%rsp\n movq $2, 8(%%rsp)\n add $1024, %%rsp" ::: "memory", "cc");
  __asm__ volatile("movdqu %%xmm0, -300(%%rsp)" ::: "memory");
  return r;
}

int main(void) {
  long sum = 0;
  for (int i = 0; i < 5; i++) sum += leaf(i) + far();
  printf("%ld\n", sum);
  return 0;
}
