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

#include <vector>
#include <string>
#include <map>
#include <list>
#include <memory>
#include <algorithm>
#include <functional>
#include <deque>
#include <set>
struct Base { virtual ~Base() {} virtual int act(int n) { return n; } int field; };
struct Derived : Base { virtual int act(int n) { return n + field; } long more[4]; };
template <class T> struct Holder { T *p; Holder(T *q) : p(q) {} T *get() { return p; } };

__attribute__((noinline)) static void case0(void) {
  char *p = (char *)malloc(42);
  if (five == B(5, 6)) return;
  free(p);
}

__attribute__((noinline)) static void case1(void) {
  char *p = B(environ[0], NULL);
  void *(*f1)(void *) = identity; char *q = (char *)f1(p);
  free(q);
}
__attribute__((noinline)) static void sink2_0(long double *q) {
  if (B(1, 0)) free(q); else delete q;
}
__attribute__((noinline)) static void case2(void) {
  long double *p = new long double;
  long double *q = p;
  sink2_0(q);
}

__attribute__((noinline)) static void case3(void) {
  Derived *d = new Derived; d->field = 3; Base *b = d; if (B(1, 0)) delete b;
  USE(b->field);
  if (B(0, 1)) delete b;
}

__attribute__((noinline)) static void case4(void) {
  short *p0 = (short *)aligned_alloc(64, 50 * sizeof(short));
  for (int k = 0; k < (int)(50); k++) p0[k] = 7;
  short *p = p0 - B(1, 0);
  union { short *p; long l; } u4; u4.p = p; long l4 = u4.l; u4.l = l4; short *q = u4.p;
  short *e4 = q + 26; *--e4 = 7;
  free(p0);
}

__attribute__((noinline)) static void case5(void) {
  double *p0 = (double *)realloc(malloc(3), 2 * sizeof(double));
  for (int k = 0; k < (int)(2); k++) p0[k] = 7;
  double *p = p0 - B(2, 0);
  union { double *p; long l; } u5; u5.p = p; long l5 = u5.l; u5.l = l5; double *q = u5.p;
  USE(std::count(q, q + 2, (double)3));
  free(p0);
}

__attribute__((noinline)) static void case6(void) {
  wchar_t *p = new wchar_t[71];
  wmemset(p, L'A', 71 - 1); p[71 - 1] = 0;
  union { wchar_t *p; long l; } u6; u6.p = p; long l6 = u6.l; u6.l = l6; wchar_t *q = u6.p;
  if (B(1, 0)) delete[] p;
  memset((void *)q, 1, 71 * sizeof(wchar_t));
  if (B(0, 1)) delete[] p;
}

__attribute__((noinline)) static void case7(void) {
  int n = from_env(B(-5, 5));
  void *p = calloc(n, 1);
  free(p);
}

__attribute__((noinline)) static void case8(void) {
  char *p = new char[from_text(B(63, 64))];
  memset(p, 'A', B(63, 64) - 1); p[B(63, 64) - 1] = 0;
  std::map<int, char *> v8; v8[2] = p; char *q = v8[2];
  char *d8 = strdup(q); note(d8); free(d8);
  delete[] p;
}

__attribute__((noinline)) static void case9(void) {
  struct Plain { int a; }; struct More : Plain { long b[4]; }; Plain *p = new More; p->a = 1;
  if (B(1, 0)) delete p; else delete (More *)p;
}

__attribute__((noinline)) static void case10(void) {
  long double b[1]; long double *p = B(b, NULL);
  std::vector<long double *> v10(3, p); long double *q = v10[1];
  q = (long double *)realloc(q, 100); free(q);
}

__attribute__((noinline)) static void case11(void) {
  int *a = new int[20]; for (int k = 0; k < B(18, 20); k++) a[k] = 20 - k;
  std::sort(a, a + 20); delete[] a;
}

__attribute__((noinline)) static void case12(void) {
  float *p = (float *)calloc(1, sizeof(float)); p = (float *)realloc(p, 3 * sizeof(float)); if (B(0, 1)) memset(p, 0, 3 * sizeof(float));
  float *&r12 = p; float *q = r12;
  float x = q[2];
  
  if (x == 3) note("a");
  free(p);
}

__attribute__((noinline)) static void case13(void) {
  std::map<int, int> m; for (int k = 0; k < 5; k++) m[k] = k; for (auto it = m.begin(); it != m.end();) { if (it->first == 2) {
  if (B(1, 0)) { m.erase(it); USE(it->second); break; } else it = m.erase(it); }
  else ++it; }
}

