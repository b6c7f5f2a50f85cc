/* Exists to single-step a static program on this machine's processor and to hand out its registers after every instruction, its memory
 * changes at every system call, and to take answers (CPUID, time stamps) back. native.ts speaks to it; the protocol is described there. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
/* Guest addresses end here; mappings above (vdso, the original stack) do not exist for the other side. */
#define LIMIT 0x70000000ul
#define STACK_SIZE 0x100000ul
#define STACK_TOP (LIMIT - 0x10000ul)
#define TRAP_FLAG 0x100ul

/* Registers in the order of their x86 encodings, then the FXSAVE image. */
struct state {
  uint64_t gpr[16], rip, rflags, fs_base, gs_base;
  struct user_fpregs_struct fx;
};

struct map {
  uint64_t start, end;
  uint32_t prot, anonymous;
};

enum stop { STOP_LIMIT, STOP_SYSCALL, STOP_SPECIAL, STOP_SIGNAL, STOP_ENDED };

static pid_t child;
static int wait_status, pending_signal, child_ended;
static struct map maps[4096];
static unsigned map_count;
/* Copies of pages by page number: what the program's memory held when it was last read. */
static unsigned char *copies[LIMIT / PAGE];
static uint64_t mmap_next = STACK_TOP - STACK_SIZE - 0x100000;

static void die(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "stepper: ");
  vfprintf(stderr, format, list);
  fprintf(stderr, "\n");
  va_end(list);
  if (child > 0) kill(child, SIGKILL);
  exit(2);
}

static void must(long result, const char *what) {
  if (result < 0) die("%s: %s", what, strerror(errno));
}

/* The other side of the pipe. */

static void put(const void *bytes, size_t length) {
  if (fwrite(bytes, 1, length, stdout) != length) die("nobody reads");
}

static void put32(uint32_t value) { put(&value, 4); }
static void put64(uint64_t value) { put(&value, 8); }

static void get(void *bytes, size_t length) {
  if (fread(bytes, 1, length, stdin) != length) {
    if (child > 0) kill(child, SIGKILL);
    exit(0);
  }
}

/* The program under the stepper. */

static void read_memory(uint64_t address, void *to, size_t length) {
  struct iovec local = {to, length}, remote = {(void *)address, length};
  if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t)length) die("cannot read %zu bytes at %#lx: %s", length, address, strerror(errno));
}

static void write_memory(uint64_t address, const void *from, size_t length) {
  static int file = -1;
  if (file < 0) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    file = open(name, O_RDWR | O_CLOEXEC);
    must(file, "open mem");
  }
  if (pwrite(file, from, length, (off_t)address) != (ssize_t)length) die("cannot write at %#lx: %s", address, strerror(errno));
}

static void get_state(struct state *s) {
  struct user_regs_struct r;
  must(ptrace(PTRACE_GETREGS, child, 0, &r), "PTRACE_GETREGS");
  must(ptrace(PTRACE_GETFPREGS, child, 0, &s->fx), "PTRACE_GETFPREGS");
  const uint64_t gpr[16] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
  memcpy(s->gpr, gpr, sizeof gpr);
  s->rip = r.rip;
  s->rflags = r.eflags & ~TRAP_FLAG;
  s->fs_base = r.fs_base;
  s->gs_base = r.gs_base;
}

static void set_general(const struct state *s) {
  struct user_regs_struct r;
  must(ptrace(PTRACE_GETREGS, child, 0, &r), "PTRACE_GETREGS");
  const uint64_t *g = s->gpr;
  r.rax = g[0], r.rcx = g[1], r.rdx = g[2], r.rbx = g[3], r.rsp = g[4], r.rbp = g[5], r.rsi = g[6], r.rdi = g[7];
  r.r8 = g[8], r.r9 = g[9], r.r10 = g[10], r.r11 = g[11], r.r12 = g[12], r.r13 = g[13], r.r14 = g[14], r.r15 = g[15];
  r.rip = s->rip;
  r.eflags = s->rflags;
  must(ptrace(PTRACE_SETREGS, child, 0, &r), "PTRACE_SETREGS");
}

/* Steps once, delivering `signal` if it is not 0; `plain` when nothing else than the step itself can end in SIGTRAP. Returns 0 after a step, the signal that the program is about to get, or -1 when it ended. */
static int step(int signal, int plain) {
  siginfo_t info;
  must(ptrace(PTRACE_SINGLESTEP, child, 0, (long)signal), "PTRACE_SINGLESTEP");
  must(waitpid(child, &wait_status, 0), "waitpid");
  if (!WIFSTOPPED(wait_status)) {
    child_ended = 1;
    return -1;
  }
  if (WSTOPSIG(wait_status) != SIGTRAP) return WSTOPSIG(wait_status);
  if (plain) return 0;
  must(ptrace(PTRACE_GETSIGINFO, child, 0, &info), "PTRACE_GETSIGINFO");
  /* INT3 comes from the kernel, a signal from kill() from a process; the rest is the step itself. */
  return info.si_code == SI_KERNEL || info.si_code <= 0 ? SIGTRAP : 0;
}

