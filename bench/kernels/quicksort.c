/** Quicksort of 5 million ints with a comparison callback: shows calls through a pointer and branches no one predicts. */
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

static void swap(int *a, int *b)
{
    int t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's partition around the median of three; the larger part is left to the loop. */
static void quicksort(int *low, int *high, compare_fn *compare)
{
    while (low < high) {
        int *middle = low + (high - low) / 2;
        if (compare(middle, low) < 0)
            swap(middle, low);
        if (compare(high, middle) < 0)
            swap(high, middle);
        if (compare(middle, low) < 0)
            swap(middle, low);
        int pivot = *middle;
        int *left = low, *right = high;
        while (left <= right) {
            while (compare(left, &pivot) < 0)
                left++;
            while (compare(&pivot, right) < 0)
                right--;
            if (left <= right)
                swap(left++, right--);
        }
        if (right - low < high - left) {
            quicksort(low, right, compare);
            low = left;
        } else {
            quicksort(left, high, compare);
            high = right;
        }
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
    quicksort(values, values + count - 1, chosen);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = sum * 31 + (uint32_t)values[i];
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
