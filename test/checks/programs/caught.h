/* Goes on behind an access that raises a signal, as programs with handlers do. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>

static sigjmp_buf back;

static void handler(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void catch_faults(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
}

/* Executes a statement that may be left by a signal. */
#define CAUGHT(statement) do { if (sigsetjmp(back, 1) == 0) { statement; } } while (0)
