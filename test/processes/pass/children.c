/* What a parent learns of its children: exit codes, signals, zombies, the order and the flags of wait4 and waitid, SIGCHLD, orphans, CPU time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../programs/pass/check.h"

static pid_t child(int code) {
  pid_t pid = fork();
  if (pid == 0) _exit(code);
  return pid;
}

static volatile int heard;
static volatile siginfo_t last;
static void on_child(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  heard++;
  *(siginfo_t *)&last = *info;
}

static void exit_codes(void) {
  int status = -1;
  for (int code = 0; code < 300; code += 51) {
    pid_t pid = child(code);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (code & 255));
  }
  const int signals[] = {SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE, SIGRTMIN};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    pid_t pid = fork();
    if (pid == 0) for (;;) pause();
    CHECK(kill(pid, signals[i]) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
  }
  CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
  CHECK(waitpid(getpid(), &status, 0) == -1 && errno == ECHILD);
  CHECK(syscall(SYS_wait4, -1, &status, 0x10, NULL) == -1 && errno == EINVAL);
}

static void flags(void) {
  int status;
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    char byte;
    _exit(read(pipes[0], &byte, 1) == 1 ? 3 : 4);
  }
  CHECK(waitpid(pid, &status, WNOHANG) == 0);
  siginfo_t info;
  memset(&info, 0xff, sizeof info);
  CHECK(waitid(P_PID, pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0 && info.si_signo == 0);
  CHECK(write(pipes[1], "x", 1) == 1);
  CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
  CHECK(info.si_pid == pid && info.si_status == 3 && info.si_code == CLD_EXITED && info.si_signo == SIGCHLD);
  CHECK(info.si_uid == getuid());
  /* It is a zombie now: signals to it succeed, its group can be named. */
  CHECK(kill(pid, SIGKILL) == 0 && kill(pid, 0) == 0);
  CHECK(getpgid(pid) == getpgrp());
  CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == pid);
  CHECK(waitid(P_ALL, 0, &info, WEXITED) == -1 && errno == ECHILD);
  CHECK(kill(pid, 0) == -1 && errno == ESRCH);
  CHECK(waitid(P_ALL, 0, &info, 0) == -1 && errno == EINVAL);
  close(pipes[0]), close(pipes[1]);

  /* By group. */
  pid_t first = child(1), second = fork();
  if (second == 0) {
    setpgid(0, 0);
    _exit(2);
  }
  siginfo_t ready;
  CHECK(waitid(P_PID, second, &ready, WEXITED | WNOWAIT) == 0);
  CHECK(waitpid(-second, &status, 0) == second && WEXITSTATUS(status) == 2);
  CHECK(waitpid(-second, &status, 0) == -1 && errno == ECHILD);
  CHECK(waitpid(0, &status, 0) == first && WEXITSTATUS(status) == 1);
}

static void notification(void) {
  struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
  sigset_t block, old;
  sigemptyset(&block);
  sigaddset(&block, SIGCHLD);
  sigprocmask(SIG_BLOCK, &block, &old);
  pid_t pid = child(5);
  int status;
  while (!heard) sigsuspend(&old);
  CHECK(last.si_pid == pid && last.si_code == CLD_EXITED && last.si_status == 5);
  CHECK(waitpid(pid, &status, 0) == pid);
  heard = 0;
  pid = fork();
  if (pid == 0) {
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
  }
  while (!heard) sigsuspend(&old);
  CHECK(last.si_pid == pid && last.si_code == CLD_KILLED && last.si_status == SIGTERM);
  CHECK(waitpid(pid, &status, 0) == pid);
  sigprocmask(SIG_SETMASK, &old, NULL);

  /* A handler without SA_RESTART interrupts, one with it does not. */
  heard = 0;
  int pipes[2];
  char byte;
  CHECK(pipe(pipes) == 0);
  pid = child(0);
  if (!heard) CHECK(read(pipes[0], &byte, 1) == -1 && errno == EINTR);
  waitpid(pid, NULL, 0);

  /* Children that nobody wants to hear of. */
  signal(SIGCHLD, SIG_IGN);
  pid = child(1);
  CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD);
  CHECK(kill(pid, 0) == -1 && errno == ESRCH);
  action.sa_flags = SA_SIGINFO | SA_NOCLDWAIT | SA_RESTART;
  heard = 0;
  CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
  pid = child(1);
  CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD && heard == 1);
  signal(SIGCHLD, SIG_DFL);
}

