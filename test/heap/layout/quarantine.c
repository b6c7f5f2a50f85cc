/* Prints after how many allocations a block's address comes again, and how many pages a long loop takes; nothing is wrong here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    void *first = malloc(100);
    free(first);
    int n = 0;
    for (void *p = NULL; p != first; n++) {
        p = malloc(100);
        free(p);
    }
    static unsigned char seen[1 << 20];
    int pages = 0;
    for (int i = 0; i < 200000; i++) {
        void *p = malloc(i % 3000);
        uintptr_t page = (uintptr_t)p >> 12;
        pages += !seen[page & 0xfffff];
        seen[page & 0xfffff] = 1;
        free(p);
    }
    printf("%d %d\n", n, pages);
    return 0;
}
