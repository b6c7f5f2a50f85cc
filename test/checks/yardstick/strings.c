/* Strings without an end, and freed ones, in the C library's own functions, and calls that look at more than they need. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static char *text(int n)
{
    char *p = malloc(n);
    memset(p, 'a', n);
    return p;
}

static char room[100000];

int main(void)
{
    volatile long sum = 0;
    char *p = text(32), *q = text(32);
    wchar_t *w = malloc(40), *v = malloc(80);
    wmemset(w, L'x', 10);
    wmemset(v, L'y', 20);
    puts(p);
    printf("%s|\n", p);
    snprintf(room, sizeof room, "%s", p);
    sum += atoi(p);
    sum += (long)strlen(p);
    sum += (long)strnlen(p, 40);
    sum += memcmp(p, q, 33);
    sum += memchr(p, 'b', 33) != 0;
    sum += memrchr(p, 'b', 33) != 0;
    sum += strcmp(p, q);
    sum += strrchr(p, 'b') != 0;
    memmove(room, p, 50);
    memmove(room, p - 4, 10);
    strncpy(room, p, 40);
    strncat(room, q, 40);
    wcscpy((wchar_t *)room, w);
    wcsncpy((wchar_t *)room, w, 11);
    wmemcpy((wchar_t *)room, w, 11);
    sum += (long)wcslen(w);
    fwrite(p, 1, 40, stdout);
    p[10] = q[10] = 0;
    free(p);
    free(w);
    puts(p);
    sum += (long)strlen(p);
    sum += strcasecmp(q, p);
    memmove(room, w, 8);
    free(q);
    free(v);
    return 0;
}
