/* Calls of no family: personality, I/O priorities, the memory of another process, the clock's state, files that get their name late, /proc files that are written. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static int personalities(void) {
  CHECK(personality(0xffffffff) == 0);
  CHECK(personality(ADDR_NO_RANDOMIZE) == 0 && personality(0xffffffff) == ADDR_NO_RANDOMIZE);
  char text[20] = {0};
  int fd = open("/proc/self/personality", O_RDONLY);
  CHECK(read(fd, text, sizeof text) == 9 && strcmp(text, "00040000\n") == 0);
  close(fd);
  CHECK(personality(0) == ADDR_NO_RANDOMIZE);
  return 0;
}

static void priorities(void) {
  CHECK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6) == 0);
  CHECK(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6));
  CHECK(syscall(SYS_ioprio_get, 1, getpid()) == (2 << 13 | 6));
  FAILS(syscall(SYS_ioprio_set, 1, 0, 5 << 13), EINVAL);
  FAILS(syscall(SYS_ioprio_get, 9, 0), EINVAL);
  FAILS(syscall(SYS_ioprio_get, 1, 999999), ESRCH);
  pid_t pid = fork();
  if (pid == 0) _exit(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6) ? 0 : 1);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void other_memory(void) {
  static char here[100] = "before";
  int go[2], done[2];
  CHECK(pipe(go) == 0 && pipe(done) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    char c;
    strcpy(here, "in the child");
    CHECK(write(done[1], "x", 1) == 1 && read(go[0], &c, 1) == 1);
    _exit(strcmp(here, "IN tXe child") == 0 ? 0 : 1);
  }
  char c, a[5], b[20];
  CHECK(read(done[0], &c, 1) == 1);
  struct iovec local[] = {{a, 5}, {b, 20}}, remote[] = {{here, 8}, {here + 8, 5}};
  CHECK(process_vm_readv(pid, local, 2, remote, 2, 0) == 13);
  CHECK(memcmp(a, "in th", 5) == 0 && strcmp(b, "e child") == 0);
  struct iovec from[] = {{"IN", 2}, {"X", 1}}, to[] = {{here, 2}, {here + 4, 1}};
  CHECK(process_vm_writev(pid, from, 2, to, 2, 0) == 3);
  struct iovec bad[] = {{(void *)8, 8}};
  FAILS(process_vm_readv(pid, local, 1, bad, 1, 0), EFAULT);
  FAILS(process_vm_readv(999999, local, 1, remote, 1, 0), ESRCH);
  FAILS(process_vm_readv(pid, local, 1, remote, 1, 1), EINVAL);
  CHECK(write(go[1], "x", 1) == 1);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  CHECK(strcmp(here, "before") == 0);
}

static void late_names(void) {
  char dir[] = "/tmp/lemming-odds-XXXXXX", path[64], proc[64];
  CHECK(mkdtemp(dir) != NULL);
  int fd = open(dir, O_TMPFILE | O_RDWR, 0600);
  CHECK(fd >= 0 && write(fd, "late", 4) == 4);
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
  sprintf(path, "%s/name", dir), sprintf(proc, "/proc/self/fd/%d", fd);
  CHECK(linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0);
  CHECK(stat(path, &st) == 0 && st.st_nlink == 1 && st.st_size == 4);
  CHECK(close(fd) == 0 && unlink(path) == 0);
  fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL, 0600);
  sprintf(proc, "/proc/self/fd/%d", fd);
  FAILS(linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW), ENOENT);
  CHECK(close(fd) == 0 && rmdir(dir) == 0);
}

static void appended(void) {
  int fd = memfd_create("appended", 0);
  CHECK(write(fd, "12345", 5) == 5 && lseek(fd, 1, SEEK_SET) == 1);
  struct iovec piece = {"ab", 2};
  CHECK(pwritev2(fd, &piece, 1, 0, RWF_APPEND) == 2 && lseek(fd, 0, SEEK_CUR) == 1);
  CHECK(pwritev2(fd, &piece, 1, -1, RWF_APPEND) == 2 && lseek(fd, 0, SEEK_CUR) == 9);
  char all[10] = {0};
  CHECK(pread(fd, all, 10, 0) == 9 && strcmp(all, "12345abab") == 0);
  CHECK(ftruncate(fd, 8192) == 0);
  char *view = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  view[5000] = 'x';
  CHECK(madvise(view + 4096, 4096, MADV_REMOVE) == 0 && view[5000] == 0 && view[0] == '1');
  pid_t pid = fork();
  if (pid == 0) {
    int mine = dup2(fd, 77);
    CHECK(lseek(mine, 3, SEEK_SET) == 3);
    for (;;) pause();
  }
  int pidfd = syscall(SYS_pidfd_open, pid, 0), taken;
  CHECK(pidfd >= 0);
  while ((taken = syscall(SYS_pidfd_getfd, pidfd, 77, 0)) == -1) {
    CHECK(errno == EBADF);
    usleep(1000);
  }
  CHECK(fcntl(taken, F_GETFD) == FD_CLOEXEC && read(taken, all, 1) == 1);
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
  FAILS(syscall(SYS_pidfd_getfd, pidfd, 77, 0), ESRCH);
}

int main(void) {
  appended();
  personalities();
  priorities();
  other_memory();
  late_names();
  struct timex tx = {0};
  CHECK(adjtimex(&tx) >= 0 && tx.tick == 10000);
  CHECK(unshare(CLONE_FS) == 0);
  FAILS(unshare(0x1), EINVAL);
  int fd = open("/proc/self/comm", O_RDWR);
  CHECK(write(fd, "a new name that is too long\n", 28) == 28);
  char name[40] = {0};
  CHECK(pread(open("/proc/thread-self/comm", O_RDONLY), name, 39, 0) == 16 && strcmp(name, "a new name that\n") == 0);
  fd = open("/proc/self/oom_score_adj", O_RDWR);
  CHECK(write(fd, "100", 3) == 3);
  FAILS(write(fd, "5000", 4), EINVAL);
  puts("odds: ok");
  return 0;
}
