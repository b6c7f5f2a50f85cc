/**
 * Runs a program and writes down what it cost, because Node cannot tell the CPU time of one child from another's.
 *
 *   rusage RESULT STDOUT STDERR SECONDS PROG ARGS...
 *
 * RESULT gets one line: user and system time of the program and of all children it waited for, wall time (all in
 * microseconds), and the wait status. After SECONDS of wall time the program is killed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static void on_alarm(int signal)
{
    (void)signal;
    kill(child, SIGKILL);
}

static void redirect(const char *path, int descriptor)
{
    int opened = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (opened < 0 || dup2(opened, descriptor) < 0) {
        perror(path);
        _exit(126);
    }
    close(opened);
}

static long microseconds(struct timeval t) { return t.tv_sec * 1000000L + t.tv_usec; }

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: rusage RESULT STDOUT STDERR SECONDS PROG ARGS...\n");
        return 2;
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    child = fork();
    if (child < 0) {
        perror("fork");
        return 1;
    }
    if (child == 0) {
        redirect(argv[2], 1);
        redirect(argv[3], 2);
        execv(argv[5], argv + 5);
        perror(argv[5]);
        _exit(127);
    }
    signal(SIGALRM, on_alarm);
    alarm(strtoul(argv[4], NULL, 10));
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0)
        ;
    clock_gettime(CLOCK_MONOTONIC, &end);
    FILE *result = fopen(argv[1], "w");
    if (!result) {
        perror(argv[1]);
        return 1;
    }
    fprintf(result, "%ld %ld %ld %d\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime),
            (end.tv_sec - begin.tv_sec) * 1000000L + (end.tv_nsec - begin.tv_nsec) / 1000, status);
    return fclose(result) ? 1 : 0;
}
