/* What is asked of the kernel besides reading and writing: signals when a descriptor is ready, packets in pipes, ways to resolve a path, another
   root, users by thread, what processes share, and files of /proc that are read again. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t count, code, fd;
static volatile long band;

static void io(int signal, siginfo_t *info, void *context)
{
  (void)signal, (void)context;
  count++;
  code = info->si_code;
  band = info->si_band;
  fd = info->si_fd;
}

static void async(int *ends)
{
  struct sigaction action = {.sa_sigaction = io, .sa_flags = SA_SIGINFO};
  int on = 1;
  sigaction(SIGIO, &action, 0);
  sigaction(SIGRTMIN + 3, &action, 0);
  assert(fcntl(ends[0], F_GETSIG) == 0 && fcntl(ends[0], F_GETOWN) == 0);
  assert(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
  assert(fcntl(ends[0], F_GETFL) & O_ASYNC);
  assert(write(ends[1], "a", 1) == 1 && count == 1 && code == SI_KERNEL);
  assert(fcntl(ends[0], F_SETSIG, SIGRTMIN + 3) == 0);
  assert(write(ends[1], "b", 1) == 1 && count == 2 && code == POLL_IN && fd == ends[0] && band & 1);
  struct f_owner_ex owner = {F_OWNER_TID, syscall(SYS_gettid)};
  assert(fcntl(ends[0], F_SETOWN_EX, &owner) == 0);
  assert(write(ends[1], "c", 1) == 1 && count == 3);
  assert(fcntl(ends[0], F_SETFL, 0) == 0 && write(ends[1], "d", 1) == 1 && count == 3);
  assert(ioctl(ends[0], FIOASYNC, &on) == 0 && write(ends[1], "e", 1) == 1 && count == 4);
}

static void packets(void)
{
  char bytes[64];
  int ends[2];
  assert(pipe2(ends, O_DIRECT) == 0);
  assert(write(ends[1], "first", 5) == 5 && write(ends[1], "second", 6) == 6 && write(ends[1], "third", 5) == 5);
  assert(read(ends[0], bytes, 64) == 5 && memcmp(bytes, "first", 5) == 0);
  assert(read(ends[0], bytes, 3) == 3 && read(ends[0], bytes, 64) == 5 && memcmp(bytes, "third", 5) == 0);
  struct iovec part = {bytes, 4};
  assert(write(ends[1], "four", 4) == 4 && vmsplice(ends[0], &part, 1, 0) == 4 && memcmp(bytes, "four", 4) == 0);
  close(ends[0]), close(ends[1]);
}

static void spliced(int *sockets, int *pipes)
{
  char bytes[64];
  fcntl(pipes[0], F_SETFL, O_NONBLOCK);
  while (read(pipes[0], bytes, 64) > 0) ;
  while (recv(sockets[0], bytes, 64, MSG_DONTWAIT) > 0) ;
  assert(write(sockets[1], "hello", 5) == 5 && splice(sockets[0], 0, pipes[1], 0, 3, 0) == 3);
  assert(splice(sockets[0], 0, pipes[1], 0, 64, 0) == 2 && read(pipes[0], bytes, 64) == 5 && memcmp(bytes, "hello", 5) == 0);
  assert(splice(sockets[0], 0, pipes[1], 0, 64, SPLICE_F_NONBLOCK) == -1 && errno == EAGAIN);
  close(sockets[1]);
  assert(splice(sockets[0], 0, pipes[1], 0, 64, 0) == 0);
}

static int resolved(const char *path, uint64_t how)
{
  struct { uint64_t flags, mode, resolve; } ask = {O_RDONLY, 0, how};
  int got = syscall(SYS_openat2, AT_FDCWD, path, &ask, sizeof ask);
  if (got < 0) return -errno;
  close(got);
  return 0;
}

static void paths(void)
{
  enum { NO_XDEV = 1, NO_MAGIC = 2, NO_LINKS = 4, BENEATH = 8, IN_ROOT = 16 };
  close(creat("plain", 0644)), mkdir("below", 0755), close(creat("below/deep", 0644));
  assert(symlink("plain", "link") == 0 && symlink("/plain", "far") == 0);
  assert(resolved("link", 0) == 0 && resolved("link", NO_LINKS) == -ELOOP && resolved("plain", NO_LINKS) == 0);
  assert(resolved("../x", BENEATH) == -EXDEV && resolved("below/../plain", BENEATH) == 0 && resolved("/etc", BENEATH) == -EXDEV);
  assert(resolved("/plain", IN_ROOT) == 0 && resolved("far", IN_ROOT) == 0 && resolved("../../plain", IN_ROOT) == 0);
  assert(resolved("far", BENEATH) == -EXDEV && resolved("/proc/self/exe", NO_MAGIC) == -ELOOP);
  assert(resolved("/proc/version", NO_XDEV) == -EXDEV && resolved("below/deep", NO_XDEV) == 0);
}

static void removed(void)
{
  struct stat about;
  char path[256];
  assert(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
  assert(stat(".", &about) == 0 && about.st_nlink == 0 && !getcwd(path, 256) && errno == ENOENT);
  assert(open("new", O_CREAT | O_RDWR, 0600) == -1 && errno == ENOENT && chdir("..") == 0 && access("plain", F_OK) == 0);
}

static void *other(void *arg)
{
  /* The C library's own setuid would change all threads. */
  assert(syscall(SYS_setresuid, 1000, 1000, 1000) == 0 && geteuid() == 1000);
  return arg;
}

