/** Heapsort of 5 million ints with a comparison callback: shows the same calls where most loads miss the caches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int compare_fn(const void *, const void *);

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* volatile: which function is called stays unknown to the compiler. */
static compare_fn *volatile chosen = by_value;

static void sift_down(int *values, size_t at, size_t count, compare_fn *compare)
{
    int moving = values[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(&values[child], &values[child + 1]) < 0)
            child++;
        if (compare(&moving, &values[child]) >= 0)
            break;
        values[at] = values[child];
    }
    values[at] = moving;
}

static void heapsort_ints(int *values, size_t count, compare_fn *compare)
{
    for (size_t at = count / 2; at-- > 0;)
        sift_down(values, at, count, compare);
    for (size_t end = count; end-- > 1;) {
        int largest = values[0];
        values[0] = values[end];
        values[end] = largest;
        sift_down(values, 0, end, compare);
    }
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000000;
    int *values = malloc(count * sizeof *values);
    if (!values)
        return 1;
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        values[i] = (int)random;
    }
    heapsort_ints(values, count, chosen);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = sum * 31 + (uint32_t)values[i];
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
