/* Values that nobody set, in conditions, addresses, floating point, loops, structures and calls of library functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair { char tag; int value; };

static __attribute__((noinline)) int is_positive(int value)
{
    if (value > 0)
        return 1;
    return 0;
}

static __attribute__((noinline)) int loop(int *a, int n)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        if (a[i] == 7)
            found++;
    return found;
}

static __attribute__((noinline)) int choose(double *d)
{
    if (*d > 1.0)
        return 1;
    return 2;
}

static __attribute__((noinline)) int bits(unsigned char *p)
{
    if (*p & 1)
        return 1;
    return 0;
}

int main(void)
{
    volatile int sum = 0;
    int *a = malloc(4 * sizeof *a);
    double *d = malloc(sizeof *d);
    unsigned char *b = malloc(4);
    char *text = malloc(16);
    struct pair pair, copy;
    int matrix[3][3];
    a[0] = a[1] = a[3] = 7;
    sum += is_positive(a[2] + 5);
    sum += is_positive(a[2] ^ a[2]);
    sum += loop(a, 4);
    sum += choose(d);
    *b = (unsigned char)((*b & 0xfe) | 1);
    sum += bits(b);
    sum += bits(b + 1);
    pair.tag = 1;
    copy = pair;
    sum += is_positive(copy.tag);
    sum += is_positive(copy.value);
    memset(matrix, 0, sizeof matrix);
    sum += matrix[a[1] == 7][b[0] & 1];
    sum += matrix[b[2] & 1][1];
    text[0] = 'a';
    if (strlen(text + 1) > 3)
        sum++;
    if (memcmp(text, text + 8, 4) == 0)
        sum++;
    free(a);
    free(d);
    free(b);
    free(text);
    return sum == 12345;
}
