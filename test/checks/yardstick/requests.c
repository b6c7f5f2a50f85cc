/* What a program says to Valgrind: of its memory, of its own allocator's blocks and pools, of errors that are not to be told, and questions. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <valgrind/memcheck.h>

static char *chunk(void)
{
    char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    VALGRIND_MAKE_MEM_NOACCESS(p, 65536);
    return p;
}

static void memory(void)
{
    volatile int sum = 0;
    char *p = malloc(100);
    VALGRIND_MAKE_MEM_NOACCESS(p, 5);
    sum += p[2];
    VALGRIND_MAKE_MEM_DEFINED(p, 10);
    sum += p[3];
    VALGRIND_MAKE_MEM_UNDEFINED(p + 3, 2);
    if (p[3] == 3)
        sum++;
    VALGRIND_MAKE_MEM_DEFINED_IF_ADDRESSABLE(p + 90, 20);
    if (p[95] == 3)
        sum++;
    sum += (int)VALGRIND_CHECK_MEM_IS_DEFINED(p, 10);
    sum += (int)VALGRIND_CHECK_MEM_IS_DEFINED(p + 90, 10);
    sum += (int)VALGRIND_CHECK_MEM_IS_ADDRESSABLE(p, 101);
    sum += (int)VALGRIND_CHECK_MEM_IS_ADDRESSABLE((void *)0x10000, 8);
    VALGRIND_DISABLE_ERROR_REPORTING;
    sum += p[100];
    VALGRIND_ENABLE_ERROR_REPORTING;
    sum += p[101];
    VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(p + 102, 1);
    sum += p[102];
    VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(p + 102, 1);
    sum += p[102];
    free(p);
}

static void blocks(void)
{
    char *heap = chunk();
    int *array = (int *)(heap + 64);
    VALGRIND_MALLOCLIKE_BLOCK(array, 40, 8, 0);
    array[8] = 8;
    array[12] = 10;
    VALGRIND_RESIZEINPLACE_BLOCK(array, 40, 20, 8);
    array[5] = 9;
    VALGRIND_RESIZEINPLACE_BLOCK(array, 20, 28, 8);
    if (array[5])
        array[4] = 9;
    VALGRIND_FREELIKE_BLOCK(array, 8);
    array[1] = 3;
    VALGRIND_FREELIKE_BLOCK(array, 8);
    VALGRIND_FREELIKE_BLOCK((char *)1, 0);
    array = malloc(40);
    VALGRIND_FREELIKE_BLOCK(array, 0);
    array = (int *)(heap + 640);
    VALGRIND_MALLOCLIKE_BLOCK(array, 24, 0, 1);
    if (array[2] == 3)
        array[3] = 4;
    array = 0;
}

static void pools(void)
{
    volatile int sum = 0;
    char *heap = chunk();
    char *a = heap + 16, *b = heap + 128, *c = heap + 256;
    VALGRIND_CREATE_MEMPOOL(heap, 8, 0);
    VALGRIND_MEMPOOL_ALLOC(heap, a, 20);
    VALGRIND_MEMPOOL_ALLOC(heap, b, 20);
    VALGRIND_MEMPOOL_ALLOC(heap, c, 20);
    sum += a[-1];
    sum += a[20];
    if (a[1])
        sum++;
    VALGRIND_MEMPOOL_FREE(heap, a);
    sum += a[1];
    VALGRIND_MEMPOOL_FREE(heap, a);
    VALGRIND_MOVE_MEMPOOL(heap, heap + 1);
    VALGRIND_MEMPOOL_FREE(heap, b);
    VALGRIND_MEMPOOL_TRIM(heap + 1, c, 20);
    b[0] = 1;
    c[0] = 1;
    VALGRIND_DESTROY_MEMPOOL(heap + 1);
    c[0] = 1;
    VALGRIND_DESTROY_MEMPOOL(heap + 1);
}

int main(void)
{
    memory();
    blocks();
    pools();
    VALGRIND_PRINTF("not for the program's output\n");
    return 0;
}
