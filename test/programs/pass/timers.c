/* Clocks and timers: sleeping, interval timers, POSIX timers, alarm, CPU time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static volatile sig_atomic_t ticks;
static volatile int value, overruns;
static void tick(int signal) {
  (void)signal;
  ticks++;
}
static void tick_info(int signal, siginfo_t *si, void *context) {
  (void)signal, (void)context;
  if (si->si_code == SI_TIMER) value = si->si_value.sival_int, overruns = si->si_overrun > overruns ? si->si_overrun : overruns;
  ticks++;
}

static double now(clockid_t clock) {
  struct timespec ts;
  CHECK(clock_gettime(clock, &ts) == 0 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void test_clocks(void) {
  clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_TAI};
  struct timespec ts;
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    double first = now(clocks[i]);
    CHECK(now(clocks[i]) >= first);
    CHECK(clock_getres(clocks[i], &ts) == 0 && ts.tv_sec == 0);
  }
  FAILS(clock_gettime(77, &ts), EINVAL);
  struct timeval tv;
  time_t t = time(NULL);
  CHECK(gettimeofday(&tv, NULL) == 0 && tv.tv_sec >= t && tv.tv_sec <= t + 5 && tv.tv_usec < 1000000);
  CHECK(t > 1600000000);
  double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
  for (volatile int i = 0; i < 1000000; i++) {}
  CHECK(now(CLOCK_PROCESS_CPUTIME_ID) > cpu);
  clockid_t mine;
  CHECK(pthread_getcpuclockid(pthread_self(), &mine) == 0 && now(mine) > 0);
  CHECK(clock_getcpuclockid(0, &mine) == 0 && now(mine) > 0);
  struct tms tms;
  CHECK(times(&tms) != (clock_t)-1);
}

static void test_sleep(void) {
  double start = now(CLOCK_MONOTONIC);
  struct timespec ts = {0, 30000000};
  CHECK(nanosleep(&ts, NULL) == 0);
  CHECK(now(CLOCK_MONOTONIC) - start >= 0.03);
  clock_gettime(CLOCK_MONOTONIC, &ts);
  ts.tv_sec += 1;
  start = now(CLOCK_MONOTONIC);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
  CHECK(now(CLOCK_MONOTONIC) - start >= 0.9);
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0); /* past */
  clock_gettime(CLOCK_REALTIME, &ts);
  CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0);
  CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL) == EINVAL);
  ts.tv_nsec = 1000000000;
  FAILS(nanosleep(&ts, NULL), EINVAL);
}

static void test_interval(void) {
  struct sigaction action = {.sa_flags = 0};
  action.sa_handler = tick;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  sigaction(SIGPROF, &action, NULL);
  struct itimerval timer = {{0, 10000}, {0, 5000}}, old;
  CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
  CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 10000 && old.it_value.tv_usec <= 5000 && old.it_value.tv_usec > 0);
  while (ticks < 5) pause();
  memset(&timer, 0, sizeof timer);
  CHECK(setitimer(ITIMER_REAL, &timer, &old) == 0 && old.it_interval.tv_usec == 10000);
  CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_usec == 0);
  ticks = 0;
  CHECK(alarm(100) == 0);
  unsigned left = alarm(1);
  CHECK(left == 100 || left == 99);
  FAILS(pause(), EINTR);
  CHECK(ticks == 1 && alarm(0) == 0);
  for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
    ticks = 0;
    timer = (struct itimerval){{0, 2000}, {0, 2000}};
    CHECK(setitimer(which, &timer, NULL) == 0);
    while (ticks < 3) {}
    memset(&timer, 0, sizeof timer);
    CHECK(setitimer(which, &timer, NULL) == 0);
  }
  FAILS(setitimer(7, &timer, NULL), EINVAL);
}

static volatile int thread_ran;
static void in_thread(union sigval v) { thread_ran = v.sival_int; }

static void test_posix(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = tick_info;
  sigaction(SIGUSR1, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  event.sigev_value.sival_int = 77;
  timer_t timer;
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  struct itimerspec spec = {{0, 10000000}, {0, 10000000}}, left;
  ticks = 0;
  CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
  CHECK(timer_gettime(timer, &left) == 0 && left.it_interval.tv_nsec == 10000000 && left.it_value.tv_nsec <= 10000000);
  while (ticks < 3) pause();
  CHECK(value == 77);
  /* Expirations while the signal is blocked become overruns of one signal. */
  sigset_t block;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  struct timespec wait = {0, 95000000};
  nanosleep(&wait, NULL);
  spec = (struct itimerspec){{0, 0}, {0, 0}};
  ticks = 0;
  sigprocmask(SIG_UNBLOCK, &block, NULL);
  CHECK(ticks >= 1 && overruns >= 7);
  CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
  CHECK(timer_delete(timer) == 0);
  struct sigevent thread = {.sigev_notify = SIGEV_THREAD};
  thread.sigev_notify_function = in_thread;
  thread.sigev_value.sival_int = 5;
  CHECK(timer_create(CLOCK_REALTIME, &thread, &timer) == 0);
  spec = (struct itimerspec){{0, 0}, {0, 5000000}};
  CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
  while (!thread_ran) usleep(1000);
  CHECK(thread_ran == 5 && timer_delete(timer) == 0);
}

int main(void) {
  test_clocks();
  test_sleep();
  test_interval();
  test_posix();
  puts("timers: ok");
  return 0;
}
