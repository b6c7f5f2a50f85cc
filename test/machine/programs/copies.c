/** Small functions that are called often, in every way that a copy of them in their caller might get wrong. Prints sums that every correct execution has. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile uint64_t ticks;
static sigjmp_buf landing;
static jmp_buf back;

NOINLINE static uint64_t mix(uint64_t a, uint64_t b) { return (a ^ b) * 0x9e3779b97f4a7c15u >> 7; }

NOINLINE static int clamp(int x, int low, int high)
{
    if (x < low)
        return low;
    return x > high ? high : x;
}

/** A cold path that is longer than a copy may be. */
NOINLINE static uint64_t seldom(uint64_t x)
{
    if (__builtin_expect(x % 50021 == 0, 0)) {
        char text[64];
        snprintf(text, sizeof text, "%llu", (unsigned long long)x);
        return strlen(text) + mix(x, x);
    }
    return x + 1;
}

/** Calls within what is copied. */
NOINLINE static uint64_t outer(uint64_t a)
{
    uint64_t first = mix(a, 3);
    return first + (uint64_t)clamp((int)(first & 1023), 5, 900);
}

NOINLINE static uint64_t sorts(unsigned x)
{
    switch (x % 7) {
    case 0: return x + 3;
    case 1: return x * 5;
    case 2: return x ^ 0x55;
    case 3: return x - 9;
    case 4: return x << 3;
    case 5: return ~x;
    default: return x / 3;
    }
}

NOINLINE static uint64_t fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

NOINLINE static uint64_t jumps(uint64_t x)
{
    if (x % 30011 == 7)
        longjmp(back, 1);
    return x & 15;
}

NOINLINE static uint64_t faults(const volatile uint32_t *p) { return *p + 1; }

static void onFault(int signal)
{
    (void)signal;
    siglongjmp(landing, 1);
}

static void onTick(int signal)
{
    (void)signal;
    ticks++;
}

/* Returns that are no ordinary ones: one that pops its return address, one that leaves more stack than its address, one that comes back a few bytes further. */
uint64_t popped(uint64_t x);
uint64_t generous(uint64_t x);
uint64_t further(uint64_t x);
uint64_t callsGenerous(uint64_t x);
uint64_t callsFurther(uint64_t x);
__asm__("popped:\n"
        "  lea 7(%rdi), %rax\n"
        "  pop %rcx\n"
        "  jmp *%rcx\n"
        "generous:\n"
        "  mov 8(%rsp), %rax\n"
        "  add 16(%rsp), %rax\n"
        "  ret $16\n"
        "callsGenerous:\n"
        "  push %rbx\n"
        "  push %rdi\n"
        "  push %rdi\n"
        "  call generous\n"
        "  pop %rbx\n"
        "  ret\n"
        "further:\n"
        "  lea 1(%rdi), %rax\n"
        "  test $31, %dil\n"
        "  jne 1f\n"
        "  addq $4, (%rsp)\n"
        "1: ret\n"
        "callsFurther:\n"
        "  sub $8, %rsp\n"
        "  call further\n"
        "  add $100, %rax\n"
        "  add $8, %rsp\n"
        "  ret\n");

static int (*volatile compare)(int, int);
NOINLINE static int less(int a, int b) { return a < b; }
NOINLINE static int more(int a, int b) { return a > b; }
NOINLINE static int odd(int a, int b) { return (a ^ b) & 1; }

int main(void)
{
    enum { MANY = 120000 };
    struct sigaction action = {.sa_handler = onFault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    action.sa_handler = onTick;
    action.sa_flags = SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    struct itimerval often = {{0, 500}, {0, 500}};
    setitimer(ITIMER_VIRTUAL, &often, NULL);

    uint64_t sum = 0;
    for (unsigned i = 0; i < MANY; i++)
        sum += mix(sum, i) + (uint64_t)clamp((int)(i % 300) - 100, -20, 77);
    printf("plain %llx\n", (unsigned long long)sum);
    for (unsigned i = 0; i < MANY; i++)
        sum += seldom(i) + outer(sum) + sorts(i);
    printf("paths %llx\n", (unsigned long long)sum);
    sum += fib(26);
    printf("fib %llx\n", (unsigned long long)sum);

    volatile unsigned from = 0;
    volatile uint64_t kept = sum;
    if (setjmp(back) != 0)
        kept += 1000;
    sum = kept;
    for (unsigned i = from; i < MANY; i++) {
        from = i + 1;
        kept = sum;
        sum += jumps(i);
    }
    printf("longjmp %llx\n", (unsigned long long)sum);

    static uint32_t good = 41;
    for (volatile unsigned i = 0; i < MANY; i++) {
        if (sigsetjmp(landing, i % 2000 == 0) != 0) {
            sum += 77;
            continue;
        }
        sum += faults(i % 2000 == 1999 ? (uint32_t *)(uintptr_t)(8 * (i % 5)) : &good);
    }
    printf("faults %llx\n", (unsigned long long)sum);

    for (uint64_t i = 0; i < 3 * MANY; i++)
        sum += popped(i);
    for (uint64_t i = 0; i < 3 * MANY; i++)
        sum += callsGenerous(i);
    for (uint64_t i = 0; i < 3 * MANY; i++)
        sum += callsFurther(i);
    printf("returns %llx\n", (unsigned long long)sum);

    int (*const all[])(int, int) = {less, more, odd};
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 20000 == 0)
            compare = all[i / 20000 % 3];
        sum += (uint64_t)compare((int)(i % 17), 8) << (i % 13 == 5 ? 1 : 0);
    }
    for (unsigned i = 0; i < MANY; i++)
        sum += (uint64_t)all[i % 3]((int)(i % 17), 8);
    printf("pointers %llx\n", (unsigned long long)sum);

    /* mov $imm32, %eax; add %edi, %eax; ret, rewritten while its caller has a copy of it. */
    unsigned char code[] = {0xb8, 1, 0, 0, 0, 0x01, 0xf8, 0xc3};
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 40000 == 39999)
            page[1]++;
        sum += ((unsigned (*)(unsigned))page)(i);
    }
    printf("written %llx\n", (unsigned long long)sum);
    return 0;
}
