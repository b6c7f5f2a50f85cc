/* execve and execveat: what they refuse, what goes and what stays, scripts, threads, limits. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../programs/pass/check.h"

extern char **environ;
static char self[4096], directory[] = "/tmp/exec-XXXXXX", path[4200];

static char *in(const char *name) {
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void put(const char *name, const void *bytes, size_t size, int mode) {
  int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static int refusal(const char *program) {
  char *argv[] = {"x", NULL};
  errno = 0;
  CHECK(execve(program, argv, environ) == -1);
  return errno;
}

static void refusals(void) {
  CHECK(refusal("/nonexistent/program") == ENOENT);
  CHECK(refusal("") == ENOENT);
  CHECK(refusal(directory) == EACCES);
  CHECK(refusal("/dev/null") == EACCES);
  CHECK(refusal("/etc/passwd/x") == ENOTDIR);
  CHECK(refusal((char *)8) == EFAULT);
  put("text", "hello\n", 6, 0700);
  CHECK(refusal(in("text")) == ENOEXEC);
  put("empty", "", 0, 0700);
  CHECK(refusal(in("empty")) == ENOEXEC);
  put("plain", "#!/bin/sh\n", 10, 0600);
  CHECK(refusal(in("plain")) == EACCES);
  put("lost", "#!/nonexistent/interpreter\n", 27, 0700);
  CHECK(refusal(in("lost")) == ENOENT);
  put("none", "#!\n", 3, 0700);
  CHECK(refusal(in("none")) == ENOEXEC);
  char long_name[300];
  memset(long_name, 'n', sizeof long_name - 1), long_name[299] = 0;
  CHECK(refusal(in(long_name)) == ENAMETOOLONG);
  symlink("loop", in("loop"));
  CHECK(refusal(in("loop")) == ELOOP);

  Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}};
  header.e_type = ET_EXEC, header.e_machine = EM_AARCH64, header.e_version = 1, header.e_ehsize = 64;
  header.e_phentsize = 56, header.e_phnum = 1, header.e_phoff = 64;
  put("arm", &header, sizeof header, 0700);
  CHECK(refusal(in("arm")) == ENOEXEC);
  header.e_machine = EM_386, header.e_ident[EI_CLASS] = ELFCLASS32;
  put("narrow", &header, sizeof header, 0700);
  CHECK(refusal(in("narrow")) == ENOEXEC);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = EM_X86_64, header.e_type = ET_REL;
  put("object", &header, sizeof header, 0700);
  CHECK(refusal(in("object")) == ENOEXEC);

  struct {
    Elf64_Ehdr header;
    Elf64_Phdr programs[2];
    char interpreter[32];
  } file = {.header = header};
  file.header.e_type = ET_EXEC, file.header.e_phnum = 2;
  file.programs[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 176, .p_filesz = 19, .p_memsz = 19};
  file.programs[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = 208, .p_memsz = 208, .p_align = 4096};
  strcpy(file.interpreter, "/nonexistent/ld.so");
  put("nointerpreter", &file, sizeof file, 0700);
  CHECK(refusal(in("nointerpreter")) == ENOENT);

  int fd = open(in("busy"), O_RDWR | O_CREAT, 0700);
  CHECK(write(fd, "#!/bin/true\n", 12) == 12);
  CHECK(refusal(in("busy")) == ETXTBSY);
  close(fd);
  FAILS(open("/proc/self/exe", O_RDWR), ETXTBSY);
  FAILS(open(self, O_WRONLY), ETXTBSY);

  /* Too much. */
  static char *many[40000];
  static char big[140000], word[100];
  memset(big, 'b', sizeof big - 1), memset(word, 'w', sizeof word - 1);
  char *one[] = {"x", big, NULL};
  FAILS(execve("/bin/true", one, environ), E2BIG);
  for (int i = 0; i < 39999; i++) many[i] = word;
  FAILS(execve("/bin/true", many, environ), E2BIG);
  char *bad[] = {"x", (char *)8, NULL};
  FAILS(execve("/bin/true", bad, environ), EFAULT);
}

/* Runs ourselves as `mode` and returns the exit code. */
static int run(const char *mode, void (*before)(void)) {
  int status;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (before) before();
    execl(self, "renamed", mode, (char *)NULL);
    _exit(99);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void nothing(int signal) { (void)signal; }

static void prepare_state(void) {
  CHECK(dup2(0, 50) == 50 && dup3(0, 51, O_CLOEXEC) == 51);
  signal(SIGUSR1, nothing);
  signal(SIGUSR2, SIG_IGN);
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGTERM);
  static char stack[65536];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  CHECK(sigaltstack(&alternative, NULL) == 0);
  alarm(1000);
  umask(012);
  CHECK(chdir(directory) == 0);
  prctl(PR_SET_NAME, "other");
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  struct rlimit limit = {1 << 20, 1 << 21};
  setrlimit(RLIMIT_FSIZE, &limit);
}

