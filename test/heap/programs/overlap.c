/* Copies from one place to another that overlaps it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char *a = malloc(200);
    volatile size_t n = 20;
    memset(a, 'x', 199);
    a[10] = a[199] = 0;
    memcpy(a + 100, a, n);
    memmove(a + 4, a + 2, n);
    strcpy(a + 50, "a string");
    strncpy(a + 20, a + 50, n);
#ifndef GOOD
    memcpy(a + 100, a + 110, n); //~ overlap
    strcpy(a + 50, "some longer string");
    char *volatile to = a + 53;
    strncpy(to, a + 50, n); //~ overlap
    strcpy(a + 50, "1234567890");
    to = a + 48;
    strcpy(to, a + 50); //~ overlap
    strcpy(a + 50, "abc");
    to = a + 51;
    strncat(to, a + 50, 2); //~ overlap
#endif
    puts(a + 100 + argc * 0 + (argv == NULL));
    free(a);
    return 0;
}
