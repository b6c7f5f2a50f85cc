/* A child that inherits blocks: it frees one twice, and loses others than its parent. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char *p = malloc(10);
    volatile char clean[2048];
    pid_t child = fork();
    if (child == 0) {
        free(p);
#ifndef GOOD
        free(p); //~ double-free
        p = malloc(30); //~ leak-definite
#endif
        p = NULL;
    } else {
        free(p);
        p = NULL;
#ifndef GOOD
        p = malloc(20); //~ leak-definite
        p = NULL;
#endif
    }
    for (unsigned i = 0; i < sizeof clean; i++)
        clean[i] = 0;
    if (child == 0)
        exit(7);
    int status;
    wait(&status);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
