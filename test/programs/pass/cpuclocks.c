/* CPU time as a clock: timers on it for the process and for threads, sleeping on it, SIGXCPU, and what prctl keeps. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static volatile sig_atomic_t ticks;
static volatile int stop;
static void tick(int signal) { (void)signal, ticks++; }

static void *burn(void *clock) {
  if (clock != NULL) CHECK(pthread_getcpuclockid(pthread_self(), clock) == 0);
  while (!stop) {}
  return NULL;
}

static long now(clockid_t clock) {
  struct timespec ts;
  CHECK(clock_gettime(clock, &ts) == 0);
  return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void timer_on(clockid_t clock, int repeat) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_t timer;
  CHECK(timer_create(clock, &event, &timer) == 0);
  struct itimerspec spec = {{0, repeat ? 3000000 : 0}, {0, 3000000}}, old;
  ticks = 0;
  CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
  CHECK(timer_gettime(timer, &old) == 0 && (old.it_value.tv_nsec > 0 || ticks > 0) && old.it_value.tv_sec == 0);
  long start = now(clock);
  while (ticks < (repeat ? 3 : 1)) {}
  CHECK(now(clock) - start < 2000000000);
  CHECK(timer_delete(timer) == 0);
  FAILS(timer_gettime(timer, &old), EINVAL);
}

int main(void) {
  struct sigaction action = {.sa_handler = tick};
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGXCPU, &action, NULL);
  timer_on(CLOCK_PROCESS_CPUTIME_ID, 0);
  timer_on(CLOCK_PROCESS_CPUTIME_ID, 1);
  timer_on(CLOCK_THREAD_CPUTIME_ID, 1);
  /* Asleep while others use the time. */
  pthread_t thread;
  clockid_t theirs = 0;
  CHECK(pthread_create(&thread, NULL, burn, &theirs) == 0);
  struct timespec wait = {0, 5000000};
  long before = now(CLOCK_PROCESS_CPUTIME_ID);
  CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &wait, NULL) == 0);
  CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - before >= 5000000);
  CHECK(theirs != 0);
  before = now(theirs);
  CHECK(clock_nanosleep(theirs, 0, &wait, NULL) == 0);
  CHECK(now(theirs) - before >= 5000000);
  stop = 1;
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &wait, NULL) != 0);
  wait.tv_sec = 0, wait.tv_nsec = 1;
  CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &wait, NULL) == 0);
  /* The limit on CPU time. */
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit limit = {1, 2};
    CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
    ticks = 0;
    while (ticks < 1) {}
    write(1, "xcpu\n", 5);
    for (;;) {}
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 && prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
  FAILS(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
  CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
  puts("cpuclocks: ok");
  return 0;
}