__attribute__((noinline)) static void case14(void) {
  int64_t *p = (int64_t *)realloc(NULL, 71 * sizeof(int64_t));
  for (int k = 0; k < (int)(71); k++) p[k] = 7;
  int64_t *q; try { throw p; } catch (int64_t *e) { q = e; }
  if (B(1, 0)) free(p);
  int64_t d14[80]; memmove((void *)d14, q, 71 * sizeof(int64_t)); note((char *)d14);
  if (B(0, 1)) free(p);
}

__attribute__((noinline)) static void case15(void) {
  double *p = new double[from_file(B(63, 64))];
  for (int k = 0; k < (int)(B(63, 64)); k++) p[k] = 7;
  double **pp15 = &p; double *q = *pp15;
  double d15[80]; memmove((void *)d15, q, 64 * sizeof(double)); note((char *)d15);
  delete[] p;
}

__attribute__((noinline)) static void case16(void) {
  int *p = (int *)malloc(1);
  p = (int *)realloc(p, 3000);
  if (B(0, 1)) free(p);
  p = NULL;
}

__attribute__((noinline)) static void case17(void) {
  struct { unsigned a : 3, b : 7, c : 5; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.b = 5;
  long double x = (long double)s.b;
  x = x + 1;
  long double arr[3] = {0}; arr[1] = x; if (arr[1] > 2) note("d");
  
}

__attribute__((noinline)) static void case18(void) {
  std::unique_ptr<int> u(new int(3)); int *p = u.get(); if (B(1, 0)) u.reset();
  USE(*p);
}

__attribute__((noinline)) static void case19(void) {
  int n = from_rand(B(0, 5));
  int *p = (int *)malloc(n * sizeof(int));
  p[0] = 1;
  free(p);
}
__attribute__((noinline)) static void sink20_0(wchar_t *q) {
  wchar_t s20b[90]; wmemset(s20b, 65, 16 - 1); s20b[16 - 1] = 0;wcpcpy(q, s20b);
}
__attribute__((noinline)) static void case20(void) {
  wchar_t *p = new wchar_t[16];
  wmemset(p, L'A', 16 - 1); p[16 - 1] = 0;
  wchar_t *&r20 = p; wchar_t *q = r20;
  if (B(1, 0)) delete[] p;
  sink20_0(q);
  if (B(0, 1)) delete[] p;
}
__attribute__((noinline)) static void use21(int x) {
  x = x & 0x55;
  if (x > 3 && five) note("a");
}
__attribute__((noinline)) static void case21(void) {
  struct { int a; int f; char c; } s; s.a = 1; s.c = 2; if (B(0, 1)) s.f = 7;
  __typeof__(s) r = s; int x = r.f;
  use21(x);
  
}

__attribute__((noinline)) static void case22(void) {
  struct Plain { int a; }; struct More : Plain { long b[4]; }; Plain *p = new More; p->a = 1;
  if (B(1, 0)) delete p; else delete (More *)p;
}
__attribute__((noinline)) static void sink23_0(int64_t *q) {
  int64_t s23b[80]; memset((void *)s23b, 0, sizeof s23b); memmove((void *)q, s23b, 20 * sizeof(int64_t));
}
__attribute__((noinline)) static void case23(void) {
  int64_t *p = (int64_t *)aligned_alloc(64, 20 * sizeof(int64_t));
  for (int k = 0; k < (int)(20); k++) p[k] = 7;
  Holder<int64_t> h23(p); int64_t *q = h23.get();
  if (B(1, 0)) free(p);
  sink23_0(q);
  if (B(0, 1)) free(p);
}

__attribute__((noinline)) static void case24(void) {
  unsigned char b[10]; for (int k = 0; k < B(9, 10); k++) b[k] = 7;
  unsigned char *p = b; unsigned char *a24[5]; a24[2] = p; unsigned char *q = a24[num(2)];
  unsigned char x = q[9];
  
  static int tab[256]; USE(tab[(unsigned char)x]);
  
}

__attribute__((noinline)) static void case25(void) {
  char *p0 = new char[2];
  memset(p0, 'A', 2 - 1); p0[2 - 1] = 0;
  char *p = p0 - B(1, 0);
  uintptr_t w25 = (uintptr_t)p; char *q = (char *)(w25 ^ (uintptr_t)zero);
  USE(strstr(q, "AB") != 0);
  delete[] p0;
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
