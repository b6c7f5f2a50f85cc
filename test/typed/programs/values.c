/** Holds values of all sorts of C types for questions about them, and stops in the innermost of three blocks. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include <stdbool.h>
#include <wchar.h>
#include <uchar.h>
#include <signal.h>
#include <complex.h>

enum color { RED, GREEN = 5, BLUE };
enum flags { F_A = 1, F_B = 2, F_C = 4, F_D = 8 };
enum mixed { M_ZERO, M_ONE, M_TWO, M_FOUR = 4, M_MASK = 6 };
enum negative { N_MINUS = -3, N_PLUS = 3 };
struct point { int x, y; };
union number { int i; float f; unsigned char bytes[4]; };
struct bits { unsigned a : 3; int b : 5; unsigned long long c : 40; enum color d : 4; _Bool e : 1; };
struct everything {
  char c; signed char sc; unsigned char uc; short s; unsigned short us; int i; unsigned u; long l; unsigned long ul;
  long long ll; float f; double d; long double ld; _Bool b; enum color color; enum flags flags;
  const char *name; struct point at; struct point *next; int (*call)(int); void *opaque; char text[16]; int numbers[4];
  union number n; struct { int in1; union { int u1; char u2; }; };
  double matrix[2][3];
  struct everything *self;
};
typedef struct { struct point from, to; } line_t;
typedef int (*callback)(int, const char *);
typedef unsigned long word;
struct flexible { int count; int items[]; };

int global_counter = 42;
static const char *static_name = "static name";
static int twice(int x) { return 2 * x; }
struct point points[3] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };
int zeros[40];
int runs[30] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5 };
char big_text[300];
char mixed_text[32] = "a\tb\n\"q\" \\ \001" "5\377z'";
uint8_t octets[8] = { 1, 2, 3, 255 };
int8_t small = -1;
wchar_t wide[8] = L"wide";
char16_t u16[4] = u"ab";
char32_t u32[4] = U"cd";
struct everything everything;
struct bits bits = { 5, -3, 0x123456789a, BLUE, 1 };
enum flags both = F_A | F_C, none, unknown = 3 | 16;
enum mixed mixed = M_ONE | M_FOUR, mixed_mask = M_MASK;
enum color bad_color = 77;
enum negative negative = N_MINUS;
callback cb;
line_t line = { { 1, 2 }, { 3, 4 } };
const volatile int cv = 7;
_Atomic int atomic_number = 3;
double doubles[5] = { 0.1, 1e100, -0.0, 1.0 / 3, 5 };
float floats[3] = { 3.14f, 1e-20f, 2 };
long double ld = 1.25L;
double complex cplx = 1 + 2 * I;
word words[2] = { 1, 2 };
int matrix[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
char names[2][8] = { "one", "two" };
const char *strings[3] = { "alpha", "beta", 0 };
struct flexible *flexible;
__int128 big = (__int128)1 << 100;
__thread int tls_counter = 9;
static __thread int tls_other = 11;
void (*handler)(int) = SIG_IGN;
int *null_pointer;
char *bad_string = (char *)16;
struct { int anonymous; } anonymous_struct = { 3 };
typedef float v4 __attribute__((vector_size(16)));
v4 vector = { 1, 2, 3, 4 };
struct point *many[12];
struct deep { struct deep *next; int v; } deep = { &deep, 1 };

static int work(int count, const char *title, struct point p, struct point *pp, double ratio) {
  static int calls = 3;
  int vla[count + 1];
  int i = 7;
  for (i = 0; i <= count; i++) vla[i] = i * i;
  {
    int i = 99;
    char local[8] = "loc";
    struct everything *e = &everything;
    {
      register long r = 12345;
      calls += vla[1] + local[0] + (int)ratio + p.x + pp->y + e->i + (int)r + title[0];
      raise(SIGABRT);
      calls += i;
    }
  }
  return calls + vla[count];
}

int main(int argc, char **argv) {
  everything = (struct everything){ 'A', -5, 200, -300, 60000, -70000, 4000000000u, -5000000000, 10000000000000000000ul, -1,
    1.5f, 2.25, 3.5L, 1, GREEN, F_B | F_D, "hello", { 10, 20 }, &points[1], twice, &global_counter, "text", { 1, 2, 3, 4 }, { .f = 1.0f }, { 7, { 65 } }, { { 1, 2, 3 }, { 4, 5, 6 } }, &everything };
  memset(big_text, 'A', 250);
  flexible = malloc(sizeof *flexible + 5 * sizeof(int));
  flexible->count = 5;
  cb = (callback)twice;
  for (int i = 0; i < 5; i++) flexible->items[i] = i;
  tls_other++;
  int status = work(argc + 3, static_name, points[0], &points[2], 2.5);
  return status + (argv != 0);
}
