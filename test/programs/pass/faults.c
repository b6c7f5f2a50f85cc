/* Signals that instructions raise, with their siginfo; handlers that repair the cause, change registers, run on other stacks, or leave by siglongjmp. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>
#include "check.h"

static sigjmp_buf back;
static siginfo_t info;
static ucontext_t *context;
static long rip, rsp, flags_seen, error_code, trap_number, cr2;
static int on_alternate;
static char alternate[65536];

static void leave(int signal, siginfo_t *si, void *uc) {
  (void)signal;
  char here;
  info = *si;
  context = uc;
  rip = context->uc_mcontext.gregs[REG_RIP];
  rsp = context->uc_mcontext.gregs[REG_RSP];
  flags_seen = context->uc_mcontext.gregs[REG_EFL];
  error_code = context->uc_mcontext.gregs[REG_ERR];
  trap_number = context->uc_mcontext.gregs[REG_TRAPNO];
  cr2 = context->uc_mcontext.gregs[REG_CR2];
  on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
  siglongjmp(back, 1);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | flags};
  action.sa_sigaction = handler;
  CHECK(sigaction(signal, &action, NULL) == 0);
}

/* Runs a statement that must raise a signal. */
#define RAISES(statement, signal, code)           \
  do {                                            \
    memset(&info, 0, sizeof info);                \
    if (sigsetjmp(back, 1) == 0) {                \
      statement;                                  \
      CHECK(!"no signal from " #statement);       \
    }                                             \
    CHECK(info.si_signo == (signal));             \
    CHECK(info.si_code == (code));                \
  } while (0)

static void test_memory(void) {
  volatile char *none = (char *)0x30;
  char value;
  RAISES(*none = 1, SIGSEGV, SEGV_MAPERR);
  CHECK(info.si_addr == (void *)0x30 && cr2 == 0x30 && trap_number == 14 && error_code == 6);
  RAISES(value = *none, SIGSEGV, SEGV_MAPERR);
  CHECK(error_code == 4);
  char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED && page[0] == 0);
  RAISES(*(volatile char *)(page + 5) = 1, SIGSEGV, SEGV_ACCERR);
  CHECK(info.si_addr == page + 5 && error_code == 7);
  CHECK(mprotect(page, 4096, PROT_NONE) == 0);
  RAISES(value = *(volatile char *)(page + 9), SIGSEGV, SEGV_ACCERR);
  /* An access across the border faults at the first byte that is missing. */
  CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
  CHECK(munmap(page + 4096, 4096) == 0);
  RAISES(*(volatile long *)(page + 4092) = -1L, SIGSEGV, SEGV_MAPERR);
  CHECK(info.si_addr == page + 4096);
  CHECK(page[4092] == 0);
  /* Code that must not run. */
  void (*volatile jump)(void) = (void (*)(void))page;
  RAISES(jump(), SIGSEGV, SEGV_ACCERR);
  CHECK(info.si_addr == page && rip == (long)page && error_code == 0x15);
  jump = (void (*)(void))0x50;
  RAISES(jump(), SIGSEGV, SEGV_MAPERR);
  CHECK(info.si_addr == (void *)0x50 && rip == 0x50 && error_code == 0x14);
  /* An address that is none. */
  volatile char *wild = (char *)0x1234567890abcdef;
  RAISES(value = *wild, SIGSEGV, SI_KERNEL);
  CHECK(info.si_addr == NULL && trap_number == 13);
  volatile char *kernel = (char *)0xffff800000001000;
  RAISES(value = *kernel, SIGSEGV, SEGV_MAPERR);
  CHECK(info.si_addr == kernel && error_code == 5);
  (void)value;
}

static void test_bus(void) {
  char name[] = "/tmp/faultsXXXXXX";
  int fd = mkstemp(name);
  CHECK(fd >= 0 && unlink(name) == 0);
  CHECK(write(fd, "hello", 5) == 5);
  char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(map != MAP_FAILED && memcmp(map, "hello\0\0", 7) == 0);
  RAISES(*(volatile char *)(map + 4096) = 1, SIGBUS, BUS_ADRERR);
  CHECK(info.si_addr == map + 4096);
  CHECK(ftruncate(fd, 8192) == 0);
  map[4096] = 'x';
  char byte;
  CHECK(pread(fd, &byte, 1, 4096) == 1 && byte == 'x');
  RAISES(*(volatile char *)(map + 8192) = 1, SIGBUS, BUS_ADRERR);
  close(fd);
}

