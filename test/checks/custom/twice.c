/* An allocator that hands out the same memory twice, as one with a broken free list does. */
#include <stdio.h>
#include <string.h>

static char memory[4096];
static int next;

__attribute__((noinline)) void *my_alloc(unsigned long size)
{
    char *p = memory + next;
#ifdef GOOD
    next += (int)size;
#else
    next += (int)size / 2;
#endif
    return p;
}

int main(void)
{
    static char *a, *b, *c;
    a = my_alloc(32);
    b = my_alloc(64); //~ overlapping-block
    c = my_alloc(128); //~ overlapping-block
    memset(a, 1, 32);
    memset(c, 2, 128);
    printf("%d\n", b != a);
    return 0;
}
