/* Signals: actions, masks, nesting, siginfo, queueing, waiting for signals, and what interrupts a system call. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "check.h"

static volatile sig_atomic_t count, depth, max_depth, last;
static volatile siginfo_t info;

static void simple(int signal) {
  count++;
  last = signal;
}

static void keep(int signal, siginfo_t *si, void *context) {
  (void)context;
  count++;
  last = signal;
  info = *si;
}

static void set(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_flags = flags};
  action.sa_handler = handler;
  CHECK(sigaction(signal, &action, NULL) == 0);
}

static void set_info(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_flags = flags | SA_SIGINFO};
  action.sa_sigaction = handler;
  CHECK(sigaction(signal, &action, NULL) == 0);
}

static void test_actions(void) {
  struct sigaction old;
  set(SIGUSR1, simple, SA_RESTART);
  CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
  CHECK(old.sa_handler == simple && (old.sa_flags & SA_RESTART));
  FAILS(sigaction(SIGKILL, &old, NULL), EINVAL);
  FAILS(sigaction(65, NULL, &old), EINVAL);
  FAILS(sigaction(0, NULL, &old), EINVAL);
  raise(SIGUSR1);
  CHECK(count == 1 && last == SIGUSR1);
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  CHECK(count == 1);
  set(SIGUSR1, simple, SA_RESETHAND);
  raise(SIGUSR1);
  CHECK(count == 2);
  CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  raise(SIGCHLD);
  raise(SIGURG);
  raise(SIGWINCH);
  raise(SIGCONT);
}

static void test_masks(void) {
  sigset_t set1, old, pending;
  set(SIGUSR1, simple, 0);
  sigemptyset(&set1);
  sigaddset(&set1, SIGUSR1);
  CHECK(sigprocmask(SIG_BLOCK, &set1, &old) == 0);
  CHECK(!sigismember(&old, SIGUSR1));
  count = 0;
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  raise(SIGUSR1);
  CHECK(count == 0);
  CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
  CHECK(sigprocmask(SIG_UNBLOCK, &set1, NULL) == 0);
  CHECK(count == 2); /* one for the process, one for the thread */
  sigfillset(&set1);
  CHECK(sigprocmask(SIG_SETMASK, &set1, NULL) == 0);
  CHECK(sigprocmask(SIG_SETMASK, NULL, &old) == 0);
  CHECK(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP) && sigismember(&old, SIGTERM));
  count = 0;
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_IGN); /* forgets it */
  set(SIGUSR1, simple, 0);
  sigemptyset(&set1);
  CHECK(sigprocmask(SIG_SETMASK, &set1, NULL) == 0);
  CHECK(count == 0);
  FAILS(sigprocmask(77, &set1, NULL), EINVAL);
}

static void nest(int signal) {
  depth++;
  if (depth > max_depth) max_depth = depth;
  if (depth < 4 && count < 4) raise(signal);
  count++;
  depth--;
}

static void during(int signal) {
  sigset_t now;
  (void)signal;
  sigprocmask(SIG_SETMASK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2) && !sigismember(&now, SIGTERM));
  raise(SIGUSR2);
  CHECK(last != SIGUSR2);
  count++;
}

static void test_nesting(void) {
  count = max_depth = 0;
  set(SIGUSR1, nest, 0);
  raise(SIGUSR1);
  CHECK(max_depth == 1 && count == 5); /* each is taken when the one before returns */
  count = max_depth = 0;
  set(SIGUSR1, nest, SA_NODEFER);
  raise(SIGUSR1);
  CHECK(max_depth == 4 && count == 4);
  struct sigaction action = {.sa_flags = 0};
  action.sa_handler = during;
  sigaddset(&action.sa_mask, SIGUSR2);
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  set(SIGUSR2, simple, 0);
  count = last = 0;
  raise(SIGUSR1);
  CHECK(count == 2 && last == SIGUSR2);
}

static int order[8], orders;
static void note(int signal, siginfo_t *si, void *context) {
  (void)context;
  order[orders++] = signal * 100 + si->si_value.sival_int;
}

static void test_siginfo(void) {
  set_info(SIGUSR1, keep, 0);
  kill(getpid(), SIGUSR1);
  CHECK(info.si_signo == SIGUSR1 && info.si_code == SI_USER && info.si_pid == getpid() && info.si_uid == getuid());
  raise(SIGUSR1);
  CHECK(info.si_code == SI_TKILL && info.si_pid == getpid());
  union sigval value = {.sival_ptr = (void *)0x123456789abcdef0};
  CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);
  CHECK(info.si_code == SI_QUEUE && info.si_value.sival_ptr == value.sival_ptr && info.si_pid == getpid());
  /* Real-time signals queue, keep their order, and come lowest number first. */
  sigset_t block;
  sigemptyset(&block);
  sigaddset(&block, SIGRTMIN);
  sigaddset(&block, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = note;
  action.sa_mask = block;
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGRTMIN + 1, &action, NULL);
  for (int i = 1; i <= 2; i++) {
    value.sival_int = i;
    CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
    CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
  }
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  CHECK(orders == 4);
  /* Both are deliverable at once: frames are pushed in order of number, so handlers run in the reverse one... unless masked, as here. */
  CHECK(order[0] == SIGRTMIN * 100 + 1 && order[1] == SIGRTMIN * 100 + 2);
  CHECK(order[2] == (SIGRTMIN + 1) * 100 + 1 && order[3] == (SIGRTMIN + 1) * 100 + 2);
  FAILS(kill(getpid(), 65), EINVAL);
  FAILS(kill(999999, 0), ESRCH);
  CHECK(kill(getpid(), 0) == 0);
  FAILS(syscall(SYS_tgkill, getpid(), 999999, 0), ESRCH);
  FAILS(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
  CHECK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) == 0);
}

