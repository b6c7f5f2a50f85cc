/* Who a thread is and where it may run: ids, names, affinity, priorities, scheduling classes, prctl, arch_prctl. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "check.h"

static pid_t main_tid;
static void *body(void *arg) {
  pid_t tid = (pid_t)syscall(SYS_gettid);
  CHECK(tid != main_tid && tid > 0);
  CHECK(getpid() == main_tid);
  return arg;
}

static void test_affinity(void) {
  cpu_set_t set, old;
  CHECK(sched_getaffinity(0, sizeof old, &old) == 0);
  int cpus = CPU_COUNT(&old);
  CHECK(cpus >= 1 && sysconf(_SC_NPROCESSORS_ONLN) >= 1);
  int one = 0;
  while (!CPU_ISSET(one, &old)) one++;
  CPU_ZERO(&set);
  CPU_SET(one, &set);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
  CHECK(sched_getcpu() == one);
  CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1);
  CPU_ZERO(&set);
  FAILS(sched_setaffinity(0, sizeof set, &set), EINVAL);
  CHECK(sched_setaffinity(0, sizeof old, &old) == 0);
  FAILS(syscall(SYS_sched_getaffinity, 0, 3, &set), EINVAL);
  FAILS(sched_getaffinity(999999, sizeof set, &set), ESRCH);
  unsigned cpu = 99, node = 99;
  CHECK(getcpu(&cpu, &node) == 0 && cpu < 4096 && node < 64);
}

static void test_scheduling(void) {
  struct sched_param param;
  /* Whoever starts this may have another class or be nice. */
  param.sched_priority = 0;
  CHECK(sched_setscheduler(0, SCHED_OTHER, &param) == 0 && sched_getscheduler(0) == SCHED_OTHER);
  CHECK(sched_getparam(0, &param) == 0 && param.sched_priority == 0);
  CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1 && sched_get_priority_max(SCHED_OTHER) == 0);
  FAILS(sched_get_priority_max(77), EINVAL);
  param.sched_priority = 5;
  FAILS(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
  param.sched_priority = 0;
  CHECK(sched_setscheduler(0, SCHED_BATCH, &param) == 0 && sched_getscheduler(0) == SCHED_BATCH);
  CHECK(sched_setscheduler(0, SCHED_OTHER, &param) == 0);
  errno = 0;
  CHECK(getpriority(PRIO_PROCESS, 0) < 18 && errno == 0);
  CHECK(setpriority(PRIO_PROCESS, 0, 18) == 0 && getpriority(PRIO_PROCESS, 0) == 18);
  CHECK(nice(1) == 19);
  FAILS(getpriority(9, 0), EINVAL);
  CHECK(sched_yield() == 0);
}

static void test_prctl(void) {
  char name[16];
  CHECK(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0);
  CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-name-that-is-") == 0);
  CHECK(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
  FAILS(prctl(PR_SET_DUMPABLE, 9), EINVAL);
  int signal = -1;
  CHECK(prctl(PR_SET_PDEATHSIG, 9) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 9);
  CHECK(prctl(PR_SET_TIMERSLACK, 12345) == 0 && prctl(PR_GET_TIMERSLACK) == 12345);
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  FAILS(prctl(123456), EINVAL);
  unsigned long base = 1, value = 77;
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0);
  CHECK(base == (unsigned long)pthread_self());
  CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &value) == 0);
  __asm__ volatile("movq %%gs:0, %0" : "=r"(base));
  CHECK(base == 77);
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 && base == (unsigned long)&value);
  FAILS(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63), EPERM);
  FAILS(syscall(SYS_arch_prctl, 1, 0), EINVAL);
}

int main(void) {
  main_tid = (pid_t)syscall(SYS_gettid);
  CHECK(getpid() == main_tid && getppid() >= 0 && getpgrp() == getpgid(0) && getsid(0) >= 0);
  pthread_t t;
  CHECK(pthread_create(&t, NULL, body, NULL) == 0 && pthread_join(t, NULL) == 0);
  FAILS(getpgid(999999), ESRCH);
  test_affinity();
  test_scheduling();
  test_prctl();
  puts("identity: ok");
  return 0;
}
