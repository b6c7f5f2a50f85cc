/** fib(38), recursive: shows what a guest call and return cost. */
#include <stdio.h>
#include <stdlib.h>

/* Saturates instead of wrapping: with a plain sum, gcc turns the second call into a loop. */
__attribute__((noinline)) static unsigned fib(unsigned n)
{
    if (n < 2)
        return n;
    unsigned a = fib(n - 1), b = fib(n - 2);
    return a + b < a ? ~0u : a + b;
}

int main(int argc, char **argv)
{
    printf("%u\n", fib(argc > 1 ? strtoul(argv[1], NULL, 10) : 38));
    return 0;
}
