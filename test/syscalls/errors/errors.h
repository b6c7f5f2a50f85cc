/* What the programs of this folder print: each call as it is written, and its result or errno. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/uio.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/vfs.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/select.h>
#include <sys/utsname.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/personality.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <utime.h>
#include <dirent.h>
#include <pthread.h>
#include <grp.h>
#include <sys/random.h>
#include <linux/futex.h>

static const char *name(int error) { const char *known = strerrorname_np(error); return known ? known : "?"; }

static void told(int line, const char *call, long result, int value)
{
  if (result == -1) printf("%d %s = -1 %s\n", line, call, name(errno));
  else if (value) printf("%d %s = %ld\n", line, call, result);
  else printf("%d %s = ok\n", line, call);
  fflush(stdout);
}

/* Calls of which the value matters; of which it does not; that return an error number; that map memory. */
#define V(x) do { errno = 0; long result = (long)(x); told(__LINE__, #x, result, 1); } while (0)
#define S(x) do { errno = 0; long result = (long)(x); told(__LINE__, #x, result, 0); } while (0)
#define E(x) do { errno = (x); printf("%d %s = %s\n", __LINE__, #x, errno ? name(errno) : "0"); fflush(stdout); } while (0)
#define M(x) do { errno = 0; told(__LINE__, #x, (x) == MAP_FAILED ? -1 : 0, 0); } while (0)

/* An address that is none, and one whose page may not be touched. */
#define BAD ((void *)-1)
static void *bad;

/* A directory of its own, and standard output that is a copy of nothing in a forked child. */
static void setup(void)
{
  setvbuf(stdout, 0, _IOLBF, 0);
  bad = mmap(0, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  umask(022), mkdir("errors", 0755);
  if (chdir("errors")) _exit(8);
  umask(022);
}

/* The same for somebody who may less, where that can be tried. */
static void asuser(void (*part)(void))
{
  if (getuid() != 0) return;
  pid_t child = fork();
  if (!child) {
    setgroups(0, 0);
    if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) _exit(9);
    part();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  printf("as a user: %x\n", status);
  fflush(stdout);
}
