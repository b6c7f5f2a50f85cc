/* What is loaded into the x87's registers takes its definedness along. */
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    double *d = malloc(8 * sizeof *d);
    long double *l = malloc(4 * sizeof *l);
    int *n = malloc(16);
    volatile long double a;
    a = d[0];
    if (a > 1.0L)
        puts("1");
    a = (long double)n[0] + 1;
    if (a < 3)
        puts("2");
    if (l[0] == 2.0L)
        puts("3");
    long r = l[1];
    if (r == 3)
        puts("4");
    double x = d[1] + 1;
    if (x > 2)
        puts("5");
    a = d[2];
    double y = (double)(a * a - 1);
    if (y > 2)
        puts("6");
    a = 3.5L;
    if (a > 1)
        puts("7");
    return 0;
}
