/* Copies of wide characters that overlap. */
#include <stdio.h>
#include <wchar.h>

int main(void)
{
    wchar_t text[40] = L"abcdefg", other[40];
    wchar_t *volatile to = text + 1;
    volatile size_t n = 3;
#ifndef GOOD
    wmemcpy(to, text, n); //~ overlap
    to = text + 4;
    wcscpy(to, text); //~ overlap
    to = text + 1;
    wcsncpy(to, text, n); //~ overlap
    text[8] = 0;
    wcscat(text, text + 4); //~ overlap
#endif
    wcscpy(other, text);
    wcsncpy(other, text, 40);
    wcscat(other, L"x");
    wcsncat(other, text, 2);
    wmemcpy(other, text, 40);
    wmemmove(to, text, 20);
    printf("%d\n", (int)wcslen(other) > 0);
    return 0;
}
