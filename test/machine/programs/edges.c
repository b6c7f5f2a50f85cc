/* Accesses at the edges of what is mapped, again and again, by code that has become hot: what works, what faults, and where. */
#define _GNU_SOURCE
#include <emmintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, TIMES = 60 };

static char *base;
static sigjmp_buf back;
static uint64_t sum;
static volatile int rounds;

static void note(uint64_t value) { sum = sum * 1099511628211u + value; }

static void fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    note(number);
    note(info->si_code);
    uint64_t offset = (uint64_t)info->si_addr - (uint64_t)base;
    note(offset + 8 * PAGE < 32 * PAGE ? offset : (uint64_t)info->si_addr);
    note(u->uc_mcontext.gregs[REG_ERR]);
    note(rounds);
    siglongjmp(back, 1);
}

#define EDGE(name, type, load)                                     \
    __attribute__((noinline)) static uint64_t name(const char *at) \
    {                                                              \
        type value;                                                \
        load;                                                      \
        uint64_t low = 0;                                          \
        memcpy(&low, &value, sizeof value < 8 ? sizeof value : 8); \
        return low;                                                \
    }
EDGE(load1, uint8_t, value = *(volatile uint8_t *)at)
EDGE(load2, uint16_t, value = *(volatile uint16_t *)at)
EDGE(load4, uint32_t, value = *(volatile uint32_t *)at)
EDGE(load8, uint64_t, value = *(volatile uint64_t *)at)
EDGE(load16, __m128i, value = _mm_loadu_si128((const __m128i *)at))
EDGE(store1, uint8_t, value = 1; *(volatile uint8_t *)at = value)
EDGE(store4, uint32_t, value = 4; *(volatile uint32_t *)at = value)
EDGE(store8, uint64_t, value = 8; *(volatile uint64_t *)at = value)
EDGE(store16, __m128i, value = _mm_set1_epi8(16); _mm_storeu_si128((__m128i *)at, value))
EDGE(add4, uint32_t, value = ++*(volatile uint32_t *)at)

static uint64_t (*const accesses[])(const char *) = {load1, load2, load4, load8, load16, store1, store4, store8, store16, add4};

/* Several accesses around one pointer, of which a call makes some. */
__attribute__((noinline)) static uint64_t fields(volatile uint32_t *p, int which)
{
    uint64_t value = p[0];
    if (which & 1)
        value += p[1];
    if (which & 2)
        value += p[8], p[2] = value;
    if (which & 4)
        value ^= p[15];
    return value;
}

/* Loops over memory up to its last byte. */
__attribute__((noinline)) static uint64_t over(const char *from, const char *to)
{
    uint64_t value = 0;
    for (; from < to; from += 8)
        value = value * 31 + *(const uint64_t *)from;
    return value;
}

static void try(uint64_t (*f)(const char *), const char *at)
{
    if (sigsetjmp(back, 1) == 0)
        note(f(at));
}

__attribute__((noinline)) static uint64_t deep(uint64_t n)
{
    volatile uint64_t frame[40];
    rounds++;
    frame[n % 40] = n;
    return deep(n + 1) + frame[n % 40];
}

static ucontext_t main_context, side_context;
static void side(void)
{
    if (sigsetjmp(back, 1) == 0)
        note(deep(1));
}

int main(void)
{
    static char alternate[1 << 16];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);

    base = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 8 * PAGE; i++)
        base[i] = i * 7 + i / 256;
    mprotect(base + 2 * PAGE, PAGE, PROT_READ);
    mprotect(base + 4 * PAGE, PAGE, PROT_NONE);
    munmap(base + 7 * PAGE, PAGE);

    for (int round = 0; round < TIMES; round++) {
        rounds = round;
        for (unsigned a = 0; a < sizeof accesses / sizeof *accesses; a++)
            for (int edge = 1; edge <= 7; edge++)
                for (int offset = -17; offset <= 1; offset += round % 3 + 1)
                    try(accesses[a], base + edge * PAGE + offset);
        for (int which = 0; which < 8; which++)
            for (int edge = 1; edge <= 7; edge++)
                for (int offset = -64; offset <= 0; offset += 12)
                    if (sigsetjmp(back, 1) == 0)
                        note(fields((uint32_t *)(base + edge * PAGE + offset), which));
        if (sigsetjmp(back, 1) == 0)
            note(over(base, base + 4 * PAGE));
        if (sigsetjmp(back, 1) == 0)
            note(over(base + 5 * PAGE, base + 7 * PAGE + 8 * (round & 1)));
        try(load8, (char *)(0x100000000000u + round));
        try(store8, (char *)(0x8000000000000000u + round));
        try(load4, (char *)-1L);
        try((uint64_t (*)(const char *))(base + 4 * PAGE), base);
        try((uint64_t (*)(const char *))0x800000000000, base);
        try((uint64_t (*)(const char *))0x700000000000, base);
    }
    printf("%016lx\n", sum);

    /* Stacks of a few pages, until they overflow. */
    for (int round = 0; round < TIMES; round++) {
        char *room = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(room, PAGE, PROT_NONE);
        base = room;
        rounds = 0;
        getcontext(&side_context);
        side_context.uc_stack.ss_sp = room + PAGE;
        side_context.uc_stack.ss_size = (1 + round % 5) * PAGE;
        side_context.uc_link = &main_context;
        makecontext(&side_context, side, 0);
        swapcontext(&main_context, &side_context);
        munmap(room, 6 * PAGE);
    }
    printf("%016lx\n", sum);
    return 0;
}
