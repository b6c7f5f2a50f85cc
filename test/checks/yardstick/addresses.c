/* System calls that are given what is no address, memory that brk has just given, and pointers that only dead frames hold. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static __attribute__((noinline)) void lose(void)
{
    char *volatile kept = malloc(24);
    (void)kept;
}

static __attribute__((noinline)) void below(int depth)
{
    volatile char frame[256];
    frame[0] = 1;
    if (depth > 0)
        below(depth - 1);
}

int main(void)
{
    socklen_t length = 16;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), x = 0;
    char *room = sbrk(4096);
    lose();
    below(3);
    getsockname(fd, NULL, &length);
    open((char *)16, O_RDONLY);
    open(NULL, O_RDONLY);
    write(1, (char *)16, 3);
    read(fd, NULL, 0);
    if (room[5])
        x = 1;
    void *n = malloc(8);
    size_t size;
    free(n);
    n = malloc(size & 15);
    free(n);
    return x & 0;
}
