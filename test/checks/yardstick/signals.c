/* Bad accesses and jumps that a handler on a stack of its own survives. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;

static void handler(int signal)
{
    siglongjmp(back, signal);
}

static __attribute__((noinline)) void jump(void (*volatile where)(void))
{
    where();
}

int main(void)
{
    stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
    struct sigaction action;
    char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigaltstack(&stack, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    if (sigsetjmp(back, 1) == 0)
        *(volatile int *)0 = 1;
    if (sigsetjmp(back, 1) == 0)
        *(volatile short *)48 += 1;
    if (sigsetjmp(back, 1) == 0)
        *(volatile char *)page = 1;
    if (sigsetjmp(back, 1) == 0)
        jump(0);
    if (sigsetjmp(back, 1) == 0)
        jump((void (*)(void))0x70aul);
    munmap(page, 4096);
    if (sigsetjmp(back, 1) == 0)
        return *(volatile int *)page;
    return 0;
}
