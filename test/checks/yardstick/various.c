#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>
#include <setjmp.h>
#include <signal.h>
#include <wchar.h>
#include <sys/mman.h>
#include <valgrind/memcheck.h>
static sigjmp_buf back;
static void on(int s) { siglongjmp(back, 1); }
static volatile int zero;
static int three = 3;
/* doublefree badfree mismatches realloc1-3 memalign */
static void realloc1(void)
{
    int **p = malloc(80);
    for (int i = 0; i < 10; i++) p[i] = malloc(i + 1);
    for (int i = 0; i < 5; i++) p[i] = realloc(p[i], i * 3 + 7);
    p = realloc(p, 40);
}
static void realloc2(void)
{
    char *p = malloc(10);
    char *q = realloc(0, 20);
    q = realloc(q, 5);
    q[5] = 1;
    free(q);
    free(realloc(malloc(0), 3));
}
static void memalign1(void)
{
    void *p;
    posix_memalign(&p, 64, 10);
    ((char *)p)[10] = 1;
    free(p);
    p = memalign(128, 3);
    free(p);
    p = aligned_alloc(64, 64);
    ((char *)p)[-1] = 2;
    free(p);
    p = valloc(10);
    free(p);
    free(p);
    printf("%d\n", posix_memalign(&p, 3, 10));
}
static void usable(void)
{
    char *p = malloc(13);
    for (size_t i = 0; i < malloc_usable_size(p); i++) p[i] = 1;
    free(p);
}
static void zero_sized(void)
{
    char *p = malloc(0);
    p[0] = 1;
    free(p);
    p = calloc(0, 4);
    char c = p[0];
    free(p);
}
static void fishy(void)
{
    char *p = malloc(-3);
    p = calloc(-1, 1);
    p = realloc(malloc(5), -1);
}
static void un_malloc_args(void)
{
    size_t size, align;
    size_t *u = malloc(16);
    char *p = malloc(u[0] & 7);
    free(p);
    p = calloc(u[0] & 1, u[1] & 1);
    free(p);
    p = realloc(0, u[0] & 7);
    p = realloc(p, (u[1] & 7) + 1);
    char **up = malloc(8);
    if (sigsetjmp(back, 1) == 0) free((char *)((size_t)*up & 0));
}
/* overlap */
static void overlap1(void)
{
    char x[100];
    for (int i = 0; i < 50; i++) x[i] = i + 1, x[i + 50] = 0;
    memcpy(x + 20, x, 20);
    strncpy(x + 20, x, 20);
    strncpy(x + 20, x, 21);
    strncpy(x, x + 20, 21);
    x[39] = 0;
    strcpy(x, x + 20);
    x[19] = 0;
    strcpy(x + 20, x);
    memmove(x + 3, x, 30);
    stpcpy(x, x + 1);
    mempcpy(x + 1, x, 5);
    stpncpy(x, x + 2, 5);
    wchar_t w[20] = L"abcdefg";
}
/* memcmptest, strchr, str_tester */
static void memcmptest(void)
{
    char *a = malloc(10), *b = malloc(10);
    if (memcmp(a, b, 10) == 0) puts("0");
    strcpy(a, "abc");
    if (strcmp(a, b) == 0) puts("0");
    free(a);
    free(b);
}
/* partiallydefinedeq */
static __attribute__((noinline)) void eq(unsigned char *a, unsigned char *b)
{
    if (*(int *)a == *(int *)b) puts("same"); else puts("different");
}
static void partially(void)
{
    unsigned char *x = malloc(4), *y = malloc(4);
    x[0] = 1; y[0] = 2;
    eq(x, y);
    x[0] = y[0] = 3;
    eq(x, y);
    free(x);
    free(y);
}
/* origin */
static int *heap_origin;
static void origins(void)
{
    int local[3];
    int *p = malloc(12);
    int a = local[zero] + p[zero];
    if (a == 4) puts("4");
    int *q = malloc(8);
    p = realloc(p, 400);
    if (p[50] == 9) puts("9");
    char *c = alloca(10);
    if (c[zero + 3]) puts("c");
    int r;
    if (*(&r + zero) + 1) puts("r");
    long l = 0;
    memcpy(&l, q, 4);
    if ((int)l) puts("l");
    if (l >> 40) puts("l");
    free(p);
    free(q);
}
/* manuel, sigaltstack, threads */
static void *thread(void *x)
{
    int u;
    if (*(&u + zero) == 3) puts("3");
    char *p = malloc(10);
    p[10] = 1;
    *(int *)x = 1;
    return p;
}
static void threads(void)
{
    pthread_t t;
    int *x = malloc(sizeof(int));
    pthread_create(&t, 0, thread, x);
    void *r;
    pthread_join(t, &r);
    free(r);
    char c = ((char *)r)[3];
    free(x);
}
/* custom_alloc, mempool, clientperm, describe-block */
static void client(void)
{
    char *pool = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    VALGRIND_MAKE_MEM_NOACCESS(pool, 8192);
    char *b = pool + 16;
    VALGRIND_MALLOCLIKE_BLOCK(b, 100, 16, 0);
    b[0] = 1;
    b[100] = 1;
    if (b[5]) puts("b5");
    VALGRIND_FREELIKE_BLOCK(b, 16);
    b[0] = 3;
    VALGRIND_FREELIKE_BLOCK(b, 16);
    VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
    VALGRIND_MEMPOOL_ALLOC(pool, pool + 1000, 50);
    pool[1050] = 1;
    VALGRIND_MEMPOOL_FREE(pool, pool + 1000);
    pool[1000] = 1;
    VALGRIND_MEMPOOL_ALLOC(pool, pool + 2000, 50);
    VALGRIND_DESTROY_MEMPOOL(pool);
    VALGRIND_MEMPOOL_FREE(pool, pool + 2000);
    int x = 3;
    VALGRIND_MAKE_MEM_UNDEFINED(&x, 4);
    if (x == 3) puts("x");
    VALGRIND_CHECK_MEM_IS_DEFINED(&x, 4);
    VALGRIND_CHECK_MEM_IS_ADDRESSABLE(pool + 4000, 4);
    VALGRIND_CHECK_VALUE_IS_DEFINED(x);
    VALGRIND_DISABLE_ERROR_REPORTING;
    if (x == 4) puts("4");
    VALGRIND_ENABLE_ERROR_REPORTING;
    VALGRIND_MAKE_MEM_NOACCESS(&three, 4);
    if (three == 4) puts("4");
    VALGRIND_MAKE_MEM_DEFINED(&three, 4);
}
/* sbfragment, deep-backtrace, post-syscall */
static int deep(int n) { int u; return n == 0 ? *(&u + zero) == 4 ? 1 : 2 : deep(n - 1) + 1; }
static void stack_use(void)
{
    printf("%d\n", deep(60) > 5);
    char *p = alloca(1000);
    memset(p, 1, 1000);
    int v[three + 2];
    v[0] = 1;
    if (v[1] == 5) puts("v");
}
static void cond(void)
{
    int x;
    int *p = &x;
    int y = *(p + zero) ? 1 : 2;
    if (y > 1) puts("1");
    int z = 0;
    asm volatile("cmp $4, %1\n\tcmove %2, %0" : "+r"(z) : "r"(*(p + zero)), "r"(5) : "cc");
    if (z == 5) puts("5");
}
int main(void)
{
    struct sigaction sa = {.sa_handler = on, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &sa, 0);
    realloc1(); realloc2(); memalign1(); usable(); zero_sized(); fishy(); un_malloc_args(); overlap1(); memcmptest(); partially(); origins(); threads(); client(); stack_use(); cond();
    return 0;
}