static void users(void)
{
  pthread_t thread;
  if (getuid() != 0) return;
  pthread_create(&thread, 0, other, 0);
  pthread_join(thread, 0);
  assert(getuid() == 0 && geteuid() == 0);
  pid_t child = fork();
  if (child == 0) {
    char path[64];
    assert(chroot("below") == 0 && access("/deep", F_OK) == 0 && access("/etc", F_OK) == -1);
    assert(chdir("/") == 0 && chdir("..") == 0 && access("deep", F_OK) == 0 && getcwd(path, 64) && strcmp(path, "/") == 0);
    _exit(0);
  }
  int status;
  assert(waitpid(child, &status, 0) == child && status == 0 && access("/etc", F_OK) == 0);
}

static int opened;

static int sharer(void *arg)
{
  (void)arg;
  opened = open("plain", O_RDONLY);
  signal(SIGUSR2, SIG_IGN);
  umask(077);
  return chdir("below");
}

static void sharing(void)
{
  static char stack[65536] __attribute__((aligned(16)));
  int status;
  umask(022);
  pid_t child = clone(sharer, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, 0);
  assert(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  assert(fcntl(opened, F_GETFD) == 0 && access("deep", F_OK) == 0 && umask(022) == 077);
  assert(signal(SIGUSR2, SIG_DFL) == SIG_IGN && chdir("..") == 0 && close(opened) == 0);
}

static void again(void)
{
  char before[64], after[64];
  int file = open("/proc/self/comm", O_RDONLY);
  ssize_t one = read(file, before, 64);
  int name = open("/proc/self/comm", O_WRONLY);
  assert(write(name, "another", 7) == 7);
  assert(one > 0 && lseek(file, 0, SEEK_SET) == 0 && read(file, after, 64) == 8 && memcmp(after, "another\n", 8) == 0);
  assert(read(file, after, 64) == 0);
  close(file), close(name);
}

int main(void)
{
  char directory[] = "/tmp/asking-XXXXXX";
  int pipes[2], sockets[2];
  assert(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  async(pipes);
  count = 0;
  async(sockets);
  packets();
  spliced(sockets, pipes);
  assert(mkdtemp(directory) && chdir(directory) == 0);
  paths();
  removed();
  users();
  sharing();
  again();
  assert(system("rm -r plain link far below") == 0 && rmdir(directory) == 0);
  puts("asking: ok");
  return 0;
}
