/* Blocks that are given back wrongly: twice, from the middle, from the stack, from static memory, by realloc. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static char data[64];

int main(void)
{
    char local[32] = "";
    char *p = malloc(10);
    char *q = malloc(20);
    char *r = calloc(4, 10);
    char *aligned = memalign(64, 100);
    void *volatile where;
    where = p + 4;
    free((void *)where);
    where = local;
    free((void *)where);
    where = data;
    free((void *)where);
    where = (void *)0x70aull;
    free((void *)where);
    free(p);
    free(p);
    q = realloc(q, 40);
    q[39] = 1;
    where = q;
    r = realloc(r, 200);
    free(q);
    where = realloc((void *)where, 50);
    free(r);
    where = aligned + 1;
    free((void *)where);
    free(aligned);
    where = malloc(-1);
    where = calloc(-3, 1);
    where = realloc(NULL, 16);
    free((void *)where);
    return 0;
}
