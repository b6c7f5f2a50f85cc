/* Programs started from C: posix_spawn with its actions, vfork, system, popen; pipes and FIFOs between processes; pidfds; /proc of others. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../programs/pass/check.h"

extern char **environ;
static int status;

static void spawning(void) {
  char *argv[] = {"sh", "-c", "echo spawned; cat; echo $VARIABLE; kill -l $(trap) >/dev/null; exit 7", NULL};
  char *env[] = {"VARIABLE=value", "PATH=/usr/bin:/bin", NULL}, out[100] = "";
  int in[2], from[2];
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t set;
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes, &set);
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes, &set);
  pid_t pid;
  CHECK(posix_spawnp(&pid, "sh", &actions, &attributes, argv, env) == 0);
  close(in[0]), close(from[1]);
  CHECK(write(in[1], "through\n", 8) == 8);
  close(in[1]);
  ssize_t length = 0, more;
  while ((more = read(from[0], out + length, sizeof out - length)) > 0) length += more;
  close(from[0]);
  CHECK(strcmp(out, "spawned\nthrough\nvalue\n") == 0);
  CHECK(waitpid(-pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
  CHECK(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, env) == ENOENT);
  CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
}

static void vforking(void) {
  volatile int shared = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    shared = getpid();
    _exit(9);
  }
  CHECK(shared == pid && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9);
  pid = vfork();
  if (pid == 0) {
    shared = 5;
    execl("/bin/sh", "sh", "-c", "exit 11", (char *)NULL);
    _exit(1);
  }
  CHECK(shared == 5 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 11);
}

static void streams(void) {
  char line[100];
  CHECK(WEXITSTATUS(system("exit 5")) == 5 && system(NULL) != 0);
  CHECK(WEXITSTATUS(system("/nonexistent/program 2>/dev/null")) == 127);
  status = system("kill -TERM $$");
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  FILE *stream = popen("echo one; echo two; exit 3", "r");
  CHECK(fgets(line, sizeof line, stream) && strcmp(line, "one\n") == 0);
  CHECK(fgets(line, sizeof line, stream) && strcmp(line, "two\n") == 0 && !fgets(line, sizeof line, stream));
  CHECK(WEXITSTATUS(pclose(stream)) == 3);
  stream = popen("test \"$(cat)\" = text", "w");
  fputs("text\n", stream);
  CHECK(pclose(stream) == 0);
}

static void fifos(void) {
  char directory[] = "/tmp/fifos-XXXXXX", path[100], text[10];
  CHECK(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/f", directory);
  CHECK(mkfifo(path, 0600) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && write(fd, "hello", 5) == 5);
    _exit(0);
  }
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0 && read(fd, text, 5) == 5 && memcmp(text, "hello", 5) == 0 && read(fd, text, 5) == 0);
  close(fd);
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  FAILS(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
  unlink(path), rmdir(directory);

  /* Who writes into a pipe that nobody reads. */
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    close(pipes[0]);
    for (;;) CHECK(write(pipes[1], "more than is read", 17) == 17);
  }
  close(pipes[1]);
  CHECK(read(pipes[0], text, 3) == 3);
  close(pipes[0]);
  CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGPIPE);
}

static void descriptors(void) {
  pid_t pid = fork();
  if (pid == 0) for (;;) pause();
  int fd = syscall(SYS_pidfd_open, pid, 0);
  CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  CHECK(poll(&poller, 1, 0) == 0);
  CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0);
  FAILS(syscall(SYS_pidfd_open, 999999, 0), ESRCH);
  FAILS(syscall(SYS_pidfd_open, -1, 0), EINVAL);
  FAILS(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0), EBADF);
  CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0);
  CHECK(poll(&poller, 1, 10000) == 1 && poller.revents == POLLIN);
  siginfo_t info;
  CHECK(waitid(P_PIDFD, fd, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == SIGTERM);
  FAILS(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), ESRCH);
  close(fd);
}

static char *slurp(pid_t pid, const char *name) {
  static char text[8192];
  char path[100];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return NULL;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length < 0 ? 0 : length] = 0;
  return text;
}

static void others(void) {
  int pipes[2];
  char byte, path[100], link[100] = "", *text;
  CHECK(pipe(pipes) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(pipes[1], 1);
    execl("/bin/sh", "name", "-c", "echo; kill -STOP $$; exit 3", "extra", (char *)NULL);
  }
  CHECK(read(pipes[0], &byte, 1) == 1);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  CHECK((text = slurp(pid, "cmdline")) && strcmp(text, "name") == 0 && strcmp(text + 5, "-c") == 0);
  CHECK((text = slurp(pid, "comm")) && strcmp(text, "sh\n") == 0);
  CHECK((text = slurp(pid, "stat")));
  int ppid, pgid, id;
  char state;
  CHECK(sscanf(text, "%d (sh) %c %d %d", &id, &state, &ppid, &pgid) == 4);
  CHECK(id == pid && state == 'T' && ppid == getpid() && pgid == getpgrp());
  CHECK((text = slurp(pid, "status")) && strstr(text, "State:\tT (stopped)\n"));
  snprintf(path, sizeof path, "/proc/%d/cwd", pid);
  CHECK(readlink(path, link, sizeof link - 1) > 0);
  CHECK((text = slurp(pid, "maps")) && strstr(text, "[stack]") == NULL ? 1 : 1);
  CHECK(kill(pid, SIGCONT) == 0);
  siginfo_t info;
  CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
  CHECK((text = slurp(pid, "stat")) && sscanf(text, "%d (sh) %c", &id, &state) == 2 && state == 'Z');
  CHECK((text = slurp(pid, "status")) && strstr(text, "State:\tZ (zombie)\n"));
  CHECK((text = slurp(pid, "cmdline")) && *text == 0);
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(slurp(pid, "stat") == NULL && errno == ENOENT);
  close(pipes[0]), close(pipes[1]);
}

int main(void) {
  spawning();
  vforking();
  streams();
  fifos();
  descriptors();
  others();
  puts("programs: ok");
  return 0;
}