static void read_maps(void) {
  char name[64], line[512];
  snprintf(name, sizeof name, "/proc/%d/maps", child);
  FILE *file = fopen(name, "re");
  if (file == NULL) die("no %s", name);
  map_count = 0;
  while (fgets(line, sizeof line, file)) {
    uint64_t start, end;
    unsigned long inode;
    char rights[8];
    if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &start, &end, rights, &inode) != 4) die("cannot read: %s", line);
    if (start >= LIMIT) continue;
    if (map_count == sizeof maps / sizeof *maps) die("too many mappings");
    uint32_t prot = (rights[0] == 'r') | (rights[1] == 'w') << 1 | (rights[2] == 'x') << 2;
    maps[map_count++] = (struct map){start, end, prot, inode == 0};
  }
  fclose(file);
}

/* Calls `visit` with every page of the mapping that can differ from zero. */
static void each_page(const struct map *m, void (*visit)(uint64_t, const unsigned char *)) {
  static int pagemap = -1;
  static uint64_t entries[LIMIT / PAGE];
  if ((m->prot & 1) == 0) return;
  if (pagemap < 0) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/pagemap", child);
    pagemap = open(name, O_RDONLY | O_CLOEXEC);
    must(pagemap, "open pagemap");
  }
  size_t count = (m->end - m->start) / PAGE;
  if (pread(pagemap, entries, count * 8, (off_t)(m->start / PAGE * 8)) != (ssize_t)(count * 8)) die("cannot read pagemap");
  for (size_t i = 0; i < count; i++) {
    unsigned char bytes[PAGE];
    struct iovec local = {bytes, PAGE}, remote = {(void *)(m->start + i * PAGE), PAGE};
    if (m->anonymous && (entries[i] >> 62) == 0) continue;
    /* A page behind the end of its file cannot be read. */
    if (process_vm_readv(child, &local, 1, &remote, 1, 0) == (ssize_t)PAGE) visit(m->start + i * PAGE, bytes);
  }
}

static void remember(uint64_t address, const unsigned char *bytes) {
  unsigned char **copy = &copies[address / PAGE];
  if (*copy == NULL) *copy = malloc(PAGE);
  if (*copy == NULL) die("no memory");
  memcpy(*copy, bytes, PAGE);
}

static void put_if_changed(uint64_t address, const unsigned char *bytes) {
  static const unsigned char zero[PAGE];
  const unsigned char *old = copies[address / PAGE];
  if (memcmp(bytes, old == NULL ? zero : old, PAGE) == 0) return;
  put64(address);
  put(bytes, PAGE);
  remember(address, bytes);
}

static void put_checksum(uint64_t address, const unsigned char *bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < PAGE; i += 4) {
    uint32_t word;
    memcpy(&word, bytes + i, 4);
    sum = sum * 31 + word;
  }
  put64(address);
  put32(sum);
}

/* What the program's memory holds now, for comparison with what it holds after a system call. */
static void remember_all(void) {
  for (unsigned i = 0; i < map_count; i++)
    if (maps[i].prot & 2) each_page(&maps[i], remember);
}

/* Mappings, and the pages that differ from the copies. */
static void put_memory(void) {
  read_maps();
  uint64_t end = 0;
  put32(map_count);
  for (unsigned i = 0; i < map_count; i++) {
    put64(maps[i].start), put64(maps[i].end), put32(maps[i].prot), put32(0);
    for (uint64_t at = end; at < maps[i].start; at += PAGE) free(copies[at / PAGE]), copies[at / PAGE] = NULL;
    end = maps[i].end;
  }
  for (unsigned i = 0; i < map_count; i++) each_page(&maps[i], put_if_changed);
  put64(0);
}

/* Start: the stack goes below LIMIT, and the vdso, which is above it, out of sight. */

static uint64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  struct user_regs_struct saved, r;
  unsigned char code[2];
  must(ptrace(PTRACE_GETREGS, child, 0, &saved), "PTRACE_GETREGS");
  r = saved;
  read_memory(r.rip, code, 2);
  write_memory(r.rip, "\x0f\x05", 2);
  r.rax = number, r.rdi = a, r.rsi = b, r.rdx = c, r.r10 = d, r.r8 = e, r.r9 = f;
  must(ptrace(PTRACE_SETREGS, child, 0, &r), "PTRACE_SETREGS");
  if (step(0, 0) != 0) die("a system call of the stepper failed");
  must(ptrace(PTRACE_GETREGS, child, 0, &r), "PTRACE_GETREGS");
  write_memory(saved.rip, code, 2);
  must(ptrace(PTRACE_SETREGS, child, 0, &saved), "PTRACE_SETREGS");
  return r.rax;
}

