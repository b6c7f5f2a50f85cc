/* Made by chance: every case does something wrong, and nothing where GOOD is defined. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <stdint.h>
#include <stddef.h>
#include <alloca.h>
#include <unistd.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <math.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/time.h>
#ifdef GOOD
#define B(b, g) g
#else
#define B(b, g) b
#endif
typedef struct two { int one; int two; } two;
typedef struct big { long a; char name[12]; short s; double d; } big;
typedef struct node { struct node *next; void *data; } node;
static volatile int five = 5, zero = 0; static int sink_count; volatile double dsink; volatile long lsink; static void *global_pointer; static int devnull;
#define USE(x) do { lsink += (long)(x); } while (0)
__attribute__((noinline)) static void note(const char *s) { sink_count += s[0] == 'x'; }
__attribute__((noinline)) static void *identity(void *p) { return p; }
__attribute__((noinline)) static void *va(int n, ...) { va_list l; va_start(l, n); void *p = va_arg(l, void *); va_end(l); return p; }
__attribute__((noinline)) static int num(int n) { return n + zero; }
static int from_env(int n) { const char *e = getenv("NO_SUCH_VARIABLE"); return e ? atoi(e) : n; }
static int from_text(int n) { char b[20]; snprintf(b, sizeof b, "%d", n); return atoi(b); }
static int from_socket(int n) { int v[2]; char b[20]; snprintf(b, sizeof b, "%d", n); if (socketpair(AF_UNIX, SOCK_STREAM, 0, v)) return n; if (write(v[0], b, strlen(b) + 1) < 0) return n; char c[20]; if (recv(v[1], c, 20, 0) <= 0) return n; close(v[0]); close(v[1]); return (int)strtol(c, 0, 10); }
static int from_file(int n) { FILE *f = tmpfile(); int r = -1; if (!f) return n; fprintf(f, "%d\n", n); rewind(f); char b[20]; if (fgets(b, sizeof b, f)) r = atoi(b); fclose(f); return r; }
static int from_rand(int n) { return n + (rand() & 0); }
static int from_pipe(int n) { int v[2]; if (pipe(v)) return n; if (write(v[1], &n, sizeof n) < 0) return n; int m; if (read(v[0], &m, sizeof m) < 0) return n; close(v[0]); close(v[1]); return m; }
__attribute__((noinline)) static void use0(int64_t x) {
  x = x + 1;
  if (x == 3) note("a");
}
__attribute__((noinline)) static void case0(void) {
  int64_t b[num(17)]; if (B(0, 1)) memset(b, 0, 17 * sizeof(int64_t));
  int64_t x = b[16];
  use0(x);
  
}
__attribute__((noinline)) static void sink1_0(char *q) {
  char s1b[90]; memset(s1b, 65, 26 - 1); s1b[26 - 1] = 0;q[0] = 65; q[1] = 0; strcat(q, s1b + 1);
}
__attribute__((noinline)) static void case1(void) {
  char *p0 = (char *)calloc(50, sizeof(char));
  memset(p0, 'A', 50 - 1); p0[50 - 1] = 0;
  char *p = p0 - B(1, 0);
  char **pp1 = &p; char ***ppp1 = &pp1; char *q = **ppp1;
  sink1_0(q);
  free(p0);
}
__attribute__((noinline)) static void use2(char x) {
  x = x >> 1;
  usleep((unsigned)x & 1);
}
__attribute__((noinline)) static void case2(void) {
  char *p = (char *)calloc(1, sizeof(char)); p = (char *)realloc(p, 3 * sizeof(char)); if (B(0, 1)) memset(p, 0, 3 * sizeof(char));
  static char *st2; st2 = p; char *q = st2;
  char x = q[2];
  use2(x);
  free(p);
}

__attribute__((noinline)) static void case3(void) {
  unsigned n = from_rand(B(0x40000002, 20));
  int *p = (int *)malloc((unsigned)(n * sizeof(int)));
  for (unsigned k = 0; k < 10; k++) p[k] = 0;
  free(p);
}

__attribute__((noinline)) static void case4(void) {
  wchar_t *p = (wchar_t *)calloc(4, sizeof(wchar_t));
  for (int k = 0; k < (int)(1); k++) p[k] = 7;
  node n4, m4; n4.next = &m4; m4.data = p; m4.next = NULL; n4.data = NULL; wchar_t *q = NULL; for (node *k = &n4; k; k = k->next) if (k->data) q = (wchar_t *)k->data;
  USE(q[0]);
  if (B(0, 1)) free(q);
  global_pointer = NULL;
}

__attribute__((noinline)) static void case5(void) {
  char *p = (char *)memalign(32, from_socket(B(4, 7)) * sizeof(char));
  memset(p, 'A', B(4, 7) - 1); p[B(4, 7) - 1] = 0;
  char *a5[5]; a5[2] = p; char *q = a5[num(2)];
  USE(strcasecmp(q, "aaaa"));
  free(p);
}

__attribute__((noinline)) static void case6(void) {
  char *p0 = (char *)calloc(64, sizeof(char));
  memset(p0, 'A', 64 - 1); p0[64 - 1] = 0;
  char *p = p0 - B(32, 0);
  union { char *p; long l; } u6; u6.p = p; long l6 = u6.l; u6.l = l6; char *q = u6.p;
  USE(memchr(q, 1, 33) != 0);
  free(p0);
}

__attribute__((noinline)) static void case7(void) {
  long *p = (long *)alloca(4 * sizeof(long)); if (B(0, 1)) memset(p, 0, 4 * sizeof(long));
  global_pointer = p; long *q = (long *)global_pointer;
  long x = q[3];
  
  if (write(devnull, &x, sizeof x) < 0) note("f");
  
}
__attribute__((noinline)) static int get8(int k) { int r; if (k > B(100, 0)) r = 7; return r; }
__attribute__((noinline)) static void use8(int x) {
  x ^= 1;
  if ((long)x > 3) note("b");
}
__attribute__((noinline)) static void case8(void) {
  int x = get8(num(3));
  use8(x);
  
}

__attribute__((noinline)) static void case9(void) {
  wchar_t *p = (wchar_t *)memalign(32, from_file(B(69, 71)) * sizeof(wchar_t));
  wmemset(p, L'A', B(69, 71) - 1); p[B(69, 71) - 1] = 0;
  global_pointer = p; wchar_t *q = (wchar_t *)global_pointer;
  wchar_t s9b[90]; wmemset(s9b, 65, 71 - 1); s9b[71 - 1] = 0;wcpcpy(q, s9b);
  free(p);
}

__attribute__((noinline)) static void case10(void) {
  struct { int a; short f; char c; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.f = 7;
  __typeof__(s) r = s; short x = r.f;
  short y = x; x = y;
  short arr[3] = {0}; arr[1] = x; if (arr[1] > 2) note("d");
  
}
__attribute__((noinline)) static void sink11_0(char *q) {
  char *d11 = strdup(q); note(d11); free(d11);
}
__attribute__((noinline)) static void case11(void) {
  char *p = (char *)aligned_alloc(64, from_pipe(B(16, 31)) * sizeof(char));
  memset(p, 'A', B(16, 31) - 1); p[B(16, 31) - 1] = 0;
  void *v11 = p; char *q = (char *)v11;
  sink11_0(q);
  free(p);
}
__attribute__((noinline)) static void sink12_0(char *q) {
  char s12b[90]; memset(s12b, 65, 71 - 1); s12b[71 - 1] = 0;swab(s12b, q, 71 & ~1); q[71 - 1] = 0;
}
__attribute__((noinline)) static void case12(void) {
  char *p = (char *)realloc(NULL, from_rand(B(63, 71)) * sizeof(char));
  
  void *v12 = p; char *q = (char *)v12;
  sink12_0(q);
  free(p);
}

__attribute__((noinline)) static void case13(void) {
  long *p = (long *)malloc(10 * sizeof(long)); memset(p, 0, B(10 * sizeof(long) / 2, 10 * sizeof(long)));
  long x = p[9];
  
  void *w = malloc((x & 15) + 1); free(w);
  free(p);
}

__attribute__((noinline)) static void case14(void) {
  long n = from_rand(B(-100, 5));
  void *p = realloc(malloc(3), n); if (p) free(p);
}

__attribute__((noinline)) static void case15(void) {
  long *p = (long *)reallocarray(NULL, from_rand(B(49, 50)), sizeof(long));
  for (int k = 0; k < (int)(B(49, 50)); k++) p[k] = 7;
  long *q = p;
  static long s15b[80]; bcopy(s15b, (void *)q, 50 * sizeof(long));
  free(p);
}
__attribute__((noinline)) static void use16(int64_t x) {
  x = -x;
  memset((void *)&five, 5 & (int)(x * 0 + 5), 1); five = 5;
}
__attribute__((noinline)) static void case16(void) {
  struct { unsigned a : 3, b : 7, c : 5; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.b = 5;
  int64_t x = (int64_t)s.b;
  use16(x);
  
}

__attribute__((noinline)) static void case17(void) {
  long double *p = (long double *)malloc(33 * sizeof(long double));
  struct { int x; long double *p; } s17 = { 1, p }, t17 = s17; long double *q = t17.p;
  q += B(16, 0);
  if (B(1, 0)) { free(q); }
  free(p);
}

__attribute__((noinline)) static void case18(void) {
  char *p = (char *)malloc(19);
  if (five == B(5, 6)) return;
  free(p);
}

__attribute__((noinline)) static void case19(void) {
  char *p = (char *)calloc(200, 1); memset(p, 65, 66);
  char *q = p;
  if (B(1, 0)) { memcpy(q, q + 3, 33); }
  free(p);
}
__attribute__((noinline)) static void sink20_0(unsigned char *q) {
  bzero((void *)q, 8 * sizeof(unsigned char));
}
__attribute__((noinline)) static void case20(void) {
  unsigned char *p = (unsigned char *)reallocarray(NULL, from_env(B(6, 8)), sizeof(unsigned char));
  
  uintptr_t w20 = (uintptr_t)p; unsigned char *q = (unsigned char *)(w20 ^ (uintptr_t)zero);
  sink20_0(q);
  free(p);
}

__attribute__((noinline)) static void case21(void) {
  char *p = (char *)calloc(200, 1); memset(p, 65, 16);
  void *v21 = p; char *q = (char *)v21;
  if (B(1, 0)) { stpncpy(q, q + 7, 8); }
  free(p);
}

__attribute__((noinline)) static void case22(void) {
  unsigned char *p = (unsigned char *)alloca(10 * sizeof(unsigned char)); if (B(0, 1)) memset(p, 0, 10 * sizeof(unsigned char));
  unsigned char **pp22 = &p; unsigned char ***ppp22 = &pp22; unsigned char *q = **ppp22;
  unsigned char x = q[9];
  x ^= 1;
  USE(100 / ((int)x | 1)); if (100 / ((int)x | 1) > 2) note("d");
  
}

__attribute__((noinline)) static void case23(void) {
  int *p = (int *)malloc(10);
  struct { int x; int *p; } s23 = { 1, p }, t23 = s23; int *q = t23.p;
  free(q);
  if (B(1, 0)) { q = (int *)malloc(1); free((char *)q + 1); free(q); }
}
__attribute__((noinline)) static void use24(float x) {
  
  if ((int)x > 3) note("a");
}
__attribute__((noinline)) static void case24(void) {
  float b[num(10)]; if (B(0, 1)) memset(b, 0, 10 * sizeof(float));
  float x = b[9];
  use24(x);
  
}

__attribute__((noinline)) static void case25(void) {
  long double b[4]; for (int k = 0; k < B(3, 4); k++) b[k] = 7;
  long double *p = b; long double **pp25 = &p; long double ***ppp25 = &pp25; long double *q = **ppp25;
  long double x = q[3];
  x = x * 2;
  if ((int)x > 3) note("a");
  
}
int main(int argc, char **argv) {
  devnull = open("/dev/null", O_WRONLY); int only = argc > 1 ? atoi(argv[1]) : -1;
  if (only < 0 || only == 0) case0();
  if (only < 0 || only == 1) case1();
  if (only < 0 || only == 2) case2();
  if (only < 0 || only == 3) case3();
  if (only < 0 || only == 4) case4();
  if (only < 0 || only == 5) case5();
  if (only < 0 || only == 6) case6();
  if (only < 0 || only == 7) case7();
  if (only < 0 || only == 8) case8();
  if (only < 0 || only == 9) case9();
  if (only < 0 || only == 10) case10();
  if (only < 0 || only == 11) case11();
  if (only < 0 || only == 12) case12();
  if (only < 0 || only == 13) case13();
  if (only < 0 || only == 14) case14();
  if (only < 0 || only == 15) case15();
  if (only < 0 || only == 16) case16();
  if (only < 0 || only == 17) case17();
  if (only < 0 || only == 18) case18();
  if (only < 0 || only == 19) case19();
  if (only < 0 || only == 20) case20();
  if (only < 0 || only == 21) case21();
  if (only < 0 || only == 22) case22();
  if (only < 0 || only == 23) case23();
  if (only < 0 || only == 24) case24();
  if (only < 0 || only == 25) case25();
  return 0;
}
