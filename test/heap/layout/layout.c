/* Prints in which order slots are used again; nothing is wrong here. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    enum { N = 12 };
    void *p[N];
    for (int i = 0; i < N; i++)
        p[i] = malloc(100);
    for (int i = 0; i < N; i++)
        free(p[i]);
    for (int i = 0; i < N; i++) {
        void *q = malloc(100);
        int which = 0;
        while (which < N && p[which] != q)
            which++;
        printf(i == 0 ? "%d" : " %d", which);
    }
    puts("");
    return 0;
}