static pthread_t main_thread;
static void *poke(void *arg) {
  usleep(20000);
  pthread_kill(main_thread, (int)(long)arg);
  return NULL;
}

static void *queue_later(void *arg) {
  usleep(20000);
  union sigval value = {.sival_int = 42};
  sigqueue(getpid(), (int)(long)arg, value);
  return NULL;
}

static void *write_later(void *arg) {
  usleep(20000);
  pthread_kill(main_thread, SIGUSR1);
  usleep(20000);
  CHECK(write((int)(long)arg, "x", 1) == 1);
  return NULL;
}

static void later(void *(*body)(void *), long arg) {
  pthread_t t;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  CHECK(pthread_create(&t, NULL, body, (void *)arg) == 0);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_detach(t);
}

static void test_waiting(void) {
  main_thread = pthread_self();
  set(SIGUSR1, simple, 0);
  count = 0;
  later(poke, SIGUSR1);
  FAILS(pause(), EINTR);
  CHECK(count == 1);
  /* sigsuspend: the signal is blocked before and after, and taken in between. */
  sigset_t block, old, now;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, &old);
  raise(SIGUSR1);
  CHECK(count == 1);
  FAILS(sigsuspend(&old), EINTR);
  CHECK(count == 2);
  sigprocmask(SIG_SETMASK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR1));
  later(poke, SIGUSR1);
  FAILS(sigsuspend(&old), EINTR);
  CHECK(count == 3);
  /* sigwaitinfo and sigtimedwait take it without the handler. */
  siginfo_t si;
  raise(SIGUSR1);
  CHECK(sigwaitinfo(&block, &si) == SIGUSR1 && si.si_pid == getpid());
  later(queue_later, SIGUSR1);
  CHECK(sigwaitinfo(&block, &si) == SIGUSR1 && si.si_code == SI_QUEUE && si.si_value.sival_int == 42);
  /* One that is not blocked is its result all the same, and the handler does not run. */
  sigprocmask(SIG_SETMASK, &old, NULL);
  later(poke, SIGUSR1);
  CHECK(sigwaitinfo(&block, &si) == SIGUSR1 && count == 3);
  sigprocmask(SIG_BLOCK, &block, NULL);
  struct timespec timeout = {0, 10000000};
  FAILS(sigtimedwait(&block, &si, &timeout), EAGAIN);
  timeout.tv_nsec = -1;
  FAILS(sigtimedwait(&block, &si, &timeout), EINVAL);
  set(SIGUSR2, simple, SA_RESTART);
  later(poke, SIGUSR2);
  FAILS(sigtimedwait(&block, NULL, NULL), EINTR);
  CHECK(count == 4);
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_interruption(void) {
  int fds[2];
  char byte;
  CHECK(pipe(fds) == 0);
  set(SIGUSR1, simple, 0);
  count = 0;
  later(write_later, fds[1]);
  FAILS(read(fds[0], &byte, 1), EINTR);
  CHECK(count == 1);
  CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
  set(SIGUSR1, simple, SA_RESTART);
  later(write_later, fds[1]);
  CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
  CHECK(count == 2);
  /* Sleeping is never restarted, but tells what is left. */
  struct timespec sleep = {5, 0}, left = {0, 0};
  later(poke, SIGUSR1);
  FAILS(nanosleep(&sleep, &left), EINTR);
  CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
  later(poke, SIGUSR1);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &sleep, &left) == EINTR);
  CHECK(left.tv_sec == 4);
  /* An ignored signal interrupts nothing. */
  signal(SIGUSR1, SIG_IGN);
  sleep = (struct timespec){0, 60000000};
  later(poke, SIGUSR1);
  CHECK(nanosleep(&sleep, NULL) == 0);
  close(fds[0]);
  set(SIGPIPE, simple, 0);
  count = 0;
  FAILS(write(fds[1], "x", 1), EPIPE);
  CHECK(count == 1 && last == SIGPIPE);
}

/* A signal for the process goes to a thread that does not block it. */
static volatile pthread_t taker;
static void take(int signal) {
  (void)signal;
  taker = pthread_self();
  count++;
}
static volatile int stop;
static void *open_thread(void *arg) {
  sigset_t set1;
  sigemptyset(&set1);
  sigaddset(&set1, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set1, NULL);
  while (!stop) usleep(1000);
  return arg;
}

static void test_threads(void) {
  pthread_t t;
  sigset_t block;
  set(SIGUSR1, take, 0);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &block, NULL);
  CHECK(pthread_create(&t, NULL, open_thread, NULL) == 0);
  usleep(5000);
  count = 0;
  kill(getpid(), SIGUSR1);
  while (count == 0) usleep(1000);
  CHECK(pthread_equal(taker, t));
  stop = 1;
  pthread_join(t, NULL);
  pthread_sigmask(SIG_UNBLOCK, &block, NULL);
}

int main(void) {
  test_actions();
  test_masks();
  test_nesting();
  test_siginfo();
  test_waiting();
  test_interruption();
  test_threads();
  puts("signals: ok");
  return 0;
}
