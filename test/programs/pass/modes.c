/* MXCSR: roundings, flushed denormals, exception flags, unmasked exceptions; each thread has its own, and handlers start with the default. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#include "check.h"

#define DEFAULT 0x1f80u
#define DAZ 0x40u
#define FTZ 0x8000u
#define DOWN 0x2000u
#define UP 0x4000u
#define ZERO 0x6000u
enum { INVALID = 1, DENORMAL = 2, DIVIDE = 4, OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 };

/* The operation happens exactly where it stands: the compiler moves it neither over a change of MXCSR nor to compile time. */
#define OPERATION(name, type, expression)                       \
  static inline __attribute__((always_inline)) type name(type a, type b) { \
    type r;                                                     \
    __asm__ volatile("" : "+x"(a), "+x"(b));                    \
    r = (expression);                                           \
    __asm__ volatile("" : "+x"(r));                             \
    return r;                                                   \
  }
OPERATION(add, double, a + b)
OPERATION(multiply, double, a *b)
OPERATION(divide, double, a / b)
OPERATION(dividef, float, a / b)

static unsigned get(void) {
  unsigned csr;
  __asm__ volatile("stmxcsr %0" : "=m"(csr));
  return csr;
}
static unsigned flags(void) { return get() & 0x3f; }
static void set(unsigned csr) { __asm__ volatile("ldmxcsr %0" : : "m"(csr)); }

static int integer(double x, int truncate) {
  int r;
  if (truncate) __asm__ volatile("cvttsd2si %1, %0" : "=r"(r) : "x"(x));
  else __asm__ volatile("cvtsd2si %1, %0" : "=r"(r) : "x"(x));
  return r;
}

static int less(double a, double b) {
  char r;
  __asm__ volatile("comisd %2, %1; seta %0" : "=r"(r) : "x"(b), "x"(a) : "cc");
  return r;
}

static int equal(double a, double b) {
  char r, ordered;
  __asm__ volatile("ucomisd %3, %2; sete %0; setnp %1" : "=r"(r), "=r"(ordered) : "x"(b), "x"(a) : "cc");
  return r & ordered;
}

static void test_roundings(void) {
  double nearest = divide(1, 3);
  set(DEFAULT | DOWN);
  double down = divide(1, 3);
  float downf = dividef(1, 3);
  CHECK(integer(-0.5, 0) == -1 && integer(-0.5, 1) == 0);
  set(DEFAULT | UP);
  double up = divide(1, 3);
  float upf = dividef(1, 3);
  CHECK(integer(0.5, 0) == 1 && integer(-1.5, 0) == -1);
  set(DEFAULT | ZERO);
  double toward = divide(-1, 3), largest = multiply(1e308, 1e308);
  set(DEFAULT);
  CHECK(down < up && downf < upf && toward == -down && (nearest == down || nearest == up));
  CHECK(largest < __builtin_inf() && largest > 1.7e308 && divide(1, 3) == nearest);
}

static void test_denormals(void) {
  double small = divide(3e-308, 100);
  CHECK(small > 0 && multiply(small, 100) > 2.9e-308);
  set(DEFAULT | FTZ);
  CHECK(equal(divide(3e-308, 100), 0) && dividef(2e-38f, 100) == 0 && multiply(small, 100) > 0);
  set(DEFAULT | DAZ);
  CHECK(multiply(small, 100) == 0 && equal(small, 0) && !less(0, small));
  double kept = divide(3e-308, 100);
  set(DEFAULT | FTZ | DAZ);
  double sum = 0;
  for (int i = 1; i < 1000; i++) sum = add(sum, add(divide(divide(1e-306, i), 1000), 0.5));
  CHECK(sum == 499.5);
  set(DEFAULT);
  CHECK(kept == small && divide(3e-308, 100) == small);
}

static void test_flags(void) {
  set(DEFAULT), divide(1, 3);
  CHECK(flags() == INEXACT);
  set(DEFAULT), add(1, 1);
  CHECK(flags() == 0);
  divide(1, 0);
  CHECK(flags() == DIVIDE);
  double nan = divide(0, 0);
  CHECK(flags() == (DIVIDE | INVALID));
  set(DEFAULT), multiply(1e308, 1e308);
  CHECK(flags() == (OVERFLOW | INEXACT));
  set(DEFAULT), multiply(3e-308, 3e-308);
  CHECK(flags() == (UNDERFLOW | INEXACT));
  set(DEFAULT), add(divide(3e-308, 4), 1);
  CHECK((flags() & DENORMAL) != 0);
  set(DEFAULT);
  CHECK(integer(1e308, 1) == (int)0x80000000 && flags() == INVALID);
  set(DEFAULT);
  CHECK(!equal(nan, 1) && flags() == 0 && !less(nan, 1) && flags() == INVALID);
  set(DEFAULT | INEXACT), add(1, 1);
  CHECK(flags() == INEXACT);
  set(DEFAULT);
}

static volatile int code;
static volatile unsigned inside;

static void handler(int number, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  (void)number;
  code = info->si_code;
  inside = get();
  /* Masks everything again for the code that raised the exception, and lets it try again. */
  uc->uc_mcontext.fpregs->mxcsr |= DEFAULT;
}

static void test_signals(void) {
  static const struct {
    unsigned mask;
    int code;
  } cases[] = {{INVALID, FPE_FLTINV}, {DIVIDE, FPE_FLTDIV}, {OVERFLOW, FPE_FLTOVF}, {UNDERFLOW, FPE_FLTUND}, {INEXACT, FPE_FLTRES}};
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = handler;
  CHECK(sigaction(SIGFPE, &action, NULL) == 0);
  for (int i = 0; i < 5; i++) {
    code = 0;
    set(DEFAULT & ~(cases[i].mask << 7));
    add(1, 1);
    CHECK(code == 0);
    if (i == 0) divide(0, 0);
    if (i == 1) divide(1, 0);
    if (i == 2) multiply(1e308, 1e308);
    if (i == 3) multiply(3e-308, 3e-308);
    if (i == 4) divide(1, 3);
    CHECK(code == cases[i].code && inside == DEFAULT);
    CHECK((flags() & cases[i].mask) != 0 && (get() & DEFAULT) == DEFAULT);
  }
  set(DEFAULT);
}

static void *thread(void *expected) {
  CHECK((get() & ~0x3fu) == *(unsigned *)expected);
  set(DEFAULT | UP);
  double up = divide(1, 3);
  for (int i = 0; i < 20000; i++) CHECK(divide(1, 3) == up);
  set(DEFAULT | DOWN);
  CHECK(divide(1, 3) < up);
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
  double nearest = divide(1, 3);
  for (int i = 0; i < 20000; i++) CHECK(divide(1, 3) == nearest);
  for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* A function that changes the rounding in the middle. */
static __attribute__((noinline)) double between(double x, unsigned csr) {
  double a = divide(x, 3);
  set(csr);
  return a - divide(x, 3);
}

static void test_calls(void) {
  for (int i = 0; i < 200; i++) {
    set(DEFAULT);
    CHECK(between(1, DEFAULT) == 0);
    CHECK(between(1, DEFAULT | UP) < 0);
    set(DEFAULT);
    CHECK(between(-1, DEFAULT | UP) == 0 || between(1, DEFAULT | DOWN) > 0);
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
