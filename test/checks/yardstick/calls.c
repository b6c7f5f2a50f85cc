/* System calls that are given memory which is not there, or not set. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
    int fd = open("/dev/null", O_RDWR);
    int zero = open("/dev/zero", O_RDONLY);
    char *p = malloc(10);
    char *name = malloc(8);
    struct iovec parts[2];
    memset(p, 1, 10);
    write(fd, p, 20);
    read(zero, p, 11);
    strcpy(name, "/dev");
    access(name, F_OK);
    name[4] = 'x';
    name[5] = 'y';
    access(name, F_OK);
    parts[0].iov_base = p;
    parts[0].iov_len = 4;
    parts[1].iov_base = p + 8;
    parts[1].iov_len = 8;
    writev(fd, parts, 2);
    free(p);
    write(fd, p, 4);
    free(name);
    return 0;
}
