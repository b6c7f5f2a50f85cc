/* Process groups, sessions, and signals that stop and continue: what may be set, who is reached, what the parent hears. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../programs/pass/check.h"

static int status;

static pid_t sleeper(void) {
  pid_t pid = fork();
  if (pid == 0) for (;;) pause();
  return pid;
}

static void end(pid_t pid) {
  CHECK(kill(pid, SIGKILL) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

static void groups(void) {
  CHECK(getpgrp() == getpgid(0) && getsid(0) == getsid(getpid()));
  FAILS(getpgid(999999), ESRCH);
  FAILS(getsid(999999), ESRCH);
  FAILS(setpgid(0, -1), EINVAL);
  FAILS(setpgid(999999, 0), ESRCH);
  FAILS(setpgid(0, 999999), EPERM);
  pid_t first = sleeper(), second = sleeper();
  CHECK(getpgid(first) == getpgrp());
  CHECK(setpgid(first, 0) == 0 && getpgid(first) == first);
  CHECK(setpgid(second, first) == 0 && getpgid(second) == first);
  CHECK(kill(-first, 0) == 0);
  CHECK(killpg(first, SIGTERM) == 0);
  CHECK(waitpid(-first, &status, 0) > 0 && WTERMSIG(status) == SIGTERM);
  CHECK(waitpid(-first, &status, 0) > 0 && WTERMSIG(status) == SIGTERM);
  FAILS(kill(-first, 0), ESRCH);

  pid_t pid = fork();
  if (pid == 0) {
    CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
    FAILS(setsid(), EPERM);
    FAILS(setpgid(0, 0), EPERM);
    pid_t inner = sleeper();
    CHECK(getsid(inner) == getpid());
    end(inner);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);

  /* A child that has executed a program stays where it is. */
  int pipes[2];
  char byte;
  CHECK(pipe2(pipes, 0) == 0);
  pid = fork();
  if (pid == 0) {
    dup2(pipes[1], 1);
    execlp("sh", "sh", "-c", "echo; kill -STOP $$", (char *)NULL);
  }
  CHECK(read(pipes[0], &byte, 1) == 1);
  FAILS(setpgid(pid, 0), EACCES);
  close(pipes[0]), close(pipes[1]);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  end(pid);

  /* Everybody in the own group, this process included. */
  pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    pid_t one = sleeper();
    signal(SIGHUP, SIG_IGN);
    CHECK(kill(0, SIGHUP) == 0);
    CHECK(waitpid(one, &status, 0) == one);
    _exit(WIFSIGNALED(status) ? WTERMSIG(status) : 99);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == SIGHUP);
}

static volatile int heard;
static volatile siginfo_t last;
static void on_child(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  heard++;
  *(siginfo_t *)&last = *info;
}

static volatile int continued;
static void on_continue(int signal) {
  (void)signal;
  continued++;
}

static void stopping(void) {
  siginfo_t info;
  pid_t pid = sleeper();
  CHECK(kill(pid, SIGSTOP) == 0);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
  CHECK(kill(pid, SIGTERM) == 0);
  usleep(1000);
  CHECK(waitpid(pid, &status, WNOHANG) == 0);
  CHECK(kill(pid, SIGCONT) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);

  pid = sleeper();
  CHECK(kill(pid, SIGSTOP) == 0);
  CHECK(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT) == 0 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
  CHECK(waitid(P_PID, pid, &info, WSTOPPED) == 0);
  CHECK(kill(pid, SIGCONT) == 0);
  CHECK(waitid(P_PID, pid, &info, WCONTINUED) == 0 && info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
  CHECK(waitpid(pid, &status, WCONTINUED | WNOHANG) == 0);
  CHECK(kill(pid, SIGSTOP) == 0);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid);
  /* SIGKILL needs no SIGCONT. */
  end(pid);

  /* The parent hears of it by signal, unless it said not to. */
  struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
  sigset_t block, old;
  sigemptyset(&block), sigaddset(&block, SIGCHLD);
  sigprocmask(SIG_BLOCK, &block, &old);
  sigaction(SIGCHLD, &action, NULL);
  pid = sleeper();
  kill(pid, SIGSTOP);
  while (!heard) sigsuspend(&old);
  CHECK(last.si_code == CLD_STOPPED && last.si_pid == pid && last.si_status == SIGSTOP);
  heard = 0;
  kill(pid, SIGCONT);
  while (!heard) sigsuspend(&old);
  CHECK(last.si_code == CLD_CONTINUED && last.si_pid == pid);
  heard = 0;
  action.sa_flags |= SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, NULL);
  kill(pid, SIGSTOP);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  CHECK(kill(pid, SIGCONT) == 0);
  CHECK(heard == 0 && sigpending(&block) == 0 && !sigismember(&block, SIGCHLD));
  end(pid);
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_SETMASK, &old, NULL);

  /* A sleep goes on after a stop; a handler of SIGCONT runs; one can stop oneself. */
  pid = fork();
  if (pid == 0) {
    signal(SIGCONT, on_continue);
    raise(SIGSTOP);
    CHECK(continued == 1);
    signal(SIGCONT, SIG_DFL);
    struct timespec time = {0, 300000000};
    CHECK(nanosleep(&time, NULL) == 0);
    _exit(17);
  }
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  kill(pid, SIGCONT);
  usleep(50000);
  kill(pid, SIGSTOP);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  kill(pid, SIGCONT);
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 17);

  /* A blocked SIGTSTP that SIGCONT takes away. */
  pid = fork();
  if (pid == 0) {
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGTSTP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTSTP);
    raise(SIGCONT);
    sigpending(&set);
    _exit(sigismember(&set, SIGTSTP));
  }
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);

  /* Nobody could continue a process whose group is orphaned, so SIGTSTP does not stop it. */
  pid = fork();
  if (pid == 0) {
    setsid();
    raise(SIGTSTP);
    _exit(19);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 19);

  /* A stopped group that becomes an orphan is hung up. */
  int pipes[2];
  char byte;
  CHECK(pipe(pipes) == 0);
  pid = fork();
  if (pid == 0) {
    setsid();
    pid_t inner = fork();
    if (inner == 0) {
      setpgid(0, 0);
      raise(SIGSTOP);
      for (;;) pause();
    }
    CHECK(waitpid(inner, &status, WUNTRACED) == inner);
    _exit(0);
  }
  close(pipes[1]);
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(read(pipes[0], &byte, 1) == 0);
  close(pipes[0]);
}

int main(void) {
  groups();
  stopping();
  puts("control: ok");
  return 0;
}