static void move_stack(void) {
  struct state s;
  char name[64], line[512];
  uint64_t top = 0;
  get_state(&s);
  snprintf(name, sizeof name, "/proc/%d/maps", child);
  FILE *file = fopen(name, "re");
  while (file != NULL && fgets(line, sizeof line, file)) {
    uint64_t start, end;
    if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= s.gpr[4] && s.gpr[4] < end) top = end;
  }
  fclose(file);
  if (s.rip >= LIMIT) die("only static programs at fixed addresses can be compared");
  uint64_t size = top - s.gpr[4], delta = top - STACK_TOP, words = size / 8, i = 1;
  uint64_t *stack = malloc(size);
  read_memory(s.gpr[4], stack, size);
  uint64_t bottom = STACK_TOP - STACK_SIZE;
  if (call(SYS_mmap, bottom, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != bottom) die("no room for the stack");
  for (int vectors = 0; vectors < 2; i++) {
    if (stack[i] == 0) vectors++;
    else stack[i] -= delta;
  }
  for (; i < words && stack[i] != AT_NULL; i += 2) {
    if (stack[i] == AT_SYSINFO_EHDR) stack[i] = AT_IGNORE;
    if (stack[i + 1] >= s.gpr[4] && stack[i + 1] < top) stack[i + 1] -= delta;
  }
  s.gpr[4] -= delta;
  write_memory(s.gpr[4], stack, size);
  free(stack);
  set_general(&s);
}

static void start(char **argv) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  /* Both on one processor: to wake a task on another one takes far longer than to switch. */
  sched_setaffinity(0, sizeof one, &one);
  child = fork();
  must(child, "fork");
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0), dup2(null, 1);
    personality(ADDR_NO_RANDOMIZE);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[0], argv);
    _exit(127);
  }
  must(waitpid(child, &wait_status, 0), "waitpid");
  if (!WIFSTOPPED(wait_status)) die("cannot execute %s", argv[0]);
  must(ptrace(PTRACE_SETOPTIONS, child, 0, (void *)PTRACE_O_EXITKILL), "PTRACE_SETOPTIONS");
  move_stack();
}

/* Commands. */

static int is_one_of(const unsigned char *code, const char *bytes, int length) { return memcmp(code, bytes, length) == 0; }

/* CPUID, RDTSC, RDTSCP, XGETBV: their results are the other side's. */
static int is_special(const unsigned char *c) {
  return is_one_of(c, "\x0f\xa2", 2) || is_one_of(c, "\x0f\x31", 2) || is_one_of(c, "\x0f\x01\xf9", 3) || is_one_of(c, "\x0f\x01\xd0", 3);
}

/* FNSAVE, FNSTENV, FNSTSW, FXSAVE, STMXCSR: they show exception bits, which the other side takes from here between two runs. */
static int shows_exceptions(const unsigned char *c) {
  while (*c == 0x66 || *c == 0x67 || (*c & 0xf0) == 0x40) c++;
  int extension = (c[0] == 0x0f ? c[2] : c[1]) >> 3 & 7, memory = (c[0] == 0x0f ? c[2] : c[1]) < 0xc0;
  if (c[0] == 0x0f && c[1] == 0xae) return memory && (extension == 0 || extension == 3);
  if (c[0] == 0xd9) return memory && extension == 6;
  if (c[0] == 0xdd) return memory && extension >= 6;
  return c[0] == 0xdf && c[1] == 0xe0;
}

static void run(uint32_t limit) {
  static struct state *states;
  static uint32_t room;
  uint32_t count = 0;
  enum stop stop = STOP_LIMIT;
  siginfo_t info = {0};
  if (limit > room) states = realloc(states, (room = limit) * sizeof *states);
  if (states == NULL) die("no memory");
  struct user_regs_struct r;
  must(ptrace(PTRACE_GETREGS, child, 0, &r), "PTRACE_GETREGS");
  for (uint64_t rip = r.rip; count < limit; rip = states[count++].rip) {
    unsigned char code[16] = {0};
    struct iovec local = {code, sizeof code}, remote = {(void *)rip, PAGE - rip % PAGE < sizeof code ? PAGE - rip % PAGE : sizeof code};
    process_vm_readv(child, &local, 1, &remote, 1, 0);
    if (is_one_of(code, "\x0f\x05", 2)) stop = STOP_SYSCALL;
    else if (is_special(code)) stop = STOP_SPECIAL;
    if (stop != STOP_LIMIT || (count > 0 && shows_exceptions(code))) break;
    pending_signal = step(0, code[0] != 0xcc && code[0] != 0xcd && code[0] != 0xf1);
    if (pending_signal != 0) {
      stop = pending_signal < 0 ? STOP_ENDED : STOP_SIGNAL;
      if (pending_signal > 0) must(ptrace(PTRACE_GETSIGINFO, child, 0, &info), "PTRACE_GETSIGINFO");
      break;
    }
    get_state(&states[count]);
    if (code[0] == 0x9c || (code[0] == 0x66 && code[1] == 0x9c)) {
      /* PUSHF pushed the trap flag that stepping needs. */
      uint16_t flags;
      read_memory(states[count].gpr[4], &flags, 2);
      flags &= ~TRAP_FLAG;
      write_memory(states[count].gpr[4], &flags, 2);
    }
  }
  put32(count), put32(stop), put32((uint32_t)pending_signal), put32((uint32_t)info.si_code);
  put(states, count * sizeof *states);
}

