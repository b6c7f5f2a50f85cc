/* seccomp(2): what filters answer, trap and kill; which programs are no filters; what is inherited and shared. */
#include "check.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>


#define DATA(field) offsetof(struct seccomp_data, field)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ON(nr, action) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RETURN(action)

static long install(struct sock_filter *filter, unsigned short length, unsigned flags) {
  struct sock_fprog program = {length, filter};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define INSTALL(flags, ...)                                            \
  ({                                                                   \
    struct sock_filter list[] = {__VA_ARGS__};                         \
    install(list, sizeof list / sizeof *list, flags);                  \
  })

static volatile int taken, call, code, detail;
static void *volatile where;

static void trapped(int signal, siginfo_t *info, void *context) {
  (void)context;
  taken = signal;
  code = info->si_code;
  detail = info->si_errno;
  call = info->si_syscall;
  where = info->si_call_addr;
  CHECK(info->si_arch == 0xc000003e);
}

/* Runs `body` in a child and returns its status. */
static int child(void (*body)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}

static void strictRead(void) {
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
  syscall(SYS_exit, 7);
}
static void strictOther(void) {
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
  syscall(SYS_getpid);
}
static void killed(void) {
  CHECK(INSTALL(0, LOAD(DATA(nr)), ON(SYS_getppid, SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)) == 0);
  getppid();
}
static void killedThread(void) {
  CHECK(INSTALL(0, LOAD(DATA(nr)), ON(SYS_getppid, SECCOMP_RET_KILL_THREAD), RETURN(SECCOMP_RET_ALLOW)) == 0);
  signal(SIGSYS, SIG_IGN);
  getppid();
}
static void inherited(void) {
  errno = 0;
  CHECK(syscall(SYS_getpgid, 0) == -1 && errno == 77);
}

static pthread_barrier_t barrier;
static void *sibling(void *none) {
  (void)none;
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  CHECK(prctl(PR_GET_SECCOMP) == 2);
  errno = 0;
  CHECK(syscall(SYS_getsid, 0) == -1 && errno == 55);
  return NULL;
}

int main(void) {
  CHECK(prctl(PR_GET_SECCOMP) == 0);
  unsigned action = SECCOMP_RET_TRAP;
  CHECK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
  action = 0x12340000;
  CHECK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1 && errno == EOPNOTSUPP);
  CHECK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action) == -1 && errno == EINVAL);
  struct seccomp_notif_sizes sizes;
  CHECK(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 && sizes.seccomp_data == 64);
  CHECK(syscall(SYS_seccomp, 99, 0, 0) == -1 && errno == EINVAL);
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0) == -1 && errno == EINVAL);
  CHECK(prctl(PR_SET_SECCOMP, 3, 0) == -1 && errno == EINVAL);
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);

  /* What is no filter. */
  CHECK(INSTALL(0x100, RETURN(0)) == -1 && errno == EINVAL);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8) == -1 && errno == EFAULT);
  CHECK(INSTALL(0, LOAD(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, LOAD(2), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, LOAD(64), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0)) == -1 && errno == EINVAL);
  CHECK(INSTALL(0, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)) == -1 && errno == EINVAL);

  CHECK(child(strictRead) == 7 << 8);
  int status = child(strictOther);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  status = child(killed);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  status = child(killedThread);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);

  /* Errors by number and by argument, with arithmetic, cells and both halves of an argument. */
  CHECK(INSTALL(0, LOAD(DATA(arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0), RETURN(0), LOAD(DATA(nr)),
                ON(SYS_getpgid, SECCOMP_RET_ERRNO | 77), ON(SYS_getuid, SECCOMP_RET_ERRNO | 0), ON(SYS_getegid, SECCOMP_RET_TRACE),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_alarm, 0, 9), LOAD(DATA(args[1]) + 4), BPF_STMT(BPF_ST, 2),
                LOAD(DATA(args[1])), BPF_STMT(BPF_LDX | BPF_MEM, 2), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
                BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
                BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0),
                RETURN(SECCOMP_RET_ALLOW)) == 0);
  CHECK(prctl(PR_GET_SECCOMP) == 2);
  CHECK(syscall(SYS_getpgid, 0) == -1 && errno == 77);
  CHECK(syscall(SYS_getuid) == 0);
  CHECK(syscall(SYS_getegid) == -1 && errno == ENOSYS);
  CHECK(syscall(SYS_alarm, 0, 0x500000004ul) == -1 && errno == 27);
  CHECK(child(inherited) == 0);

  /* The strictest answer counts, then that of the filter that came last. */
  CHECK(INSTALL(0, LOAD(DATA(nr)), ON(SYS_getpgid, SECCOMP_RET_ALLOW), ON(SYS_umask, SECCOMP_RET_TRAP | 0x321), RETURN(SECCOMP_RET_ALLOW)) == 0);
  CHECK(INSTALL(0, LOAD(DATA(nr)), ON(SYS_umask, SECCOMP_RET_ERRNO | 1), ON(SYS_getpgid, SECCOMP_RET_ERRNO | 5), RETURN(SECCOMP_RET_LOG)) == 0);
  CHECK(syscall(SYS_getpgid, 0) == -1 && errno == 5);
  CHECK(INSTALL(0, LOAD(DATA(nr)), ON(SYS_getpgid, SECCOMP_RET_ERRNO | 77), RETURN(SECCOMP_RET_ALLOW)) == 0);
  struct sigaction action2 = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGSYS, &action2, NULL) == 0);
  long result = syscall(SYS_umask, 022);
  CHECK(taken == SIGSYS && code == 1 && detail == 0x321 && call == SYS_umask && where != NULL);
  CHECK(result == SYS_umask);

  /* All threads at once. */
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  CHECK(pthread_create(&thread, NULL, sibling, NULL) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(INSTALL(SECCOMP_FILTER_FLAG_TSYNC, LOAD(DATA(nr)), ON(SYS_getsid, SECCOMP_RET_ERRNO | 55), RETURN(SECCOMP_RET_ALLOW)) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1 && errno == EINVAL);
  return 0;
}
