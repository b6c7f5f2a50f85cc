/* String functions that are told by undefined counts and characters what to do. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static volatile int sink;

int main(void)
{
    unsigned *undefined = malloc(4), count = *undefined & 3;
    char *zero = calloc(100, 1), *text = malloc(100), buffer[100];
    wchar_t wide[20] = L"abc";
    strcpy(text, "some text that is longer");
    memcpy(buffer, zero, count);
    memmove(buffer, zero, count);
    sink = memcmp(buffer, zero, count);
    sink = memchr(zero, 1, count) != text;
    sink = strncmp(zero, "", count & 1);
    strncpy(buffer, text, count);
    sink = strnlen(text, count);
    sink = memchr(zero, (int)count, 30) != text;
    sink = strchr(text, (int)count) != text;
    sink = memrchr(zero, 3, count) != text;
    mempcpy(buffer, zero, count);
    sink = strrchr(text, (int)count) != text;
    sink = wcslen(wide) + strlen(text);
    return 0;
}
