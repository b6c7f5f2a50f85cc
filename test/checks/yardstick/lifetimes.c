#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <wchar.h>
#include <setjmp.h>
#include <signal.h>
#include <pthread.h>
#include <unistd.h>
typedef struct _two { int a, b; } two;
static int t = 1, f = 0;
static sigjmp_buf back;
static void on(int s) { siglongjmp(back, 1); }
/* 401 */
static void leak_char(void) { char *d = malloc(100); strcpy(d, "A"); puts(d); }
static void leak_calloc(void) { two *d = calloc(100, sizeof *d); d[0].a = 0; }
static void leak_realloc(void) { int *d = realloc(0, 101 * sizeof *d); d[0] = 5; }
static void leak_strdup(void) { char s[] = "a string"; char *d = strdup(s); puts(d); }
static void leak_wcsdup(void) { wchar_t s[] = L"a string"; wchar_t *d = wcsdup(s); }
static void leak_if(void) { char *d = malloc(31); if (f) free(d); }
static void leak_overwrite(void) { char *d = malloc(41); d = malloc(42); free(d); }
static void leak_realloc_fail(void) { char *d = malloc(43); char *e = realloc(d, -1UL >> 2); if (!e) return; free(e); }
struct node { struct node *next; int v; };
static void leak_list(void) { struct node *h = 0; for (int i = 0; i < 5; i++) { struct node *n = malloc(sizeof *n); n->next = h; n->v = i; h = n; } }
static void no_leak_list(void) { struct node *h = 0; for (int i = 0; i < 5; i++) { struct node *n = malloc(sizeof *n); n->next = h; n->v = i; h = n; } while (h) { struct node *n = h->next; free(h); h = n; } }
static char *give(void) { return malloc(51); }
static void leak_returned(void) { give(); }
static void *leak_in_thread(void *x) { malloc(61); return 0; }
static void leak_thread(void) { pthread_t p; pthread_create(&p, 0, leak_in_thread, 0); pthread_join(p, 0); }
/* 415 */
static void double_char(void) { char *d = malloc(100); if (t) free(d); if (t) free(d); }
static void double_struct(void) { two *d = malloc(100 * sizeof *d); free(d); free(d); }
static void twice(void *d) { free(d); }
static void double_sink(void) { wchar_t *d = malloc(71); twice(d); twice(d); }
static void double_realloc(void) { char *d = malloc(33); char *e = realloc(d, 3000); free(d); free(e); }
/* 416 */
static void uaf_char(void) { char *d = malloc(100); memset(d, 'A', 99); d[99] = 0; free(d); puts(d); }
static void uaf_int(void) { int *d = malloc(100 * sizeof *d); d[0] = 5; free(d); printf("%d\n", d[0]); }
static char *helper(char *s) { char *r = malloc(strlen(s) + 1); strcpy(r, s); free(r); return r; }
static void uaf_return(void) { printf("%s\n", helper("BadSink")); }
static void uaf_write(void) { two *d = malloc(sizeof *d); free(d); d->b = 3; }
static void uaf_realloc(void) { int *d = malloc(16); int *e = realloc(d, 160); d[1] = 4; free(e); }
static void uaf_wide(void) { wchar_t *d = malloc(10 * sizeof *d); wmemset(d, L'A', 9); d[9] = 0; free(d); printf("%zu\n", wcslen(d)); }
static void uaf_strings(void) { char *d = strdup("hello"); free(d); printf("%d %d\n", strcmp(d, "hello") == 9, strlen(d) == 99); char b[20]; strcpy(b, d); }
/* 457 */
static void un_char(void) { char *d; printf("%d\n", d == 0); }
static void un_double(void) { double *d = malloc(8); if (*d > 1) puts("1"); free(d); }
static void un_int(void) { int d; if (d == 3) puts("3"); }
static void un_array(void) { int d[10]; for (int i = 0; i < 5; i++) d[i] = i; int s = 0; for (int i = 0; i < 10; i++) s += d[i]; if (s == 3) puts("s"); }
static void un_struct(void) { two d; d.a = 1; if (d.b) puts("b"); if (d.a) puts("a"); }
static void un_heap(void) { two *d = malloc(10 * sizeof *d); d[0].a = 1; if (d[0].b == 4) puts("4"); free(d); }
static void un_switch(void) { int d; switch (d) { case 1: puts("1"); break; case 2: puts("2"); break; case 3: puts("3"); break; case 4: puts("44"); break; case 5: puts("55"); break; case 6: puts("66"); } }
static void un_pointer(void) { if (sigsetjmp(back, 1) == 0) { int **d = malloc(8); if (**d == 4) puts("4"); } }
static void un_string(void) { char *d = malloc(10); d[9] = 0; if (strlen(d) == 3) puts("3"); free(d); }
static void un_memcmp(void) { char *d = malloc(10); if (memcmp(d, "0123456789", 10) == 0) puts("0"); free(d); }
static void un_write(void) { char *d = malloc(10); d[0] = 0; int p[2]; pipe(p); write(p[1], d, 10); close(p[0]); close(p[1]); free(d); }
static void un_float(void) { float x; if (x > 1) puts("1"); }
static void un_copy(void) { two a, b; a.a = 1; b = a; if (b.a) puts("b.a"); if (b.b) puts("b.b"); }
static void un_good(void) { two a; a.a = 1; two b = a; if (b.a) puts("fine"); char c[100]; memcpy(c, &b, sizeof b); }
static void un_bits(void) { struct { unsigned a : 3, b : 5; } x; x.a = 3; if (x.a == 3) puts("bits"); if (x.b == 3) puts("bits b"); }
static int un_pass(int x) { return x + 1; }
static void un_call(void) { int x; if (un_pass(x)) puts("passed"); }
static void un_conditional(void) { int x, y; if (t == 2) x = 1; y = x ? 3 : 4; printf("%d\n", y == 9); }
/* 476, 690 */
static void null_read(void) { if (sigsetjmp(back, 1) == 0) { int *d = 0; printf("%d\n", *d); } }
static void null_write(void) { if (sigsetjmp(back, 1) == 0) { two *d = 0; d->b = 3; } }
static void null_string(void) { if (sigsetjmp(back, 1) == 0) { char *volatile d = 0; printf("%zu\n", strlen(d)); } }
static void null_malloc(void) { if (sigsetjmp(back, 1) == 0) { char *d = malloc(-1UL >> 2); strcpy(d, "x"); } }
static void null_calloc(void) { if (sigsetjmp(back, 1) == 0) { int *d = calloc(-1UL >> 2, 8); d[0] = 5; } }
static void null_memcpy(void) { if (sigsetjmp(back, 1) == 0) { char *volatile d = 0; memcpy(d, "0123456789", t * 10); } }
static void null_good(void) { int *d = 0; if (d != 0) printf("%d\n", *d); }
/* 590 */
static void free_static(void) { static char d[100]; free(d); }
static void free_stack(void) { char d[100]; free(d); }
static void free_alloca(void) { char *d = __builtin_alloca(10); free(d); }
static void free_middle(void) { char *d = malloc(10); free(d + 1); free(d); }
static void free_code(void) { free((void *)free_code); }
static void free_wild(void) { free((void *)0x12345678); }
static void free_global(void) { free(&t); }
static void free_literal(void) { free("abc"); }
int main(void)
{
    signal(SIGSEGV, on);
    signal(SIGBUS, on);
    leak_char(); leak_calloc(); leak_realloc(); leak_strdup(); leak_wcsdup(); leak_if(); leak_overwrite();
    leak_realloc_fail(); leak_list(); no_leak_list(); leak_returned(); leak_thread();
    double_char(); double_struct(); double_sink(); double_realloc();
    uaf_char(); uaf_int(); uaf_return(); uaf_write(); uaf_realloc(); uaf_wide(); uaf_strings();
    un_char(); un_double(); un_int(); un_array(); un_struct(); un_heap(); un_switch(); un_pointer();
    un_string(); un_memcmp(); un_write(); un_float(); un_copy(); un_good(); un_bits(); un_call(); un_conditional();
    null_read(); null_write(); null_string(); null_malloc(); null_calloc(); null_memcpy(); null_good();
    free_static(); free_stack(); free_alloca(); free_middle(); free_code(); free_wild(); free_global(); free_literal();
    return 0;
}
