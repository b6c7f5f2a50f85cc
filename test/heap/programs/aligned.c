/* All the ways to ask for memory give what they promise; nothing is wrong here, with GOOD or without. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_aligned(void *p, size_t to)
{
    return p != NULL && (uintptr_t)p % to == 0;
}

int main(void)
{
    int good = 1;
    for (size_t align = 16; align <= 8192; align *= 2) {
        void *p, *q = aligned_alloc(align, align * 3);
        good &= posix_memalign(&p, align, 100) == 0 && is_aligned(p, align) && is_aligned(q, align);
        memset(p, 1, 100);
        memset(q, 2, align * 3);
        good &= malloc_usable_size(p) >= 100;
        free(p);
        free(q);
    }
    void *p = NULL;
    good &= posix_memalign(&p, 24, 10) == EINVAL && posix_memalign(&p, 4, 10) == EINVAL;
    void *v = valloc(10), *m = memalign(64, 10), *z = malloc(0), *y = malloc(0);
    good &= is_aligned(v, 4096) && is_aligned(m, 64) && z != NULL && y != z;
    free(v);
    free(m);
    free(z);
    free(y);
    unsigned char *c = calloc(1000, 70);
    for (int i = 0; i < 70000; i++)
        good &= c[i] == 0;
    memset(c, 0xff, 70000);
    free(c);
    errno = 0;
    void *volatile none = calloc((size_t)1 << 33, (size_t)1 << 33);
    good &= none == NULL && errno == ENOMEM;
    void *r = reallocarray(NULL, 10, 20);
    good &= r != NULL;
    free(r);
    for (int i = 0; i < 3000; i++) {
        char *s = malloc(i);
        good &= is_aligned(s, 16);
        memset(s, i, i);
        s = realloc(s, i * 2 + 1);
        for (int k = 0; k < i; k++)
            good &= s[k] == (char)i;
        free(s);
    }
    puts(good ? "good" : "bad");
    return !good;
}
