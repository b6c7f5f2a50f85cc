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
__attribute__((noinline)) static unsigned char get0(int k) { unsigned char r; if (k > B(100, 0)) r = 7; return r; }
__attribute__((noinline)) static void use0(unsigned char x) {
  x = x + 1;
  int ok = x < 3 || five == 4; if (ok) note("c");
}
__attribute__((noinline)) static void case0(void) {
  unsigned char x = get0(num(3));
  use0(x);
  
}

__attribute__((noinline)) static void case1(void) {
  char *p = (char *)malloc(4 * sizeof(char));
  memset(p, 'A', 4 - 1); p[4 - 1] = 0;
  node n1, m1; n1.next = &m1; m1.data = p; m1.next = NULL; n1.data = NULL; char *q = NULL; for (node *k = &n1; k; k = k->next) if (k->data) q = (char *)k->data;
  p = (char *)realloc(p, B(4000, 4 * sizeof(char)));
  if (B(0, 1)) q = p;
  char s1b[90]; memset(s1b, 65, 4 - 1); s1b[4 - 1] = 0;sscanf(s1b, "%s", q);
  free(p);
}
__attribute__((noinline)) static void sink2_0(char *q) {
  stpcpy(q, q + 2);
}
__attribute__((noinline)) static void case2(void) {
  char *p = (char *)calloc(200, 1); memset(p, 65, 66);
  char *q = five == 5 ? p : NULL;
  if (B(1, 0)) { sink2_0(q); }
  free(p);
}

__attribute__((noinline)) static void case3(void) {
  long x; if (B(zero, five)) x = 7;
  x = x & 0x55;
  if (x > 3) note("a"); else note("b");
  
}

__attribute__((noinline)) static void case4(void) {
  char *p0 = (char *)realloc(malloc(3), 7 * sizeof(char));
  memset(p0, 'A', 7 - 1); p0[7 - 1] = 0;
  char *p = p0 - B(1, 0);
  char *q; memcpy(&q, &p, sizeof q);
  char s4b[90]; memset(s4b, 65, 4 - 1); s4b[4 - 1] = 0;char *d4 = q; const char *c4 = s4b; while ((*d4++ = *c4++));
  free(p0);
}

__attribute__((noinline)) static void case5(void) {
  int *p = (int *)calloc(33, sizeof(int));
  int *q = (int *)identity(p);
  q -= B(1, 0);
  if (B(1, 0)) free(q);
  free(p);
}
__attribute__((noinline)) static void sink6_0(big *q) {
  free(q);
}
__attribute__((noinline)) static void case6(void) {
  static big b[1]; big *p = B(b, (big *)malloc(1 * sizeof(big)));
  struct { int x; big *p; } s6 = { 1, p }, t6 = s6; big *q = t6.p;
  sink6_0(q);
}
__attribute__((noinline)) static void sink7_0(wchar_t *q) {
  USE(wcschr(q, 1) != 0);
}
__attribute__((noinline)) static void case7(void) {
  wchar_t *p = (wchar_t *)memalign(32, from_socket(B(4, 7)) * sizeof(wchar_t));
  wmemset(p, L'A', B(4, 7) - 1); p[B(4, 7) - 1] = 0;
  wchar_t *a7[5]; a7[2] = p; wchar_t *q = a7[num(2)];
  sink7_0(q);
  free(p);
}
__attribute__((noinline)) static void use8(long x) {
  x = x & 0x55;
  while (x > 1000) { x = 0; }
}
__attribute__((noinline)) static void case8(void) {
  long b[num(3)]; if (B(0, 1)) memset(b, 0, 3 * sizeof(long));
  long x = b[2];
  use8(x);
  
}

__attribute__((noinline)) static void case9(void) {
  short *p = (short *)reallocarray(NULL, 7, sizeof(short));
  for (int k = 0; k < (int)(7); k++) p[k] = 7;
  node n9, m9; n9.next = &m9; m9.data = p; m9.next = NULL; n9.data = NULL; short *q = NULL; for (node *k = &n9; k; k = k->next) if (k->data) q = (short *)k->data;
  p = (short *)realloc(p, B(4000, 7 * sizeof(short)));
  if (B(0, 1)) q = p;
  int z9 = open("/dev/zero", O_RDONLY); if (read(z9, q, 7 * sizeof(short)) < 0) note("f"); close(z9);
  free(p);
}

__attribute__((noinline)) static void case10(void) {
  char *p = (char *)malloc(19);
  if (five == B(5, 6)) return;
  free(p);
}

