/* Exists to execute single instructions on the real processor: reads groups of (code, initial states) from stdin, writes final states to stdout.
 *
 * Everything happens in one chain of signals: a handler receives the trap that ended a case, copies the state out of its ucontext, puts the next
 * case's state in, and returns into it. The code page is full of INT3, so that every case ends in a signal, whatever way it takes.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE_BASE 0x20000000ul
#define PAGE 0x1000ul
#define DATA_PAGE 0x20002000ul
#define WINDOW_BASE 0x20002f00ul
#define WINDOW_SIZE 256
#define FS_BASE 0x20002c00ul
#define GS_BASE 0x20002d00ul

struct integer_state {
  uint64_t gpr[16];
  uint64_t flags;
  uint8_t window[WINDOW_SIZE];
};
struct result_head {
  uint32_t signal;
  uint32_t code;
  uint64_t rip;
  uint64_t address;
};
struct group_head {
  uint32_t length;
  uint32_t count;
  uint8_t code[256];
};

/* Register numbers of x86 encodings in the order of ucontext. */
static const int greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
#define ARITHMETIC 0xcd5ul
#define MXCSR_OFFSET 24

static int vector;
static size_t state_size;
static uint8_t *input, *output;
static uint32_t left;
static uint8_t code_page[PAGE];
static int started;
static sigjmp_buf done;
static unsigned long host_fs;

static long set_base(int code, unsigned long address) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_arch_prctl), "D"(code), "S"(address) : "rcx", "r11", "memory");
  return r;
}

static void copy(void *to, const void *from, size_t n) { __builtin_memcpy(to, from, n); }

static void handler(int signal, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  greg_t *g = uc->uc_mcontext.gregs;
  uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
  if (started) {
    struct result_head head = {(uint32_t)signal, (uint32_t)info->si_code, (uint64_t)g[REG_RIP], (uint64_t)info->si_addr};
    copy(output, &head, sizeof head);
    struct integer_state *out = (struct integer_state *)(output + sizeof head);
    for (int i = 0; i < 16; i++) out->gpr[i] = (uint64_t)g[greg[i]];
    out->flags = (uint64_t)g[REG_EFL];
    copy(out->window, (void *)WINDOW_BASE, WINDOW_SIZE);
    if (vector) copy(out + 1, fx, 512);
    output += sizeof head + state_size;
    left--;
  }
  started = 1;
  if (left == 0) {
    set_base(ARCH_SET_FS, host_fs);
    siglongjmp(done, 1);
  }
  struct integer_state *in = (struct integer_state *)input;
  for (int i = 0; i < 16; i++) g[greg[i]] = (greg_t)in->gpr[i];
  g[REG_EFL] = (greg_t)(((uint64_t)g[REG_EFL] & ~ARITHMETIC) | (in->flags & ARITHMETIC));
  g[REG_RIP] = (greg_t)CODE_BASE;
  /* A case may have pushed or stored into its own page. */
  if (__builtin_memcmp((void *)CODE_BASE, code_page, PAGE) != 0) copy((void *)CODE_BASE, code_page, PAGE);
  __builtin_memset((void *)DATA_PAGE, 0, PAGE - WINDOW_SIZE);
  copy((void *)WINDOW_BASE, in->window, WINDOW_SIZE);
  if (vector) {
    /* The software-reserved bytes 464..511 describe the extended state and stay. */
    copy(fx, in + 1, 464);
    uint64_t *features = (uint64_t *)(fx + 512);
    *features |= 3;
  }
  input += state_size;
}

static void read_all(void *to, size_t n) {
  uint8_t *p = to;
  while (n > 0) {
    ssize_t got = read(0, p, n);
    if (got <= 0) {
      fprintf(stderr, "harness: input ends early\n");
      exit(1);
    }
    p += got;
    n -= (size_t)got;
  }
}

static void write_all(const void *from, size_t n) {
  const uint8_t *p = from;
  while (n > 0) {
    ssize_t put = write(1, p, n);
    if (put <= 0) exit(1);
    p += put;
    n -= (size_t)put;
  }
}

static void map(unsigned long at, int protection) {
  void *got = mmap((void *)at, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != (void *)at) {
    fprintf(stderr, "harness: cannot map %lx\n", at);
    exit(1);
  }
}

int main(void) {
  /* A case that never ends is a bug of the generator. */
  alarm(120);
  uint32_t head[2];
  read_all(head, sizeof head);
  vector = (int)head[1];
  state_size = sizeof(struct integer_state) + (vector ? 512 : 0);
  map(CODE_BASE, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(DATA_PAGE, PROT_READ | PROT_WRITE);
  static uint8_t stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  syscall(SYS_arch_prctl, ARCH_GET_FS, &host_fs);
  for (uint32_t group = 0; group < head[0]; group++) {
    struct group_head g;
    read_all(&g, sizeof g);
    uint8_t *states = malloc(g.count * state_size);
    uint8_t *results = malloc(g.count * (state_size + sizeof(struct result_head)));
    read_all(states, g.count * state_size);
    memset(code_page, 0xcc, PAGE);
    memcpy(code_page, g.code, g.length);
    memcpy((void *)CODE_BASE, code_page, PAGE);
    input = states;
    output = results;
    left = g.count;
    started = 0;
    if (sigsetjmp(done, 1) == 0) {
      /* WRFSBASE and WRGSBASE may have changed them. */
      set_base(ARCH_SET_GS, GS_BASE);
      set_base(ARCH_SET_FS, FS_BASE);
      __asm__ volatile("int3");
    }
    write_all(results, g.count * (state_size + sizeof(struct result_head)));
    free(states);
    free(results);
  }
  return 0;
}