static int state(void) {
  char name[16], cwd[4096], link[4096];
  CHECK(fcntl(50, F_GETFD) == 0);
  FAILS(fcntl(51, F_GETFD), EBADF);
  struct sigaction action;
  CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
  sigset_t set;
  sigprocmask(SIG_BLOCK, NULL, &set);
  CHECK(sigismember(&set, SIGTERM) && !sigismember(&set, SIGUSR1));
  sigpending(&set);
  CHECK(sigismember(&set, SIGTERM));
  stack_t alternative;
  CHECK(sigaltstack(NULL, &alternative) == 0 && alternative.ss_flags == SS_DISABLE);
  CHECK(alarm(0) > 900);
  CHECK(umask(0) == 012);
  CHECK(getcwd(cwd, sizeof cwd) && strncmp(cwd, "/tmp/exec-", 10) == 0);
  CHECK(prctl(PR_GET_NAME, name) == 0 && strlen(name) > 0 && strcmp(name, "other") != 0);
  int dying;
  CHECK(prctl(PR_GET_PDEATHSIG, &dying) == 0 && dying == SIGHUP);
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == 1 << 20 && limit.rlim_max == 1 << 21);
  ssize_t length = readlink("/proc/self/exe", link, sizeof link - 1);
  CHECK(length > 0);
  link[length] = 0;
  CHECK(strcmp(link, (char *)getauxval(AT_EXECFN)) == 0);
  CHECK(getauxval(AT_SECURE) == 0 && getauxval(AT_UID) == getuid());
  return 12;
}

static void *wait_forever(void *unused) {
  (void)unused;
  for (;;) pause();
}

static void *execute(void *unused) {
  (void)unused;
  execl(self, "renamed", "leader", (char *)NULL);
  return NULL;
}

static void from_thread(void) {
  pthread_t thread;
  char text[32];
  snprintf(text, sizeof text, "%d", getpid());
  setenv("LEADER", text, 1);
  for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, wait_forever, NULL);
  pthread_create(&thread, NULL, execute, NULL);
  for (;;) pause();
}

static int leader(void) {
  CHECK(getpid() == atoi(getenv("LEADER")) && syscall(SYS_gettid) == getpid());
  char *argv[] = {"true", NULL};
  int status;
  pid_t pid = fork();
  if (pid == 0) execv("/bin/true", argv);
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  return 13;
}

static void scripts(void) {
  int status;
  char script[5000], out[4096];
  snprintf(script, sizeof script, "#! %s  one argument \nrest\n", self);
  put("script", script, strlen(script), 0755);
  snprintf(script, sizeof script, "#!%s/script\n", directory);
  put("nested", script, strlen(script), 0755);
  for (int nested = 0; nested < 2; nested++) {
    int pipes[2];
    CHECK(pipe(pipes) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
      dup2(pipes[1], 1);
      execl(in(nested ? "nested" : "script"), "zero", "first", "second", (char *)NULL);
      _exit(98);
    }
    close(pipes[1]);
    ssize_t length = 0, more;
    while ((more = read(pipes[0], out + length, sizeof out - 1 - length)) > 0) length += more;
    out[length] = 0;
    close(pipes[0]);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 14);
    char wanted[4096], names[2048];
    snprintf(names, sizeof names, "%s%s/script%s%s/nested", "", directory, nested ? "|" : "", directory);
    if (!nested) names[strlen(directory) + 7] = 0;
    snprintf(wanted, sizeof wanted, "%s|one argument|%s|first|second|\n", self, names);
    CHECK(strcmp(out, wanted) == 0);
  }
}

static int print_arguments(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("%s|", argv[i]);
  puts("");
  return 14;
}

static void by_descriptor(void) {
  int status, fd = open("/bin/sh", O_PATH | O_CLOEXEC);
  char *argv[] = {"sh", "-c", "exit 21", NULL};
  pid_t pid = fork();
  if (pid == 0) {
    syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
    _exit(97);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21);
  FAILS(syscall(SYS_execveat, fd, "", argv, environ, 0), ENOENT);
  FAILS(syscall(SYS_execveat, 999, "x", argv, environ, 0), EBADF);
  FAILS(syscall(SYS_execveat, fd, "x", argv, environ, 0x80000000), EINVAL);
  int bin = open("/bin/", O_PATH | O_DIRECTORY);
  pid = fork();
  if (pid == 0) {
    syscall(SYS_execveat, bin, "sh", argv, environ, 0);
    _exit(97);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21);
  close(fd), close(bin);
}

int main(int argc, char **argv) {
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length] = 0;
  if (argc > 1 && strcmp(argv[1], "state") == 0) return state();
  if (argc > 1 && strcmp(argv[1], "leader") == 0) return leader();
  if (argc > 1) return print_arguments(argc, argv);
  CHECK(mkdtemp(directory));
  refusals();
  CHECK(run("state", prepare_state) == 12);
  CHECK(run("leader", from_thread) == 13);
  scripts();
  by_descriptor();
  if (fork() == 0) execlp("rm", "rm", "-r", directory, (char *)NULL);
  int status;
  CHECK(wait(&status) > 0 && status == 0);
  puts("exec: ok");
  return 0;
}
