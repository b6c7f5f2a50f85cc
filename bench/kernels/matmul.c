/** Product of two 1024 x 1024 matrices of floats: shows nested loops over arrays and single-precision arithmetic. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
    float *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b), *c = calloc(n * n, sizeof *c);
    if (!a || !b || !c)
        return 1;
    for (size_t i = 0; i < n * n; i++) {
        a[i] = (float)(i % 17) - 8.25f;
        b[i] = (float)(i % 23) * 0.125f;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            for (size_t j = 0; j < n; j++)
                c[i * n + j] += a[i * n + k] * b[k * n + j];
    uint64_t sum = 0;
    for (size_t i = 0; i < n * n; i++) {
        uint32_t bits;
        memcpy(&bits, &c[i], sizeof bits);
        sum = sum * 31 + bits;
    }
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
