// Calls that fail: what they are given is looked at all the same, since nobody knows before.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

volatile int sink;

#define S(...) sink += syscall(__VA_ARGS__)

/* The kernel would write to `out`, and reads `in`. */
static void calls(const int *p, char *out, char *in) {
  S(SYS_wait4, -1, out, 0, 0);
  S(SYS_wait4, -1, 0, 0, out);
  S(SYS_waitid, P_ALL, 0, out, WEXITED, 0);
  S(SYS_ioctl, p[0], TIOCGWINSZ, out);
  S(SYS_ioctl, p[0], TCGETS, out);
  S(SYS_ioctl, p[0], TCSETS, in);
  S(SYS_ioctl, p[0], TIOCSWINSZ, in);
  S(SYS_ioctl, 99, FIONREAD, out);
  S(SYS_ioctl, 99, FIONBIO, in);
  S(SYS_read, 99, out, 10L);
  S(SYS_write, 99, in, 10L);
  S(SYS_pread64, p[0], out, 10L, 0L);
  S(SYS_pwrite64, p[1], in, 10L, 0L);
  S(SYS_fcntl, 99, F_SETLK, in);
  S(SYS_fcntl, 99, F_GETLK, in);
  S(SYS_getsockopt, p[0], SOL_SOCKET, SO_ERROR, out, in);
  S(SYS_setsockopt, p[0], SOL_SOCKET, SO_REUSEADDR, in, 4L);
  S(SYS_bind, p[0], in, 16L);
  S(SYS_connect, 99, in, 16L);
  S(SYS_accept, 99, out, out);
  S(SYS_getsockname, 99, out, out);
  S(SYS_sendto, 99, in, 9L, 0, 0, 0L);
  S(SYS_recvfrom, 99, out, 9L, 0, 0, 0);
  S(SYS_socketpair, 77, 1, 0, out);
  S(SYS_stat, "/nowhere/x", out);
  S(SYS_fstat, 99, out);
  S(SYS_newfstatat, AT_FDCWD, "/nowhere/x", out, 0);
  S(SYS_statfs, "/nowhere/x", out);
  S(SYS_readlink, "/nowhere/x", out, 10L);
  S(SYS_clock_gettime, 77, out);
  S(SYS_clock_nanosleep, 77, 0, in, 0);
  S(SYS_rt_sigaction, 99, in, 0, 8L);
  S(SYS_rt_sigaction, 99, 0, out, 8L);
  S(SYS_rt_sigprocmask, 77, in, 0, 8L);
  S(SYS_setitimer, 77, in, 0);
  S(SYS_getitimer, 77, out);
  S(SYS_getrlimit, 77, out);
  S(SYS_setrlimit, 77, in);
  S(SYS_prlimit64, 0, 77, in, 0);
  S(SYS_getrusage, 77, out);
  S(SYS_utimensat, AT_FDCWD, "/nowhere/x", in, 0);
  S(SYS_poll, out, 1L, 0);
  S(SYS_epoll_ctl, 99, EPOLL_CTL_ADD, 0, in);
  S(SYS_epoll_wait, 99, out, 2, 0);
  S(SYS_sched_getaffinity, 99999, 128L, out);
  S(SYS_sched_setaffinity, 99999, 8L, in);
  S(SYS_sched_setparam, 99999, in);
  S(SYS_getdents64, 99, out, 100L);
  S(SYS_readv, 99, in, 1L);
  S(SYS_writev, 99, in, 1L);
  S(SYS_access, out, 0);
  S(SYS_open, out, 0);
  S(SYS_mkdir, out, 0777);
  S(SYS_rename, out, "y");
  S(SYS_sigaltstack, in, 0);
  S(SYS_timer_settime, 77L, 0, in, 0);
  S(SYS_timer_gettime, 77L, out);
  S(SYS_pipe2, out, 0x77777777);
  S(SYS_getpeername, p[0], out, out);
  S(SYS_sendmsg, 99, in, 0L);
  S(SYS_recvmsg, 99, in, 0L);
  S(SYS_fsetxattr, 99, "a", in, 5L, 0);
  S(SYS_getxattr, "/nowhere/x", "a", out, 5L);
}

static char zeroes[4096];
static char room[4096];
static char *volatile keep;

int main(void) {
  int p[2];
  if (pipe(p)) return 1;
  calls(p, room, zeroes);
  char *out = malloc(4096);
  char *in = malloc(4096);
  free(out);
  calls(p, out, in);
  keep = in;
  return 0;
}
