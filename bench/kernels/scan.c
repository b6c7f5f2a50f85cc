/** Scans 256 MB of text byte by byte, counting, tokenising and matching: shows byte loads and dense branches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MEGABYTE (1 << 20)

static char text[MEGABYTE + 1];

/* Ends at the terminating zero, as the string functions of C do. */
static uint64_t words(const char *at)
{
    uint64_t count = 0, longest = 0;
    while (*at) {
        while (*at == ' ' || *at == '\n')
            at++;
        const char *begin = at;
        while (*at && *at != ' ' && *at != '\n')
            at++;
        if (at > begin)
            count++;
        if ((uint64_t)(at - begin) > longest)
            longest = at - begin;
    }
    return count * 100 + longest;
}

static uint64_t matches(const char *at, const char *pattern)
{
    uint64_t count = 0;
    for (; *at; at++) {
        const char *a = at, *p = pattern;
        while (*p && *a == *p)
            a++, p++;
        if (!*p)
            count++;
    }
    return count;
}

static uint32_t hash(const char *at)
{
    uint32_t h = 5381;
    while (*at)
        h = h * 33 ^ (unsigned char)*at++;
    return h;
}

int main(int argc, char **argv)
{
    size_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 256;
    uint64_t random = 88172645463325252u, sum = 0;
    for (size_t i = 0; i < MEGABYTE; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        text[i] = "etaoin shrdlu\ncmf"[random % 17];
    }
    for (size_t m = 0; m < megabytes; m++) {
        text[m % MEGABYTE] = 'x'; /* each pass reads another text */
        sum = sum * 31 + words(text) + matches(text, "tea") + hash(text);
    }
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
