/* Sizes that cannot be meant, and what is not there to be resized. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char *p = malloc(10);
    memcpy(p, "123456789", 10);
    for (int size = 20; size < 200000; size *= 2) {
        p = realloc(p, size);
        if (strcmp(p, "123456789") != 0)
            return 1;
    }
#ifndef GOOD
    errno = 0;
    void *volatile q = realloc(p, -(size_t)argc); //~ absurd-size
    printf("%d %d\n", q == NULL, errno == ENOMEM);
    q = malloc((size_t)-16 * argc); //~ absurd-size
    printf("%d %d\n", q == NULL, errno == ENOMEM);
    q = realloc(p, 0); //~ realloc-zero
    printf("%d\n", q == NULL);
    q = realloc(p, 100); //~ invalid-realloc
#else
    free(p);
    printf("1 1\n1 1\n1\n");
#endif
    return argv == NULL;
}
