/* Padding, pools of the stack, threads and reallocation: what makes values undefined, and blocks lost. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/uio.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <alloca.h>
struct pad { char c; int i; short s; };
static pthread_mutex_t *m;
static volatile int zero;
static void padding(void)
{
    struct pad a, b;
    a.c = 1; a.i = 2; a.s = 3;
    b = a;
    int p[2];
    pipe(p);
    write(p[1], &b, sizeof b);
    if (memcmp(&a, &b, sizeof a)) puts("differ");
    close(p[0]); close(p[1]);
}
static void mutex(void) { m = malloc(sizeof *m); pthread_mutex_init(m, 0); pthread_mutex_lock(m); pthread_mutex_unlock(m); pthread_mutex_destroy(m); free(m); m = 0; }
static void *worker(void *x) { char *p = alloca(100); if (p[zero + 50] == 3) puts("3"); *(char **)x = malloc(20); return 0; }
static void threads(void) { pthread_t t; char *r = 0; pthread_create(&t, 0, worker, &r); pthread_join(t, 0); r[20] = 5; free(r); free(r); }
static void mapped(void)
{
    char *p = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p[10]) puts("10");
    *(char **)p = malloc(10);
    munmap(p, 4096);
}
static int rec(int n) { volatile char buf[64]; if (n == 0) return buf[zero + 5] ? 1 : 2; return rec(n - 1) + 1; }
static void stack(void) { if (rec(5) == 3) puts("3"); }
static void interior(void) { static char *keep; keep = (char *)malloc(100) + 50; }
static void realloc_undefined(void) { int *p = malloc(8); p[0] = 1; p = realloc(p, 16); if (p[0]) puts("0"); if (p[1]) puts("1"); if (p[3]) puts("3"); free(p); }
static void realloc_shrink(void) { char *p = malloc(100); p = realloc(p, 10); p[10] = 1; char *q = realloc(p, 5); q[7] = 1; free(q); }
static void mem(void) { char *p = malloc(16), q[16]; memset(p, 1, 8); memmove(q, p, 16); if (q[4] == 1) puts("1"); if (q[12] == 1) puts("x"); memcpy(q + 1, p + 8, 4); if (q[2]) puts("2"); free(p); }
static void fmt(void) { int x; char b[50]; sprintf(b, "%d", *(&x + zero)); if (b[0] == '4') puts("4"); }
static void late(void) { char *p = malloc(8); char *volatile q = p; free(p); char *r = malloc(8); q[0] = 1; free(r); }
int main(void) { padding(); mutex(); threads(); mapped(); stack(); interior(); realloc_undefined(); realloc_shrink(); mem(); fmt(); late(); return 0; }