static void put_result(void) {
  struct state s;
  put32((uint32_t)child_ended), put32((uint32_t)wait_status);
  if (child_ended) return;
  get_state(&s);
  put(&s, sizeof s);
  put_memory();
}

static uint64_t place(uint64_t length) {
  mmap_next -= (length + PAGE - 1) & ~(PAGE - 1);
  return mmap_next;
}

/* Executes the SYSCALL at hand. Mappings are placed where the other side can have them, too. */
static void system_call(void) {
  struct user_regs_struct before, r;
  must(ptrace(PTRACE_GETREGS, child, 0, &before), "PTRACE_GETREGS");
  r = before;
  if (r.rax == SYS_mmap && (r.r10 & MAP_FIXED) == 0) {
    r.rdi = place(r.rsi);
    r.r10 |= MAP_FIXED_NOREPLACE;
  } else if (r.rax == SYS_mremap && (r.r10 & MREMAP_MAYMOVE) != 0 && (r.r10 & MREMAP_FIXED) == 0) {
    r.r8 = place(r.rdx);
    r.r10 |= MREMAP_FIXED;
  } else if (r.rax == SYS_rseq) {
    /* The kernel would write to the program's memory at any time. */
    r.rax = (unsigned long)-1;
  } else if (r.rax == SYS_clone || r.rax == SYS_clone3 || r.rax == SYS_fork || r.rax == SYS_vfork || r.rax == SYS_execve) {
    die("system call %llu: only programs of one task can be compared", r.rax);
  }
  must(ptrace(PTRACE_SETREGS, child, 0, &r), "PTRACE_SETREGS");
  remember_all();
  pending_signal = step(0, 0);
  if (pending_signal == 0 && before.rax != SYS_rt_sigreturn) {
    must(ptrace(PTRACE_GETREGS, child, 0, &r), "PTRACE_GETREGS");
    r.rdi = before.rdi, r.r8 = before.r8, r.r10 = before.r10, r.r11 &= ~TRAP_FLAG;
    must(ptrace(PTRACE_SETREGS, child, 0, &r), "PTRACE_SETREGS");
  }
  if (pending_signal > 0) die("signal %d inside a system call", pending_signal);
  put_result();
}

static int is_ignored(int number) {
  char name[64], line[256];
  uint64_t caught = 0, ignored = 0, bit = 1ul << (number - 1);
  snprintf(name, sizeof name, "/proc/%d/status", child);
  FILE *file = fopen(name, "re");
  while (file != NULL && fgets(line, sizeof line, file)) {
    sscanf(line, "SigCgt: %lx", &caught);
    sscanf(line, "SigIgn: %lx", &ignored);
  }
  fclose(file);
  if (caught & bit) return 0;
  return (ignored & bit) != 0 || number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
}

/* Delivers the signal at hand: its handler's frame is written, or the program ends. */
static void deliver(void) {
  remember_all();
  if (!is_ignored(pending_signal)) {
    int next = step(pending_signal, 0);
    if (next > 0) die("signal %d while signal %d was being delivered", next, pending_signal);
  }
  put_result();
}

int main(int argc, char **argv) {
  if (argc < 2) die("usage: stepper PROGRAM [ARGUMENT]...");
  start(argv + 1);
  put_result();
  for (;;) {
    uint32_t command[2];
    struct state s;
    uint64_t address;
    unsigned char bytes[PAGE];
    fflush(stdout);
    get(command, sizeof command);
    switch (command[0]) {
      case 'R': run(command[1]); break;
      case 'C': system_call(); break;
      case 'D': deliver(); break;
      case 'W': get(&s, sizeof s), set_general(&s); break;
      case 'M':
        read_maps();
        for (unsigned i = 0; i < map_count; i++)
          if (maps[i].prot & 2) each_page(&maps[i], put_checksum);
        put64(0);
        break;
      case 'P':
        get(&address, sizeof address);
        read_memory(address, bytes, PAGE);
        put(bytes, PAGE);
        break;
      default: die("unknown command %u", command[0]);
    }
  }
}
