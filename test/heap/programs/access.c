/* Reads and writes of what is no block: by single accesses, in loops, by structures, vectors, repeated instructions and the string functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    long first, second;
};

static long sum(const int *p, int n)
{
    long total = 0;
    for (int i = 0; i < n; i++)
        total += p[i]; //~ invalid-read 3
    return total;
}

static void fill(char *p, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(1) : "memory"); //~ invalid-write 4
}

int main(void)
{
    int *numbers = calloc(25, sizeof *numbers);
    char *bytes = malloc(60);
    struct pair *volatile pair = malloc(sizeof *pair);
    char *volatile text = strdup("some text of a certain length");
    int extra = 0;
#ifndef GOOD
    extra = 3;
#endif
    printf("%ld\n", sum(numbers, 25 + extra));
    fill(bytes, 60 + (extra ? 4 : 0));
    bytes[59] = 0;
    pair->first = pair->second = 3;
    printf("%zu %s\n", strlen(text), strchr(text, 'c'));
#ifndef GOOD
    struct pair *volatile small = malloc(12);
    small->second = 4; //~ invalid-write
    free(small);
    free(pair);
    printf("%ld\n", pair->second); //~ invalid-read
    char copy[100];
    memcpy(copy, text, 34); //~ invalid-read
    char *volatile old = text;
    text = strdup(text);
    free(old);
    printf("%zu\n", strlen(old)); //~ invalid-read
    __builtin_memset(old, 0, 8); //~ invalid-write
#else
    free(pair);
    printf("3\n29\n");
#endif
    free(text);
    free(bytes);
    free(numbers);
    return 0;
}