static void orphans(void) {
  int pipes[2], status;
  pid_t found[2];
  CHECK(pipe(pipes) == 0);
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int on = 0;
  CHECK(prctl(PR_GET_CHILD_SUBREAPER, &on) == 0 && on == 1);
  pid_t pid = fork();
  if (pid == 0) {
    pid_t mine = getpid();
    pid_t inner = fork();
    if (inner == 0) {
      while (getppid() == mine) usleep(100);
      found[0] = getpid(), found[1] = getppid();
      CHECK(write(pipes[1], found, sizeof found) == sizeof found);
      _exit(7);
    }
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(read(pipes[0], found, sizeof found) == sizeof found);
  CHECK(found[1] == getpid());
  CHECK(waitpid(found[0], &status, 0) == found[0] && WEXITSTATUS(status) == 7);
  prctl(PR_SET_CHILD_SUBREAPER, 0);

  /* Told by a signal when the parent dies. */
  pid = fork();
  if (pid == 0) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t middle = fork();
    if (middle == 0) {
      pid_t inner = fork();
      if (inner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        CHECK(write(pipes[1], "r", 1) == 1);
        for (;;) pause();
      }
      char byte;
      CHECK(read(pipes[0], &byte, 1) == 1);
      _exit(0);
    }
    CHECK(waitpid(middle, &status, 0) == middle);
    CHECK(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    _exit(11);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 11);
  close(pipes[0]), close(pipes[1]);
}

static long microseconds(const struct rusage *used) {
  struct timeval sum;
  timeradd(&used->ru_utime, &used->ru_stime, &sum);
  return sum.tv_sec * 1000000 + sum.tv_usec;
}

static void inheritance(void) {
  int fd = open("/dev/zero", O_RDONLY), status;
  char path[] = "/tmp/children-XXXXXX";
  int file = mkstemp(path);
  CHECK(file >= 0 && fd >= 0);
  unlink(path);
  CHECK(write(file, "0123456789", 10) == 10 && lseek(file, 2, SEEK_SET) == 2);
  umask(027);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR2);
  alarm(100);
  struct rlimit limit = {17, 18};
  CHECK(setrlimit(RLIMIT_CORE, &limit) == 0);
  CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    char byte;
    CHECK(getppid() == parent && getpid() != parent);
    CHECK(umask(0) == 027);
    CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGUSR2));
    sigprocmask(SIG_BLOCK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR2));
    CHECK(alarm(0) == 0);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 17 && limit.rlim_max == 18);
    CHECK(getpriority(PRIO_PROCESS, 0) == 3);
    CHECK(read(file, &byte, 1) == 1 && byte == '2');
    struct tms mine;
    times(&mine);
    CHECK(mine.tms_cutime == 0);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(lseek(file, 0, SEEK_CUR) == 3);
  CHECK(alarm(0) > 0);
  sigpending(&set);
  CHECK(sigismember(&set, SIGUSR2));

  struct rusage before, after, one;
  getrusage(RUSAGE_CHILDREN, &before);
  pid = fork();
  if (pid == 0) {
    for (volatile long i = 0; i < 20000000; i++) {}
    _exit(0);
  }
  CHECK(wait4(pid, &status, 0, &one) == pid);
  getrusage(RUSAGE_CHILDREN, &after);
  /* Linux divides the time between user and system by its ticks, of which a short child may have had few: only the sum is sure. */
  CHECK(microseconds(&one) > 5000);
  CHECK(microseconds(&before) < microseconds(&after));
  close(fd), close(file);
}

int main(void) {
  exit_codes();
  flags();
  notification();
  orphans();
  inheritance();
  puts("children: ok");
  return 0;
}
