/* Accesses that the processor refuses, each with another reason. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "caught.h"

struct node { char name[40]; int value; struct node *next; };

static const int table[1024] = { 1, 2, 3 };

static char *taken(void)
{
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1;
    munmap(p, 8192);
    return p;
}

int main(void)
{
    volatile struct node *none = 0;
    volatile char *shut = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *locked = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/exe", O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    volatile char *file = mmap(0, size + 65536, PROT_READ, MAP_PRIVATE, fd, 0);
    volatile char *end = sbrk(0);
    volatile char *gone = taken();
    char *text = "a literal";
    catch_faults();
#ifndef GOOD
    CAUGHT(none->value = 1); //~ invalid-write
    CAUGHT((void)none->next); //~ invalid-read
    CAUGHT((void)*(volatile int *)-8L); //~ invalid-read
    CAUGHT((void)gone[4097]); //~ invalid-read
    CAUGHT((void)shut[5]); //~ invalid-read
    CAUGHT(locked[6] = 1); //~ invalid-write
    CAUGHT(*(volatile char *)text = 'A'); //~ invalid-write
    CAUGHT(*(volatile int *)&table[3] = 4); //~ invalid-write
    CAUGHT(*(volatile char *)main = 0x90); //~ invalid-write
    CAUGHT(end[8] = 1); //~ invalid-write
    CAUGHT((void)file[size + 8192]); //~ invalid-read
    CAUGHT((void)*(volatile int *)0x6f6c6c6568L); //~ invalid-read
    CAUGHT((void)*(volatile int *)0x4141414141414141L); //~ invalid-read
    CAUGHT((void)*(volatile int *)0xffffffff81000000L); //~ invalid-read
    for (int i = 0; i < 3; i++) {
        CAUGHT(none->value = i); //~ invalid-write 3
    }
#endif
    printf("%d %d %d\n", none == 0, shut != 0, table[2] + text[0] + (gone != 0) + (end != 0) + (file != 0) + (locked != 0));
    return 0;
}
