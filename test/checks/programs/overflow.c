/* A recursion without an end, on the stack that the kernel grows. */
#include <stdio.h>

static int deeper(volatile int *from, int n) { volatile int a[64]; a[0] = *from; return n == 0 ? a[0] : deeper(a, n - 1) + a[0]; } //~ stack-overflow

int main(void)
{
    volatile int start = 1;
#ifdef GOOD
    printf("%d\n", deeper(&start, 1000));
#else
    printf("%d\n", deeper(&start, -1));
#endif
    return 0;
}
