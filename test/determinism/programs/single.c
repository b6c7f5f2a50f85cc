/*
 * One thread that does something of everything whose result could depend on how it is translated, sliced or watched: NaNs, flags, x87, code
 * that is written and rewritten, faults that a handler repairs, timers, deep recursion. What it prints is the same natively.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static uint64_t sum = 14695981039346656037u;

static void mix(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ p[i]) * 1099511628211u;
}

static unsigned next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 20);
}

/* The sign and the payload of a NaN are the processor's, not those of whoever compiled the emulator. */
static void nans(void)
{
    static const uint64_t bits[] = {0x7ff0000000000000, 0xfff0000000000000, 0, 0x8000000000000000, 0x7ff8000000000123, 0x7ff4000000000456, 0x3ff8000000000000, 0xc008000000000000};
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 64; i++) {
            volatile double a, b;
            double r[5];
            memcpy((void *)&a, &bits[i & 7], 8);
            memcpy((void *)&b, &bits[i >> 3], 8);
            r[0] = a + b;
            r[1] = a * b;
            r[2] = a / b;
            r[3] = a - b;
            __asm__("sqrtsd %1, %0" : "=x"(r[4]) : "x"(a));
            volatile float f = (float)r[round % 5];
            mix(r, sizeof r);
            mix((void *)&f, sizeof f);
            long double l = (long double)a * 3 - (long double)b;
            mix(&l, 10);
        }
    }
}

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void heap(void)
{
    void *blocks[64] = {0};
    for (int i = 0; i < 3000; i++) {
        unsigned at = next() % 64, size = next() % (i % 50 ? 700 : 300000) + 1;
        free(blocks[at]);
        blocks[at] = malloc(size);
        memset(blocks[at], (int)at, size < 300 ? size : 300);
    }
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
    int *list = malloc(4000 * sizeof *list);
    for (int i = 0; i < 4000; i++)
        list[i] = (int)next();
    qsort(list, 4000, sizeof *list, compare);
    mix(list, 4000 * sizeof *list);
    free(list);
}

/* Flags as an interrupt would see them: pushed behind every kind of arithmetic. */
static void flags(void)
{
    for (int i = 0; i < 2000; i++) {
        uint64_t a = (uint64_t)next() << (i % 40), f[4];
        __asm__ volatile("add %4, %4\n pushfq\n pop %0\n"
                         "rol $3, %4\n pushfq\n pop %1\n"
                         "imul $77, %4, %4\n inc %4\n pushfq\n pop %2\n"
                         "shr $5, %4\n sbb $9, %4\n pushfq\n pop %3\n"
                         : "=&r"(f[0]), "=&r"(f[1]), "=&r"(f[2]), "=&r"(f[3]), "+r"(a)
                         :
                         : "cc");
        for (int j = 0; j < 4; j++)
            f[j] &= 0x8d5 & (uint64_t)~(j == 2 ? 0x01 : j == 1 ? 0x800 : 0);
        mix(f, sizeof f);
        mix(&a, sizeof a);
    }
}

/* mov eax, n; add eax, edi; ret - written again and again into the same page, which is sometimes gone in between. */
static void rewriting(void)
{
    unsigned char code[] = {0xb8, 0, 0, 0, 0, 0x01, 0xf8, 0xc3};
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 60; i++) {
        code[1] = (unsigned char)(i % 7);
        memcpy(page + (i % 3) * 16, code, sizeof code);
        for (int j = 0; j < 3; j++)
            if (i >= j) {
                int got = ((int (*)(int))(void *)(page + (i - j) % 3 * 16))(i);
                mix(&got, sizeof got);
            }
        if (i % 20 == 19) {
            munmap(page, 4096);
            page = mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            for (int j = 0; j < 3; j++)
                memcpy(page + j * 16, code, sizeof code);
        }
    }
    munmap(page, 4096);
}

/* Every rounding, with and without denormals; the exception flags; the same for x87. */
static void rounding(void)
{
    static const double numbers[] = {1.0, 3.0, -0.1, 1e-310, 1e300, 7e-200, 123456789.25};
    for (unsigned mode = 0; mode < 8; mode++) {
        unsigned mxcsr = 0x1f80 | (mode & 3) << 13 | (mode & 4 ? 0x8040 : 0), status;
        unsigned short control = (unsigned short)(0x37f | (mode & 3) << 10), all;
        __asm__ volatile("ldmxcsr %0\n fldcw %1\n fnclex" : : "m"(mxcsr), "m"(control));
        for (int i = 0; i < 49; i++) {
            volatile double a = numbers[i % 7], b = numbers[i / 7];
            double r[3] = {a / b, a * b, a + b};
            long double l = (long double)a / b;
            int n = (int)(b / 3);
            mix(r, sizeof r);
            mix(&l, 10);
            mix(&n, sizeof n);
        }
        __asm__ volatile("stmxcsr %0\n fnstsw %1" : "=m"(status), "=m"(all));
        mix(&status, sizeof status);
        all &= 0x3f;
        mix(&all, sizeof all);
    }
    __asm__ volatile("ldmxcsr %0\n fninit" : : "m"((unsigned){0x1f80}));
}

enum { GUARDED = 9 };
static char *guarded;
static sigjmp_buf back;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if ((char *)info->si_addr >= guarded && (char *)info->si_addr < guarded + GUARDED * 4096)
        mprotect((char *)((uintptr_t)info->si_addr & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE);
    else
        siglongjmp(back, signal);
}

static void faults(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    guarded = mmap(NULL, GUARDED * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(guarded + 5, 7, 7 * 4096);
    mix(guarded, 7 * 4096);
    volatile int zero = 0;
    for (volatile int i = 0; i < 6; i++) {
        int got = sigsetjmp(back, 1);
        if (got == 0) {
            if (i % 2)
                mix(&(int){i / zero}, sizeof(int));
            else
                *(volatile char *)(uintptr_t)(i * 8) = 1;
        }
        mix(&got, sizeof got);
    }
}

static volatile sig_atomic_t ticks;

static void on_tick(int signal)
{
    (void)signal;
    ticks++;
}

static void timers(void)
{
    signal(SIGALRM, on_tick);
    struct itimerval timer = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &timer, NULL);
    while (ticks < 8)
        ;
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
}

static __attribute__((noinline)) int deep(int n)
{
    volatile int here = n;
    int below = n == 0 ? 1 : deep(n - 1);
    return (below * 31 + here) % 1000003;
}

int main(void)
{
    faults();
    heap();
    nans();
    flags();
    printf("so far %016lx\n", sum);
    fflush(stdout);
    rewriting();
    timers();
    rounding();
    printf("depth %d\n", deep(5000));
    /* The last of the guarded pages, which nobody has touched yet. */
    mix(guarded + (GUARDED - 1) * 4096 + 100, 100);
    char text[100];
    int length = snprintf(text, sizeof text, "%.17g %La %e %08x", 1 / 3.0, 2.5L, 6.02e23, next());
    mix(text, (size_t)length);
    printf("%s %016lx\n", text, sum);
    return (int)(sum & 127);
}
