/* Control that leaves functions sideways: setjmp and longjmp, out of handlers too, contexts with stacks of their own, and exit handlers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "check.h"

static jmp_buf plain;
static sigjmp_buf with_mask;

static void __attribute__((noinline)) deep(int levels) {
  volatile char frame[256];
  frame[0] = (char)levels;
  if (levels == 0) longjmp(plain, 42);
  if (levels > 0) deep(levels - 1);
  frame[1] = frame[0];
}

static void test_jumps(void) {
  volatile int rounds = 0;
  for (volatile int i = 0; i < 1000; i++) {
    int result = setjmp(plain);
    if (result == 0) deep(i % 50);
    CHECK(result == 42);
    rounds++;
  }
  CHECK(rounds == 1000);
  volatile int zero_result = -1;
  if ((zero_result = setjmp(plain)) == 0) longjmp(plain, 0);
  CHECK(zero_result == 1);
}

static void handler(int signal) {
  (void)signal;
  siglongjmp(with_mask, 7);
}

static void test_handler(void) {
  signal(SIGUSR1, handler);
  for (int i = 0; i < 50; i++) {
    int result = sigsetjmp(with_mask, 1);
    if (result == 0) {
      raise(SIGUSR1);
      CHECK(!"the handler returned");
    }
    CHECK(result == 7);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(!sigismember(&now, SIGUSR1));
  }
}

static ucontext_t main_context, contexts[3];
static int trace[64], traced;

static void coroutine(int id) {
  volatile double sum = id;
  for (int i = 0; i < 5; i++) {
    trace[traced++] = id * 10 + i;
    sum += 0.5;
    CHECK(swapcontext(&contexts[id], &contexts[(id + 1) % 3]) == 0);
  }
  CHECK(sum == id + 2.5);
}

static void test_contexts(void) {
  for (volatile int i = 0; i < 3; i++) {
    CHECK(getcontext(&contexts[i]) == 0);
    contexts[i].uc_stack.ss_size = 65536;
    contexts[i].uc_stack.ss_sp = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    contexts[i].uc_link = i < 2 ? &contexts[i + 1] : &main_context;
    makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
  }
  CHECK(swapcontext(&main_context, &contexts[0]) == 0);
  CHECK(traced == 15);
  for (int i = 0; i < 15; i++) CHECK(trace[i] == i % 3 * 10 + i / 3);
}

static void *thread_jump(void *arg) {
  jmp_buf here;
  volatile long count = 0;
  for (volatile int i = 0; i < 200; i++)
    if (setjmp(here) == 0) longjmp(here, 1);
    else count++;
  CHECK(count == 200);
  return arg;
}

static void first(void) { puts("jumps: first registered, last run"); }
static void second(void) { puts("jumps: second"); }

int main(void) {
  test_jumps();
  test_handler();
  test_contexts();
  pthread_t t[4];
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, thread_jump, NULL) == 0);
  for (int i = 0; i < 4; i++) CHECK(pthread_join(t[i], NULL) == 0);
  atexit(first);
  atexit(second);
  puts("jumps: ok");
  exit(0);
}
