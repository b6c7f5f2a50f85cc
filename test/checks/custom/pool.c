/* An allocator of fixed and one of growing blocks, and a pool that is freed as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64

static union chunk { union chunk *next; char bytes[CHUNK]; } chunks[64], *list;
static int used;

__attribute__((noinline)) void *my_alloc(size_t size)
{
    union chunk *chunk = list;
    if (size > CHUNK)
        return 0;
    if (chunk != 0)
        list = chunk->next;
    else
        chunk = &chunks[used++];
    return chunk;
}

__attribute__((noinline)) void my_free(void *p)
{
    union chunk *chunk = p;
    if (chunk == 0)
        return;
    chunk->next = list;
    list = chunk;
}

__attribute__((noinline)) void *my_zeroed(size_t count, size_t size)
{
    void *p = my_alloc(count * size);
    memset(p, 0, count * size);
    return p;
}

struct arena { size_t used; char *bytes; };

__attribute__((noinline)) void *arena_alloc(struct arena *arena, size_t size)
{
    void *p = arena->bytes + arena->used;
    arena->used += (size + 15) & ~15ul;
    return p;
}

__attribute__((noinline)) void arena_reset(struct arena *arena)
{
    arena->used = 0;
}

int main(void)
{
    struct arena arena = { 0, malloc(4096) };
    char **kept = malloc(sizeof *kept);
    char *a = my_alloc(20);
    char *b = my_alloc(64); //~ leak-definite
    int *zeros = my_zeroed(3, 4);
    char *one = arena_alloc(&arena, 24);
    char *two = arena_alloc(&arena, 24);
    memset(a, 1, 20);
    memset(b, 2, 64);
    memset(one, 3, 24);
    memset(two, 4, 24);
    printf("%d\n", zeros[0] + zeros[2]);
    *kept = b;
#ifndef GOOD
    my_alloc(8); //~ leak-definite
    *kept = 0;
    b = 0;
#endif
    my_free(a);
#ifndef GOOD
    a[3] = 1; //~ invalid-write
    my_free(a); //~ double-free
    my_free(zeros + 1); //~ invalid-free
#endif
    my_free(zeros);
    arena_reset(&arena);
#ifndef GOOD
    printf("%d\n", two[5]); //~ invalid-read
#endif
    one = arena_alloc(&arena, 100);
    memset(one, 5, 100);
    arena_reset(&arena);
#ifdef GOOD
    my_free(*kept);
#endif
    free(arena.bytes);
    free(kept);
    return 0;
}
