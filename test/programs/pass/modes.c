/* MXCSR: roundings, flushed denormals, exception flags, unmasked exceptions; each thread has its own, and handlers start with the default. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <xmmintrin.h>
#include "check.h"

#define DEFAULT 0x1f80u
#define DAZ 0x40u
#define FTZ 0x8000u
#define DOWN 0x2000u
#define UP 0x4000u
#define ZERO 0x6000u
enum { INVALID = 1, DENORMAL = 2, DIVIDE = 4, OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 };

static volatile double one = 1, three = 3, big = 1e308, tiny = 3e-308, zero = 0, half = 0.5;
static volatile float onef = 1, threef = 3, tinyf = 2e-38f;

static unsigned flags(void) { return _mm_getcsr() & 0x3f; }
static void set(unsigned csr) { _mm_setcsr(csr); }

static void test_roundings(void) {
  double down, up, toward, nearest = one / three;
  float downf, upf;
  set(DEFAULT | DOWN), down = one / three, downf = onef / threef;
  CHECK((int)(-half - one) == -1 && _mm_cvtsd_si32(_mm_set_sd(-half)) == -1);
  set(DEFAULT | UP), up = one / three, upf = onef / threef;
  CHECK(_mm_cvtsd_si32(_mm_set_sd(half)) == 1 && (float)16777217 == 16777218.0f);
  set(DEFAULT | ZERO), toward = -one / three;
  CHECK(big * big < 1.8e308 && big * big > 1e308);
  set(DEFAULT);
  CHECK(down < up && downf < upf && toward == -down && (nearest == down || nearest == up));
  CHECK(one / three == nearest);
}

static void test_denormals(void) {
  volatile double small = tiny / 100;
  CHECK(small > 0 && small * 100 > 2.9e-308);
  set(DEFAULT | FTZ);
  CHECK(tiny / 100 == 0 && tinyf / 100 == 0 && small * 100 > 0);
  set(DEFAULT | DAZ);
  CHECK(small * 100 == 0 && small == 0 && !(tiny / 100 != 0));
  set(DEFAULT | FTZ | DAZ);
  double sum = 0;
  for (int i = 1; i < 1000; i++) sum += one / i * tiny / 100 + half;
  CHECK(sum == 499.5);
  set(DEFAULT);
  CHECK(tiny / 100 == small && flags() == 0);
}

static void test_flags(void) {
  volatile double r;
  volatile int integer;
  set(DEFAULT), r = one / three;
  CHECK(flags() == INEXACT);
  set(DEFAULT), r = one + one;
  CHECK(flags() == 0);
  r = one / zero;
  CHECK(flags() == DIVIDE);
  r = zero / zero;
  CHECK(flags() == (DIVIDE | INVALID));
  set(DEFAULT), r = big * big;
  CHECK(flags() == (OVERFLOW | INEXACT));
  set(DEFAULT), r = tiny * tiny;
  CHECK(flags() == (UNDERFLOW | INEXACT));
  set(DEFAULT), r = tiny / 4, r = r + r;
  CHECK((flags() & DENORMAL) != 0);
  set(DEFAULT), integer = (int)(big * one);
  CHECK(flags() == INVALID && integer == (int)0x80000000);
  double nan = zero / zero;
  set(DEFAULT), integer = nan == one;
  CHECK(flags() == 0 && !integer);
  integer = nan < one;
  CHECK(flags() == INVALID && !integer);
  set(DEFAULT | INEXACT), r = one + one;
  CHECK(flags() == INEXACT);
  set(DEFAULT);
}

static sigjmp_buf back;
static int code;
static unsigned inside;

static void handler(int number, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  code = info->si_code;
  inside = _mm_getcsr();
  /* Masks everything again for the code that raised the exception, and lets it try again. */
  uc->uc_mcontext.fpregs->mxcsr |= DEFAULT;
}

static void test_signals(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = handler;
  CHECK(sigaction(SIGFPE, &action, NULL) == 0);
  static const struct { unsigned mask; int code; } cases[] = {
      {INVALID, FPE_FLTINV}, {DIVIDE, FPE_FLTDIV}, {OVERFLOW, FPE_FLTOVF}, {UNDERFLOW, FPE_FLTUND}, {INEXACT, FPE_FLTRES}};
  for (int i = 0; i < 5; i++) {
    volatile double r;
    code = 0;
    set(DEFAULT & ~(cases[i].mask << 7));
    r = one + one;
    CHECK(code == 0);
    if (i == 0) r = zero / zero;
    if (i == 1) r = one / zero;
    if (i == 2) r = big * big;
    if (i == 3) r = tiny * tiny;
    if (i == 4) r = one / three;
    CHECK(code == cases[i].code && inside == DEFAULT);
    CHECK((flags() & cases[i].mask) != 0 && (_mm_getcsr() & DEFAULT) == DEFAULT);
  }
  set(DEFAULT);
}

static void *thread(void *expected) {
  CHECK((_mm_getcsr() & ~0x3fu) == *(unsigned *)expected);
  set(DEFAULT | UP);
  double up = one / three;
  for (int i = 0; i < 20000; i++) CHECK(one / three == up);
  set(DEFAULT | DOWN);
  CHECK(one / three < up);
  return NULL;
}

static void test_threads(void) {
  pthread_t threads[3];
  unsigned modes[3] = {DEFAULT, DEFAULT | ZERO, DEFAULT | FTZ | DAZ};
  for (int i = 0; i < 3; i++) {
    set(modes[i]);
    CHECK(pthread_create(&threads[i], NULL, thread, &modes[i]) == 0);
  }
  set(DEFAULT);
  double nearest = one / three;
  for (int i = 0; i < 20000; i++) CHECK(one / three == nearest);
  for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* A function that changes the rounding in the middle, called with values in registers. */
static __attribute__((noinline)) double between(double x, unsigned csr) {
  double a = x / three;
  set(csr);
  return a - x / three;
}

static void test_calls(void) {
  for (int i = 0; i < 200; i++) {
    set(DEFAULT);
    CHECK(between(1, DEFAULT) == 0);
    CHECK(between(1, DEFAULT | UP) < 0);
    set(DEFAULT);
    CHECK(between(-1, DEFAULT | DOWN) > 0);
  }
  set(DEFAULT);
}

int main(void) {
  test_denormals();
  test_roundings();
  test_flags();
  test_signals();
  test_threads();
  test_calls();
  puts("modes: ok");
  return 0;
}
