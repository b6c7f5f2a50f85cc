/* RDTSCP, RDPID and getcpu name the same processor, whichever one a thread or process is allowed to run on. */
#define _GNU_SOURCE
#include "check.h"
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int hasRdpid(void) {
  unsigned a, b, c, d;
  __cpuid_count(7, 0, a, b, c, d);
  return c >> 22 & 1;
}

static void agree(int expected) {
  unsigned cpu = ~0u, node = ~0u, low, high, aux;
  CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0);
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
  CHECK(cpu == (unsigned)expected && (aux & 0xfff) == cpu && aux >> 12 == node);
  CHECK(sched_getcpu() == expected);
  if (hasRdpid()) {
    unsigned long number;
    __asm__ volatile("rdpid %0" : "=r"(number));
    CHECK(number == aux);
  }
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
  agree(cpu);
}

static void *thread(void *cpu) {
  agree((int)(long)cpu);
  return NULL;
}

int main(void) {
  for (int cpu = 1; cpu >= 0; cpu--) {
    pin(cpu);
    pthread_t other;
    CHECK(pthread_create(&other, NULL, thread, (void *)(long)cpu) == 0);
    CHECK(pthread_join(other, NULL) == 0);
  }
  pin(1);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    agree(1);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  puts("processor-number: ok");
  return 0;
}
