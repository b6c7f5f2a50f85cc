/* Pages that are given back with madvise are zero, and what may not be accessed in them stays so; a new mapping at the same place is another matter. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <valgrind/memcheck.h>

int main(void)
{
    volatile int sum = 0;
    char *p = malloc(100000), *pages = (char *)(((unsigned long)p + 4095) & ~4095ul);
    memset(p, 1, 100000);
    madvise(pages, 8192, MADV_DONTNEED);
    if (pages[5] == 3)
        sum++;
    sum += p[100000];
    sum += p[-1];
    free(p);
    madvise(pages, 8192, MADV_DONTNEED);
    sum += pages[9];
    char *m = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    VALGRIND_MAKE_MEM_NOACCESS(m, 16384);
    madvise(m + 4096, 4096, MADV_DONTNEED);
    sum += m[4100];
    sum += m[5];
    munmap(m, 8192);
    m = mmap(m, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    sum += m[5];
    sum += m[8192];
    return 0;
}
