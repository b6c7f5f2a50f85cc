/* A large block whose memory has been given back. */
#include <stdio.h>
#include <stdlib.h>
#include "caught.h"

int main(void)
{
    volatile char *large = malloc(40000000);
    large[0] = 1;
    free((void *)large);
    catch_faults();
#ifndef GOOD
    CAUGHT((void)large[30000000]); //~ invalid-read
#endif
    printf("%d\n", large != 0);
    return 0;
}
