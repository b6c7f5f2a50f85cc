/* Strings as tight as they can be, given to functions of the C library that call others of its own. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static char *tight(const char *s)
{
    char *p = malloc(strlen(s) + 1);
    return strcpy(p, s);
}

static wchar_t *wtight(const wchar_t *s)
{
    wchar_t *p = malloc((wcslen(s) + 1) * sizeof *p);
    return wcscpy(p, s);
}

int main(void)
{
    long sum = 0;
    for (int n = 0; n < 40; n += 3) {
        char text[64], *p, *q, *save;
        memset(text, 'a', n);
        for (int i = 5; i < n; i += 6) text[i] = ' ';
        text[n] = 0;
        p = tight(text);
        for (q = strtok_r(p, " ", &save); q; q = strtok_r(0, " ", &save)) sum += strlen(q);
        free(p);
        p = tight(text);
        for (q = p; strsep(&q, " ");) sum++;
        free(p);
        p = tight(text);
        setenv(n ? "NAME" : "OTHER", p, 1);
        sum += strlen(getenv(n ? "NAME" : "OTHER"));
        char *f = tight("%d %s %.3s %5s|");
        char out[200];
        sum += snprintf(out, sizeof out, f, n, p, p, p);
        sum += sscanf(p, "%s", out);
        char *d = strndup(p, n / 2);
        sum += strcasecmp(p, d) > 0;
        sum += strncasecmp(p, d, n) > 0;
        sum += strverscmp(p, d) > 0;
        sum += strcoll(p, d) > 0;
        sum += strstr(p, d) == p;
        sum += strcasestr(p, d) == p;
        sum += memmem(p, n, d, n / 2) != 0;
        sum += strchrnul(p, ' ') - p;
        sum += rawmemchr(p, 0) - (void *)p;
        sum += memrchr(p, 'a', n) != 0;
        free(d);
        free(f);
        char *num = tight("12345");
        sum += strtol(num, 0, 10) + atoi(num) + (int)strtod(num, 0);
        free(num);
        FILE *m = fmemopen(p, n + 1, "r");
        char *line = 0;
        size_t cap = 0;
        if (getline(&line, &cap, m) > 0) sum += strlen(line);
        fclose(m);
        free(line);
        free(p);
        wchar_t wide[64], *w, *v, *ws;
        for (int i = 0; i <= n; i++) wide[i] = (unsigned char)text[i];
        w = wtight(wide);
        for (v = wcstok(w, L" \t", &ws); v; v = wcstok(0, L" \t", &ws)) sum += wcslen(v);
        free(w);
        w = wtight(wide);
        v = wtight(L" x");
        sum += wcsspn(w, v) + wcscspn(w, v) + (wcspbrk(w, v) != 0) + (wcsstr(w, v) != 0) + (wcscasecmp(w, v) > 0);
        sum += (wcscmp(w, v) > 0) + (wcsncmp(w, v, 3) > 0) + (wcsrchr(w, L'a') != 0) + wcsnlen(w, 100) + (wmemchr(w, L'b', n + 1) != 0);
        sum += wcscoll(w, v) > 0;
        char mb[200];
        sum += wcstombs(mb, w, sizeof mb);
        sum += swprintf(wide, 64, L"%ls", w) > 0;
        wchar_t *c = wcsdup(w);
        free(c);
        free(v);
        free(w);
        time_t t = 0;
        f = tight("%Y-%m-%d");
        sum += strftime(out, sizeof out, f, gmtime(&t));
        free(f);
    }
#ifndef GOOD
    char *open = malloc(3);
    memcpy(open, "abc", 3);
    sum += open[3] == 7; //~ invalid-read
    free(open);
#endif
    printf("%ld\n", sum);
    return 0;
}
