/* Reads and writes of every size around and after blocks, and in string functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { int a; short b; char c; long d; };

static __attribute__((noinline)) void touch(volatile char *p, int from, int to)
{
    for (int i = from; i < to; i++)
        p[i] = 1;
}

int main(void)
{
    volatile struct node *n = malloc(sizeof(struct node) - 8);
    volatile int *numbers = malloc(10 * sizeof *numbers);
    volatile long *longs = calloc(3, sizeof *longs);
    volatile char *bytes = malloc(7);
    volatile double *doubles = malloc(2 * sizeof *doubles);
    volatile long sum = 0;
    char *text = malloc(8);
    n->a = 1;
    n->d = 2;
    numbers[10] = 3;
    numbers[-1] = 4;
    sum += longs[3];
    sum += longs[-1];
    touch(bytes, 0, 8);
    touch(bytes, -2, 0);
    doubles[2] = 1.5;
    sum += *(volatile short *)(bytes + 7);
    sum += *(volatile int *)(bytes + 5);
    strcpy(text, "1234567");
    sum += strlen(text);
    memcpy(text, "12345678", 8);
    sum += (long)strlen(text);
    free(text);
    sum += text[3];
    sum += (long)strlen(text);
    free((void *)longs);
    longs[1] = 5;
    free((void *)numbers);
    sum += numbers[2];
    free((void *)n);
    sum += n->b;
    free((void *)bytes);
    free((void *)doubles);
    return sum == 12345;
}
