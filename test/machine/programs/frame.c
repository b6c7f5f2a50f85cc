/* Prints the frame of a signal handler, byte positions and all, as a handler without a C library sees it: the same natively and in the machine. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

uint64_t entry[8], before;
static unsigned char info_bytes[128], context_bytes[304], fx[512];

__attribute__((naked)) static void handler(void) {
  __asm__("movq %rsp, entry(%rip)\n\tmovq %rdi, entry+8(%rip)\n\tmovq %rsi, entry+16(%rip)\n\tmovq %rdx, entry+24(%rip)\n\tmovq %rax, entry+32(%rip)\n\t"
          "pushfq\n\tpopq %rcx\n\tmovq %rcx, entry+40(%rip)\n\tjmp copy\n");
}

__attribute__((used)) void copy(void) {
  memcpy(info_bytes, (void *)entry[2], sizeof info_bytes);
  memcpy(context_bytes, (void *)entry[3], sizeof context_bytes);
  memcpy(fx, *(void **)(context_bytes + 40 + 184), sizeof fx);
}



static void show(const char *title) {
  printf("== %s\n", title);
  printf("rsp %% 16 = %lu, signal %lu, info at +%lu, context at +%lu, rax %lu, DF %lu\n", entry[0] % 16, entry[1], entry[2] - entry[0], entry[3] - entry[0], entry[4], entry[5] >> 10 & 1);
  for (int i = 0; i < 128; i += 4) {
    int word;
    memcpy(&word, info_bytes + i, 4);
    if (i == 16 && word == getpid()) printf("info+%d = pid\n", i);
    else if (i == 20 && word == (int)getuid()) printf("info+%d = uid\n", i);
    else if (word != 0 && i < 32) printf("info+%d = %#x\n", i, word);
  }
  uint64_t words[38];
  memcpy(words, context_bytes, sizeof context_bytes);
  printf("uc_flags %#lx, link %#lx, stack %#lx %#lx %#lx\n", words[0], words[1], words[2], words[3] & 0xffffffff, words[4]);
  const char *names[] = {"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
  for (int i = 0; i < 8; i++) if (i != 3) printf("%s %#lx\n", names[i], words[5 + i]);
  printf("rbx %#lx rdx %#lx rcx-or-rip %d\n", words[5 + 11], words[5 + 12], words[5 + 14] == words[5 + 16] || words[5 + 14] == 0x1111);
  printf("rsp is ours %d, distance to the frame %d\n", words[5 + 15] == before, before - entry[0] > 128 + 512 + 440 && before - entry[0] < 20000);
  printf("flags %#lx, segments %#lx\n", words[5 + 17] & ~0x200UL, words[5 + 18]);
  printf("error %#lx, trap %lu, cr2 %#lx\n", words[5 + 19], words[5 + 20], words[5 + 22]);
  printf("oldmask %#lx, mask %#lx, fpstate %% 64 = %lu, above the frame %d\n", words[5 + 21], words[37], words[5 + 23] % 64, words[5 + 23] > entry[0]);
  uint16_t halves[4];
  memcpy(halves, fx, 8);
  printf("fcw %#x fsw %#x ftw %#x mxcsr %#x\n", halves[0], halves[1], halves[2] & 0xff, *(uint32_t *)(fx + 24));
  printf("st0 %#lx %#x, xmm0 %#lx %#lx, xmm15 %#lx\n", *(uint64_t *)(fx + 32), *(uint16_t *)(fx + 40), *(uint64_t *)(fx + 160), *(uint64_t *)(fx + 168), *(uint64_t *)(fx + 160 + 240));
}

/* Fills the registers and makes one instruction or system call that ends in the handler. */
#define SET "movq %%rsp, before(%%rip)\n\tfninit\n\tfld1\n\tfldpi\n\t" \
  "movabsq $0x0123456789abcdef, %%r8\n\tmovq %%r8, %%xmm0\n\tpunpcklqdq %%xmm0, %%xmm0\n\tmovq $0x77, %%r9\n\tmovq %%r9, %%xmm15\n\t" \
  "movq $9, %%r9\n\tmovq $10, %%r10\n\tmovq $12, %%r12\n\tmovq $13, %%r13\n\tmovq $14, %%r14\n\tmovq $15, %%r15\n\tmovq $0xbb, %%rbx\n\tmovq $0xdd, %%rdx\n\tmovq $0x1111, %%rcx\n\txorl %%r11d, %%r11d\n\t"
#define CLOBBERS "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm15", "memory", "cc", "st", "st(1)"

static void install(int signal) {
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } action = {handler, SA_SIGINFO | 0x04000000, NULL, 0x20};
  /* The C library's restorer, which sigaction fills in. */
  struct sigaction library = {.sa_flags = SA_SIGINFO};
  library.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
  sigaction(signal, &library, NULL);
  syscall(SYS_rt_sigaction, signal, NULL, &action, 8);
  action.mask = 0x20;
  syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  install(SIGUSR1);
  sigset_t block;
  sigemptyset(&block);
  sigaddset(&block, SIGTERM);
  sigprocmask(SIG_BLOCK, &block, NULL);
  int pid = getpid();
  __asm__ volatile("movl %0, %%edi\n\t" SET "movl $10, %%esi\n\tmovl $62, %%eax\n\tsyscall\n\tfninit\n\t" : : "r"(pid) : CLOBBERS);
  show("kill");
  __asm__ volatile("movl %0, %%edi\n\t" SET "movl %%edi, %%esi\n\tmovl $10, %%edx\n\tmovl $234, %%eax\n\tsyscall\n\tfninit\n\t" : : "r"(pid) : CLOBBERS);
  show("tgkill");
  union sigval value = {.sival_ptr = (void *)0x1122334455667788};
  sigqueue(pid, SIGUSR1, value);
  printf("sigqueue: code %d, value %#lx\n", *(int *)(info_bytes + 8), *(long *)(info_bytes + 24));
  return 0;
}
