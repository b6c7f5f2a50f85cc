/* Bytes before and behind blocks that are overwritten. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
    volatile char *p = malloc(13);
    volatile char *q = malloc(64);
    volatile char *kept = malloc(100000);
    volatile char *large = malloc(70000);
    memset((void *)p, 1, 13);
#ifndef GOOD
    p[13] = 'x'; //~ invalid-write
    p[15] = 'y'; //~ invalid-write
    q[-1] = 1; //~ invalid-write
    large[70000] = 3; //~ invalid-write
#endif
    free((void *)p);
    free((void *)q);
    free((void *)large);
    free((void *)kept);
    return 0;
}