static volatile int zero;
static void test_others(void) {
  volatile int result;
  RAISES(result = 7 / zero, SIGFPE, FPE_INTDIV);
  CHECK(info.si_addr == (void *)rip && trap_number == 0);
  volatile int least = -2147483647 - 1, minus = -1;
  RAISES(result = least / minus, SIGFPE, FPE_INTDIV);
  RAISES(__asm__ volatile("ud2"), SIGILL, ILL_ILLOPN);
  CHECK(info.si_addr == (void *)rip && trap_number == 6);
  RAISES(__asm__ volatile("int3"), SIGTRAP, SI_KERNEL);
  CHECK(((unsigned char *)rip)[-1] == 0xcc);
  RAISES(__asm__ volatile("hlt"), SIGSEGV, SI_KERNEL);
  char bytes[64] __attribute__((aligned(16)));
  RAISES(__asm__ volatile("movaps %%xmm0, (%0)" : : "r"(bytes + 1) : "memory"), SIGSEGV, SI_KERNEL);
  (void)result;
}

/* The handler gives the page its rights back, and the instruction succeeds at last. */
static char *guarded;
static int repairs;
static void repair(int signal, siginfo_t *si, void *uc) {
  (void)signal, (void)uc;
  CHECK(si->si_code == SEGV_ACCERR);
  char *page = (char *)((long)si->si_addr & -4096);
  CHECK(page == guarded + 4096 * repairs);
  CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
  repairs++;
}

static void test_repair(void) {
  guarded = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(guarded != MAP_FAILED);
  handle(SIGSEGV, repair, 0);
  for (int i = 0; i < 16; i++) guarded[i * 4096 + i] = (char)i;
  CHECK(repairs == 16);
  for (int i = 0; i < 16; i++) CHECK(guarded[i * 4096 + i] == i);
}

/* The handler changes registers: general ones, flags, vector registers, and skips the instruction. */
static void change(int signal, siginfo_t *si, void *uc) {
  (void)signal, (void)si;
  ucontext_t *c = uc;
  CHECK(*(unsigned short *)c->uc_mcontext.gregs[REG_RIP] == 0x0b0f);
  CHECK(c->uc_mcontext.gregs[REG_RBX] == 0x1122334455667788);
  CHECK(c->uc_mcontext.gregs[REG_R13] == 13);
  CHECK(c->uc_mcontext.fpregs->_xmm[5].element[0] == 0x55667788);
  CHECK((c->uc_mcontext.fpregs->mxcsr & 0xffc0) == 0x1f80);
  c->uc_mcontext.gregs[REG_RIP] += 2;
  c->uc_mcontext.gregs[REG_RBX] = 0x77;
  c->uc_mcontext.gregs[REG_R13] = -1;
  c->uc_mcontext.gregs[REG_EFL] |= 1;
  c->uc_mcontext.gregs[REG_EFL] &= ~0x40;
  c->uc_mcontext.fpregs->_xmm[5].element[0] = 99;
  sigaddset(&c->uc_sigmask, SIGUSR2);
}

static void test_registers(void) {
  handle(SIGILL, change, 0);
  long rbx, r13, xmm, carry, zero_flag;
  __asm__ volatile(
      "movabsq $0x1122334455667788, %%rbx\n\t"
      "movq $13, %%r13\n\t"
      "movq %%rbx, %%xmm5\n\t"
      "xorl %%eax, %%eax\n\t" /* ZF, no CF */
      "ud2\n\t"
      "setz %%cl\n\tsetc %%al\n\tmovzbl %%al, %%eax\n\tmovzbl %%cl, %%ecx\n\tmovq %%rax, %2\n\tmovq %%rcx, %4\n\t"
      "movq %%rbx, %0\n\tmovq %%r13, %1\n\tmovq %%xmm5, %3\n\t"
      : "=m"(rbx), "=m"(r13), "=m"(carry), "=m"(xmm), "=m"(zero_flag)
      :
      : "rax", "rbx", "rcx", "r13", "xmm5", "cc", "memory");
  CHECK(rbx == 0x77 && r13 == -1 && carry == 1 && zero_flag == 0 && (int)xmm == 99);
}

