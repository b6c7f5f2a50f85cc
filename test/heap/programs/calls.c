/* Memory of the heap that is handed to the kernel, more of it than there is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
    size_t extra = 0;
#ifndef GOOD
    extra = 5;
#endif
    char *volatile text = malloc(20);
    memset(text, 'x', 20);
    text[19] = '\n';
    int fd = open("/dev/null", O_WRONLY);
    write(fd, text, 20 + extra); //~ syscall-read
    struct iovec parts[2] = {{text, 10}, {text + 10, 10 + extra}};
    writev(fd, parts, 2); //~ syscall-read
    int zero = open("/dev/zero", O_RDONLY);
    char *volatile into = malloc(30);
    read(zero, into, 30);
#ifndef GOOD
    free(into);
    read(zero, into, 30); //~ syscall-write
#else
    free(into);
#endif
    int pipes[2];
    pipe(pipes);
    write(pipes[1], "four", 4);
    char *volatile four = malloc(4);
#ifndef GOOD
    read(pipes[0], four, 100); //~ syscall-write
#else
    read(pipes[0], four, 4);
#endif
    printf("%.4s\n", four);
    free(four);
    free(text);
    return 0;
}
