// Exists to be executed one instruction at a time: linkage stubs, realigned stacks, and unwind rules that compilers rarely write.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <alloca.h>
volatile int sink;
__attribute__((noinline)) int leaf(int a, int b) { return a * b + sink; }
__attribute__((noinline)) int realigned(int n) {
  volatile char buffer[64] __attribute__((aligned(64)));
  char *p = alloca(n);
  memset(p, n, n);
  buffer[0] = p[0];
  return leaf(buffer[0], n);
}
__attribute__((noinline)) long many(long a, long b, long c, long d, long e, long f, long g, long h) {
  long x = leaf(a, b), y = leaf(c, d), z = leaf(e, f), w = leaf(g, h);
  return x * y + z * w + (x ^ a) + (y ^ b) + (z ^ c) + (w ^ d);
}
__attribute__((noinline)) int branches(int n) { if (n < 0) return 1; int r = leaf(n, 1); if (n > 3) return r; return leaf(r, 2) + branches(n - 1); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
__asm__(".text\n.globl odd\n.type odd,@function\nodd:\n.cfi_startproc\n"
        "push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset rbx,0\n"
        "mov %rsp,%rbx\n.cfi_def_cfa_register rbx\n"
        "mov %r12,%r11\n.cfi_register r12,r11\nxor %r12d,%r12d\n"
        "and $-64,%rsp\nsub $64,%rsp\nnop\n"
        ".cfi_remember_state\ntest %edi,%edi\nje 1f\n"
        "mov %r11,%r12\n.cfi_restore r12\nmov %rbx,%rsp\n.cfi_def_cfa_register rsp\npop %rbx\n.cfi_restore rbx\n.cfi_def_cfa_offset 8\nret\n"
        "1: .cfi_restore_state\nnop\nmov %r11,%r12\n.cfi_same_value r12\nmov %rbx,%rsp\n"
        ".cfi_escape 0x0f,3,0x77,0x10,0x96\nnop\n"
        ".cfi_escape 0x10,3,2,0x77,0\npop %rbx\n.cfi_restore rbx\n.cfi_def_cfa rsp,8\nret\n"
        ".cfi_endproc\n.size odd,.-odd\n");
int odd(int);
int main(void) {
  int v[4] = {4, 2, 3, 1};
  sink = odd(0) + odd(1);
  sink += realigned(40) + many(1, 2, 3, 4, 5, 6, 7, 8) + branches(5);
  qsort(v, 4, sizeof *v, compare);
  sink += atoi("12") + strlen("abc");
  return sink & 1;
}
