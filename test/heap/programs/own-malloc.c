/* A program with an allocator of its own, which is left alone: it would be a strange one to lemming's. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char arena[1 << 20];
static size_t used;
static int calls;

void *malloc(size_t size)
{
    void *p = arena + used;
    used += (size + 31) & ~(size_t)15;
    calls++;
    return p;
}

void free(void *p)
{
    (void)p;
}

void *calloc(size_t n, size_t size)
{
    void *p = malloc(n * size);
    memset(p, 0, n * size);
    return p;
}

void *realloc(void *p, size_t size)
{
    void *q = malloc(size);
    if (p != NULL)
        memcpy(q, p, size);
    return q;
}

int main(void)
{
    char *volatile p = malloc(10);
    free(p);
    free(p);
    printf("%d %d\n", p >= arena && p < arena + sizeof arena, calls > 0);
    return 0;
}
