/* Pages of a block whose rights change and come back: what lies around the block still belongs to nobody. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
    char *p = aligned_alloc(4096, 8192 + 100);
    memset(p, 1, 8192 + 100);
    mprotect(p, 4096, PROT_READ);
    printf("%d\n", p[17]);
    mprotect(p, 4096, PROT_READ | PROT_WRITE);
    p[17] = 2;
    mprotect(p + 8192, 4096, PROT_NONE);
    mprotect(p + 8192, 4096, PROT_READ | PROT_WRITE);
    madvise(p, 4096, MADV_DONTNEED);
    printf("%d %d\n", p[17], p[8192 + 99]);
#ifndef GOOD
    p[8192 + 100] = 3; //~ invalid-write
#endif
    free(p);
#ifndef GOOD
    printf("%d\n", p[8192]); //~ invalid-read
#endif
    return 0;
}
