/** Asks an allocator for aligned, resized and zeroed blocks of many sizes, and checks what it gets. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
    unsigned long bad = 0, blocks = 0;
    for (size_t align = 16; align <= 262144; align *= 2)
        for (size_t size = 1; size < 300000; size = size * 3 + 1) {
            char *p[3];
            for (int k = 0; k < 3; k++, blocks++) {
                bad += posix_memalign((void **)&p[k], align, size) != 0;
                bad += ((uintptr_t)p[k] & (align - 1)) != 0 || malloc_usable_size(p[k]) < size;
                memset(p[k], k, size);
            }
            for (int k = 0; k < 3; k++) {
                for (size_t i = 0; i < size; i++)
                    bad += p[k][i] != k;
                free(p[k]);
            }
        }
    for (size_t size = 0; size < 70000; size += 37, blocks++) {
        char *p = malloc(size);
        bad += malloc_usable_size(p) < size;
        memset(p, 1, size);
        p = realloc(p, size * 2 + 5);
        for (size_t i = 0; i < size; i++)
            bad += p[i] != 1;
        free(p);
        char *zeroed = calloc(size, 1);
        for (size_t i = 0; i < size; i++)
            bad += zeroed[i] != 0;
        free(zeroed);
    }
    volatile size_t half = SIZE_MAX / 2;
    bad += malloc(half) != NULL || calloc(half, 3) != NULL;
    printf("%lu blocks, %lu bad\n", blocks, bad);
}
