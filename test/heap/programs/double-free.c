/* A block that is given back twice, by two functions and in a loop. */
#include <stdlib.h>

static void drop(void *p)
{
    free(p); //~ double-free
}

int main(void)
{
    char *p = malloc(24);
    drop(p);
#ifndef GOOD
    drop(p);
    for (int i = 0; i < 5; i++) {
        char *q = calloc(1, 100);
        free(q);
        free(q); //~ double-free 5
    }
#endif
    return 0;
}
