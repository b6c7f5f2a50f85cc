/* System calls that are given bytes that nobody wrote. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct header { char kind; int length; char text[24]; };

int main(void)
{
    int fd = open("/dev/null", O_WRONLY);
    char *buffer = malloc(64);
    struct header header;
    struct iovec parts[2];
    struct timespec pause;
    memset(buffer, 'x', 34);
    parts[0].iov_base = buffer;
    parts[0].iov_len = 8;
    parts[1].iov_base = buffer + 16;
    parts[1].iov_len = 32;
    pause.tv_sec = 0;
#ifdef GOOD
    memset(buffer, 'y', 64);
    memset(&header, 0, sizeof header);
    pause.tv_nsec = 5;
#endif
    header.kind = 'k';
    header.length = 5;
    write(fd, buffer, 64); //~ undefined-write
    write(fd, &header, 8); //~ undefined-write
    writev(fd, parts, 2); //~ undefined-write
    nanosleep(&pause, 0); //~ undefined-write
    close(fd);
    free(buffer);
    return 0;
}
