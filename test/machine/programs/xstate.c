/* Prints how the floating-point state lies in a signal frame, and what returning does when a handler has changed parts of it: the same natively and in the machine. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static int mode;
static sigjmp_buf back;
static volatile int refused;
static char text[1024];

enum { PLAIN, NO_SSE, NO_X87, ASK_X87, ASK_SSE, NO_MAGIC1, NO_MAGIC2, NO_SIZE, LARGE_SIZE, RESERVED, UNKNOWN, COMPACTED, MXCSR, NULL_STATE, MODES };

static void on_segv(int signal, siginfo_t *info, void *context) {
  (void)context;
  refused = signal * 1000 + info->si_code;
  siglongjmp(back, 1);
}

static void on_usr1(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  ucontext_t *uc = context;
  uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
  uint32_t *sw = (uint32_t *)(fx + 464);
  uint64_t *features = (uint64_t *)(fx + 472), *header = (uint64_t *)(fx + 512);
  uint32_t *size = (uint32_t *)(fx + 480), *magic2 = (uint32_t *)(fx + *size);
  if (mode == PLAIN)
    sprintf(text, "flags %#lx magic1 %#x extended-size %u features %lu size %d magic2 %#x held %lu header %lu %lu %lu mask %d\n", uc->uc_flags, sw[0], sw[1] - *size, *features & 3, *size >= 576,
            *magic2, header[0] & 3, header[1], header[2], header[7], (*(uint32_t *)(fx + 28) & 0xffff) == 0xffff);
  /* Another value for xmm5, so that it shows where it came from. */
  if (mode >= NO_MAGIC1 && mode <= LARGE_SIZE) {
    memset(fx + 160 + 5 * 16, 0x44, 16);
    header[0] &= ~3ul;
  }
  switch (mode) {
  case NO_SSE: header[0] &= ~2ul; break;
  case NO_X87: header[0] &= ~1ul; break;
  case ASK_X87: *features &= ~2ul; break;
  case ASK_SSE: *features &= ~1ul; break;
  case NO_MAGIC1: sw[0] = 0; break;
  case NO_MAGIC2: *magic2 = 1; break;
  case NO_SIZE: *size = 0; break;
  case LARGE_SIZE: *size = 100000; break;
  case RESERVED: header[2] = 1; break;
  case UNKNOWN: header[0] |= 1ul << 40; break;
  case COMPACTED: header[1] = 1; break;
  case MXCSR: *(uint32_t *)(fx + 24) |= 1u << 20; break;
  case NULL_STATE: uc->uc_mcontext.fpregs = NULL; break;
  }
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_sigaction = on_segv;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, NULL);
  for (mode = 0; mode < MODES; mode++) {
    uint64_t vector[2] = {0, 0};
    uint16_t environment[14];
    uint32_t mxcsr = 0x1fa0, after = 0;
    uint8_t st0[10];
    memset(environment, 0, sizeof environment);
    memset(st0, 0, sizeof st0);
    refused = 0;
    if (sigsetjmp(back, 1) == 0) {
      long result = SYS_kill;
      __asm__ volatile("ldmxcsr %[mxcsr]\n\tfninit\n\tfldpi\n\tmovl $0x2222, %%edx\n\tmovd %%edx, %%xmm5\n\tpshufd $0, %%xmm5, %%xmm5\n\t"
                       "syscall\n\t"
                       "movdqu %%xmm5, %[vector]\n\tstmxcsr %[after]\n\tfnstenv %[environment]\n\tfstpt %[st0]\n\tfninit\n\t"
                       : "+a"(result), [vector] "=m"(vector), [after] "=m"(after), [environment] "=m"(environment), [st0] "=m"(st0)
                       : "D"((long)getpid()), "S"((long)SIGUSR1), [mxcsr] "m"(mxcsr)
                       : "rcx", "rdx", "r11", "xmm5", "memory", "st");
    }
    mxcsr = 0x1f80;
    __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
    if (mode == PLAIN) fputs(text, stdout);
    if (refused) printf("mode %d: refused, signal and code %d\n", mode, refused);
    else printf("mode %d: xmm5 %#lx %#lx, mxcsr %#x, control %#x status %#x tags %#x, st0 %#lx\n", mode, vector[0], vector[1], after, environment[0], environment[2], environment[4], *(uint64_t *)st0);
  }
  return 0;
}
