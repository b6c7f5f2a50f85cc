/* Conditions and addresses that depend on bytes that nobody wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point { int x; int y; };

static __attribute__((noinline)) int local(int set)
{
    int value;
    if (set)
        value = 1;
    if (value > 0) //~ undefined-jump
        return 2;
    return 3;
}

static __attribute__((noinline)) int heap(struct point *p)
{
    if (p->y == 7) //~ undefined-jump
        return 1;
    return 0;
}

static __attribute__((noinline)) int table(unsigned char *index)
{
    static const int squares[256] = { 0, 1, 4, 9 };
    return squares[*index]; //~ undefined-address
}

static __attribute__((noinline)) void twice(int (*f)(const void *, size_t), const void *p)
{
    for (int i = 0; i < 3; i++)
        f(p, 4);
}

static int any(const void *p, size_t length)
{
    const char *bytes = p;
    for (size_t i = 0; i < length; i++)
        if (bytes[i]) //~ undefined-jump 12
            return 0;
    return 0;
}

int main(void)
{
    struct point *p = malloc(sizeof *p);
    struct point *copy = malloc(sizeof *copy);
    unsigned char *index = malloc(16);
    volatile int result = 0;
    p->x = 1;
#ifdef GOOD
    p->y = 2;
    memset(index, 1, 16);
#endif
    memcpy(copy, p, sizeof *p);
#ifdef GOOD
    result += local(1);
#else
    result += local(0);
#endif
    result += heap(copy);
    result += table(index + 3);
    twice(any, index + 8);
    free(p);
    free(copy);
    free(index);
    return 0;
}
