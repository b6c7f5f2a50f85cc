/* String functions read whole vectors: what is undefined around a string, and what lies beyond its block, decides nothing. Of all this only the last lines are wrong. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

static volatile long sum;

static void bytes(char *a, char *b, int n)
{
    memset(a, 'a', n);
    memset(b, 'a', n);
    a[n] = b[n] = 0;
    sum += strlen(a) + strnlen(a, n) + strcmp(a, b) + strncmp(a, b, n) + strncmp(a, b, n + 9) + strcasecmp(a, b);
    sum += strncasecmp(a, b, n + 9) + memcmp(a, b, n) + strspn(a, "ab") + strcspn(a, "bc");
    sum += (strchr(a, 'b') != 0) + (strrchr(a, 'a') - a) + (strrchr(a, 'b') != 0) + (strchrnul(a, 'b') - a);
    sum += (memchr(a, 'b', n) != 0) + (memrchr(a, 'b', n) != 0) + (memrchr(a, 'a', n) - (void *)a);
    sum += (strstr(a, "aab") != 0) + (strcasestr(a, "AAB") != 0) + (strpbrk(a, "bcd") != 0) + strcoll(a, b);
    strncpy(b, a, n + 1);
    memmove(b, a, n);
    sum += b[n / 2] + strlen(b);
}

static void wide(wchar_t *a, wchar_t *b, int n)
{
    wmemset(a, L'a', n);
    wmemset(b, L'a', n);
    a[n] = b[n] = 0;
    sum += wcslen(a) + wcsnlen(a, n) + wcscmp(a, b) + wcsncmp(a, b, n) + wmemcmp(a, b, n);
    sum += (wcschr(a, L'b') != 0) + (wcsrchr(a, L'a') - a) + (wmemchr(a, L'b', n) != 0);
    wcscpy(b, a);
    sum += b[n];
}

int main(void)
{
    for (int n = 1; n < 70; n += n < 20 ? 1 : 7) {
        for (int at = 0; at < 48; at += 5) {
            char *a = malloc(400), *b = malloc(400);
            bytes(a + 128 + at, b + 128 + at * 7 % 33, n);
            wide((wchar_t *)a + at % 16, (wchar_t *)b + at % 13, n < 70 ? n / 3 : n);
            free(a);
            free(b);
            a = malloc(n + 1);
            b = malloc(n + 1);
            bytes(a, b, n);
            free(a);
            free(b);
        }
    }
    if (sum == 12345)
        puts("12345");
    char *c = malloc(40);
    c[0] = 'a';
    if (strrchr(c, 'b') != 0)
        sum++;
    if (memrchr(c, 'b', 30) != 0)
        sum++;
    free(c);
    return 0;
}
