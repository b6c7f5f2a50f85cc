/** 50 million rounds of free and malloc of random sizes: shows libc's free lists, short functions and pointer chasing. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 4096

int main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000000;
    static unsigned char *slots[SLOTS];
    uint64_t random = 88172645463325252u, sum = 0;
    for (size_t n = 0; n < rounds; n++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t at = random % SLOTS, size = 8 + (random >> 20) % 505;
        if (slots[at]) {
            sum = sum * 31 + slots[at][0] + slots[at][7];
            free(slots[at]);
        }
        slots[at] = malloc(size);
        if (!slots[at])
            return 1;
        slots[at][0] = (unsigned char)n;
        slots[at][7] = (unsigned char)size;
    }
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