static void test_alternate(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
  CHECK(sigaltstack(&stack, &old) == 0 && old.ss_flags == SS_DISABLE);
  CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate && old.ss_size == sizeof alternate && old.ss_flags == 0);
  handle(SIGSEGV, leave, SA_ONSTACK);
  RAISES(*(volatile char *)8 = 1, SIGSEGV, SEGV_MAPERR);
  CHECK(on_alternate);
  CHECK(context->uc_stack.ss_sp == alternate);
  handle(SIGSEGV, leave, 0);
  RAISES(*(volatile char *)8 = 1, SIGSEGV, SEGV_MAPERR);
  CHECK(!on_alternate);
  stack.ss_size = 100;
  FAILS(sigaltstack(&stack, NULL), ENOMEM);
  stack.ss_flags = 64;
  FAILS(sigaltstack(&stack, NULL), EINVAL);
}

static void inside(int signal, siginfo_t *si, void *uc) {
  (void)signal, (void)si, (void)uc;
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
  CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_ONSTACK);
  FAILS(sigaltstack(&stack, NULL), EPERM);
  repairs = -1;
}

static void test_inside(void) {
  handle(SIGUSR1, inside, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(repairs == -1);
}

/* Recursion without end meets the end of the stack; only an alternate stack lets a handler see it. */
static int __attribute__((noinline, optimize("no-optimize-sibling-calls"))) deeper(volatile char *from) {
  volatile char frame[1024];
  frame[0] = from[0];
  return from[0] == 2 ? 0 : deeper(frame) + frame[1];
}

static void test_overflow(void) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
  handle(SIGSEGV, leave, SA_ONSTACK);
  char start = 1;
  RAISES(deeper(&start), SIGSEGV, SEGV_MAPERR);
  CHECK(on_alternate);
  long depth = &start - (char *)info.si_addr;
  CHECK(depth > (long)limit.rlim_cur - 512 * 1024 && depth < (long)limit.rlim_cur + 64 * 1024);
}

static int __attribute__((noinline)) use(int megabytes) {
  volatile char block[1 << 20];
  block[0] = (char)megabytes;
  return megabytes == 0 ? 0 : use(megabytes - 1) + block[0];
}

/* The stack pointer of an interrupted function: what lies in its red zone survives. */
static void count_up(int signal, siginfo_t *si, void *uc) {
  (void)signal, (void)si, (void)uc;
  repairs++;
}

static void test_red_zone(void) {
  handle(SIGUSR1, count_up, 0);
  repairs = 0;
  long pid = getpid(), ok;
  __asm__ volatile(
      "movq $0x5a5a5a5a, -8(%%rsp)\n\tmovq $0x3c3c3c3c, -128(%%rsp)\n\t"
      "movl $62, %%eax\n\tmovq %1, %%rdi\n\tmovl $10, %%esi\n\tsyscall\n\t"
      "xorl %%ecx, %%ecx\n\t"
      "cmpq $0x5a5a5a5a, -8(%%rsp)\n\tjne 1f\n\tcmpq $0x3c3c3c3c, -128(%%rsp)\n\tjne 1f\n\tmovl $1, %%ecx\n1:\n\t"
      : "=&c"(ok)
      : "r"(pid)
      : "rax", "rdi", "rsi", "r11", "memory", "cc");
  CHECK(ok == 1 && repairs == 1);
}

int main(void) {
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) handle(signals[i], leave, 0);
  test_memory();
  test_bus();
  test_others();
  test_repair();
  test_registers();
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR2)); /* set by a handler in its frame */
  test_alternate();
  test_inside();
  CHECK(use(6) == 21);
  test_overflow();
  test_red_zone();
  puts("faults: ok");
  return 0;
}