__attribute__((noinline)) static void case11(void) {
  wchar_t *p = (wchar_t *)aligned_alloc(64, 4 * sizeof(wchar_t));
  void *v11 = p; wchar_t *q = (wchar_t *)v11;
  q += B(2, 0);
  if (B(1, 0)) { free(q); }
  free(p);
}
__attribute__((noinline)) static void sink12_0(char *q) {
  USE(memcmp(q, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 4));
}
__attribute__((noinline)) static void case12(void) {
  char *p = (char *)realloc(NULL, 4 * sizeof(char));
  memset(p, 'A', 4 - 1); p[4 - 1] = 0;
  char *q = NULL; for (int k = 0; k < 1; k++) q = p;
  if (B(1, 0)) free(p);
  sink12_0(q);
  if (B(0, 1)) free(p);
}
__attribute__((noinline)) static void sink13_0(char *q) {
  strcpy(q, q + 1);
}
__attribute__((noinline)) static void case13(void) {
  char *p = (char *)calloc(200, 1); memset(p, 65, 66);
  char *q = p;
  if (B(1, 0)) { sink13_0(q); }
  free(p);
}
__attribute__((noinline)) static void use14(long x) {
  x ^= 1;
  static int tab[256]; USE(tab[(unsigned char)x]);
}
__attribute__((noinline)) static void case14(void) {
  long *p = (long *)malloc(10 * sizeof(long)); memset(p, 0, B(10 * sizeof(long) / 2, 10 * sizeof(long)));
  long x = p[9];
  use14(x);
  free(p);
}

__attribute__((noinline)) static void case15(void) {
  float b[4]; float *p = B(b, NULL);
  void *v15 = p; float *q = (float *)v15;
  q = (float *)realloc(q, 100); free(q);
}

__attribute__((noinline)) static void case16(void) {
  short *p = (short *)malloc(17 * sizeof(short)); memset(p, 0, B(17 * sizeof(short) / 2, 17 * sizeof(short)));
  short x = p[16];
  
  int z = x != 1 ? five : sink_count; USE(z);
  free(p);
}

__attribute__((noinline)) static void case17(void) {
  struct { unsigned a : 3, b : 7, c : 5; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.b = 5;
  wchar_t x = (wchar_t)s.b;
  x = x & 0x55;
  if (x > 3 && five) note("a");
  
}

__attribute__((noinline)) static void case18(void) {
  wchar_t *p0 = (wchar_t *)aligned_alloc(64, 13 * sizeof(wchar_t));
  wmemset(p0, L'A', 13 - 1); p0[13 - 1] = 0;
  wchar_t *p = p0 - B(1, 0);
  void *v18 = p; wchar_t *q = (wchar_t *)v18;
  wchar_t d18[200]; wcscpy(d18, q); note((char *)d18);
  free(p0);
}

__attribute__((noinline)) static void case19(void) {
  int64_t *p = (int64_t *)realloc(malloc(3), 4 * sizeof(int64_t));
  for (int k = 0; k < (int)(4); k++) p[k] = 7;
  node n19, m19; n19.next = &m19; m19.data = p; m19.next = NULL; n19.data = NULL; int64_t *q = NULL; for (node *k = &n19; k; k = k->next) if (k->data) q = (int64_t *)k->data;
  if (B(1, 0)) free(p);
  for (int k = 0; k < 4; k++) q[k] = 7;
  if (B(0, 1)) free(p);
}

__attribute__((noinline)) static void case20(void) {
  double *p = (double *)realloc(malloc(3), 8 * sizeof(double));
  for (int k = 0; k < (int)(8); k++) p[k] = 7;
  double **pp20 = &p; double *q = *pp20;
  if (B(1, 0)) free(p);
  for (int k = 0; k < 8; k++) dsink = q[k];
  if (B(0, 1)) free(p);
}
__attribute__((noinline)) static void use21(char x) {
  x = x * 2;
  usleep((unsigned)x & 1);
}
__attribute__((noinline)) static void case21(void) {
  struct { unsigned a : 3, b : 7, c : 5; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.b = 5;
  char x = (char)s.b;
  use21(x);
  
}
__attribute__((noinline)) static void sink22_0(wchar_t *q) {
  wchar_t s22b[90]; wmemset(s22b, 65, 5 - 1); s22b[5 - 1] = 0;wmemset(q, 66, 5);
}
__attribute__((noinline)) static void case22(void) {
  wchar_t *p = (wchar_t *)realloc(NULL, 5 * sizeof(wchar_t));
  wmemset(p, L'A', 5 - 1); p[5 - 1] = 0;
  wchar_t *q = p;
  p = (wchar_t *)realloc(p, B(4000, 5 * sizeof(wchar_t)));
  if (B(0, 1)) q = p;
  sink22_0(q);
  free(p);
}

__attribute__((noinline)) static void case23(void) {
  char *p = (char *)calloc(200, 1); memset(p, 65, 66);
  char *q = p;
  if (B(1, 0)) { strcpy(q, q + 3); }
  free(p);
}
__attribute__((noinline)) static void use24(long double x) {
  x = x * 2;
  if (x > 3 && five) note("a");
}
__attribute__((noinline)) static void case24(void) {
  long double x; if (B(zero, five)) x = 7;
  use24(x);
  
}

__attribute__((noinline)) static void case25(void) {
  wchar_t *p = (wchar_t *)malloc(1);
  union { wchar_t *p; long l; } u25; u25.p = p; long l25 = u25.l; u25.l = l25; wchar_t *q = u25.p;
  free(q);
  if (B(1, 0)) { q = (wchar_t *)malloc(1); free((char *)q + 1); free(q); }
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
