/* What depends on undefined values. Lines that do say how: memcheck reports the same lines, and a few more. */
#define _GNU_SOURCE
#include <emmintrin.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int hits;
static volatile int table[16];
static sigjmp_buf back;

#define TOUCH(x) __asm__ volatile("" : "+m"(x))

static void handler(int signal) {
  hits += signal;
}

__attribute__((noinline)) static int frame(int which) {
  int local[20];
  TOUCH(local);
  if (which) local[3] = which;
  return local[3] + which;
}

__attribute__((noinline)) static void fill(int value) {
  int local[20];
  for (int i = 0; i < 20; i++) local[i] = value;
  TOUCH(local);
}

__attribute__((noinline)) static void integers(unsigned *u) {
  if (u[0]) hits++; /* jump */
  if (u[1] & 0xff00) hits++; /* jump */
  if ((u[1] | 1) == 0) hits++;
  if ((u[1] & 0) == 0) hits++;
  if ((u[1] ^ u[1]) != 0) hits++;
  unsigned char *bytes = (unsigned char *)&u[2];
  bytes[0] = 5;
  if (bytes[0] == 5) hits++;
  if (u[2] == 7) hits++;
  if ((u[2] & 0xff) + 3 == 8) hits++;
  if ((u[2] << 24) == 5u << 24) hits++;
  if ((int)(u[2] << 24) < 0) hits++;
  if (u[2] + 3 > 100) hits++; /* jump */
  bytes[3] = 0;
  if (u[2] > 0x2000000) hits++; /* memcheck alone */
  if (u[2] > 0x1000) hits++; /* jump */
  if (__builtin_ctz(u[2]) == 0) hits++;
  if (u[2] * 4 & 3) hits++;
  if (u[2] * 5 & 0x100) hits++; /* jump */
  if (u[3] / 7 == 1) hits++; /* jump */
  hits += table[u[4] & 15]; /* address */
  hits += table[u[2] & 15];
}

__attribute__((noinline)) static void stack(void) {
  fill(7);
  if (frame(0)) hits++; /* jump */
  fill(7);
  if (frame(1)) hits++;
  int size = 50 + hits * 0;
  int variable[size];
  TOUCH(variable);
  if (variable[17]) hits++; /* jump */
}

__attribute__((noinline)) static void floating(double *d, float *f) {
  if (d[0] > 2.5) hits++; /* jump */
  d[1] = 1.5;
  if (d[1] > 2.5) hits++;
  if ((float)d[2] > 1) hits++; /* jump */
  f[0] = 1;
  f[2] = 3;
  if (f[0] + f[2] > 2) hits++;
  if (f[0] + f[1] > 2) hits++; /* jump */
}

__attribute__((noinline)) static void vectors(unsigned char *p) {
  memset(p, 1, 8);
  p[5] = 0;
  __m128i v = _mm_loadu_si128((__m128i *)p);
  int zeros = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128()));
  if (zeros & 0xff) hits++;
  if (zeros & 0x8000) hits++; /* jump */
  if (zeros) hits++;
  if (__builtin_ctz(zeros) == 5) hits++; /* memcheck alone */
  if (_mm_movemask_epi8(_mm_min_epu8(v, _mm_setzero_si128()))) hits++; /* memcheck alone */
  v = _mm_shuffle_epi32(v, 0);
  if (_mm_cvtsi128_si32(v) == 0x01010101) hits++;
  if (_mm_extract_epi16(v, 7) == 0x0101) hits++;
}

__attribute__((noinline)) static void strings(char *s) {
  strcpy(s, "ab");
  if (strlen(s) == 2) hits++;
  if (strcmp(s, "ab") == 0) hits++;
  if (strchr(s, 'c') != NULL) hits++;
  if (strrchr(s, 'b') != s + 1) hits++;
  if (memchr(s, 'b', 3) == NULL) hits++;
  if (strnlen(s, 30) == 2) hits++;
  if (memcmp(s, "ab", 3) == 0) hits++;
  char copy[32];
  memcpy(copy, s, 32);
  if (strcmp(copy, "ab") == 0) hits++;
  if (copy[2]) hits++;
  if (copy[3]) hits++; /* jump */
}

struct padded {
  char c;
  int i;
};

__attribute__((noinline)) static void library(char *s, char *t) {
  struct padded one, copy;
  TOUCH(one);
  one.c = 1;
  one.i = 2;
  memcpy(&copy, &one, sizeof one);
  if (memcmp(&one, &copy, sizeof one) == 1) hits++; /* jump */
  memset(t, 1, 39);
  memcpy(s, t, 40);
  if (memcmp(s, t, 39) == 0) hits++;
  if (memcmp(s, t, 40) == 1) hits++; /* jump */
  if (strlen(s + 39) == 7) hits++; /* jump */
  if (strchr(s + 38, 3) == s) hits++; /* jump */
  s[39] = 0;
  if (strlen(s) == 39) hits++;
  if (strchr(s, 3) == s) hits++;
}

__attribute__((noinline)) static void calls(char *p) {
  int null = open("/dev/null", O_RDWR);
  int zero = open("/dev/zero", O_RDONLY);
  memset(p, 'x', 10);
  hits += write(null, p, 10);
  hits += write(null, p, 11); /* write */
  struct padded s;
  TOUCH(s);
  s.c = 1;
  s.i = 2;
  hits += write(null, &s, sizeof s); /* write */
  hits += read(zero, p, 20);
  if (p[19]) hits++;
  if (p[20]) hits++; /* jump */
  int closed = close(*(int *)(p + 24)); /* close */
  if (closed) hits++;
}

__attribute__((noinline)) static void interrupted(unsigned char *p) {
  signal(SIGUSR1, handler);
  register unsigned long value __asm__("rbx") = *p;
  __asm__ volatile("" : "+r"(value));
  raise(SIGUSR1);
  if (value & 0x100) hits++;
  if (value & 0x10) hits++; /* jump */
  if (sigsetjmp(back, 1) == 0) siglongjmp(back, 1);
}

__attribute__((noinline)) static void moved(void) {
  char *p = malloc(100);
  memset(p, 1, 50);
  char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (q[100]) hits++;
  memcpy(q, p, 100);
  q = mremap(q, 8192, 1 << 20, MREMAP_MAYMOVE);
  if (q[49]) hits++;
  if (q[50]) hits++; /* jump */
  if (q[9000]) hits++;
  p = realloc(p, 5000);
  if (p[49]) hits++;
  if (p[99]) hits++; /* jump */
  if (p[100]) hits++; /* jump */
  char *c = calloc(5, 20);
  if (c[99]) hits++;
}

__attribute__((noinline)) static void forked(char *p) {
  p[0] = 1;
  pid_t child = fork();
  if (child == 0) {
    if (p[0]) hits++;
    if (p[1]) hits++; /* jump */
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void *thread(void *argument) {
  int local[60];
  TOUCH(local);
  if (local[3]) hits++; /* jump */
  local[4] = 0;
  if (local[4]) hits++;
  return argument;
}

static void threaded(void) {
  pthread_t other;
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
}

int main(void) {
  integers(malloc(40));
  stack();
  floating(malloc(40), malloc(40));
  vectors(malloc(16));
  strings(malloc(32));
  library(malloc(40), malloc(40));
  calls(malloc(40));
  interrupted(malloc(1));
  moved();
  forked(malloc(2));
  threaded();
  return 0;
}
