#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <wchar.h>
#include <alloca.h>
#define SRC "AAAAAAAAAA"
#define WSRC L"AAAAAAAAAA"
typedef struct { char first[16]; void *second; void *third; } voids;
static int five = 5, yes = 1;
static void char_loop_bad(void)
{
    char *data = malloc(10);
    char source[11] = SRC;
    for (size_t i = 0; i < 11; i++)
        data[i] = source[i];
    free(data);
}
static void char_loop_good(void)
{
    char *data = malloc(11);
    char source[11] = SRC;
    for (size_t i = 0; i < 11; i++)
        data[i] = source[i];
    printf("%s\n", data);
    free(data);
}
static void char_memcpy_bad(void)
{
    char *data = malloc(10);
    char source[11] = SRC;
    memcpy(data, source, 11);
    free(data);
}
static void char_memmove_bad(void)
{
    char *data = malloc(10);
    char source[11] = SRC;
    memmove(data, source, 11);
    free(data);
}
static void char_cpy_bad(void)
{
    char *data = malloc(10);
    char source[11] = SRC;
    strcpy(data, source);
    free(data);
}
static void char_ncpy_bad(void)
{
    char *data = malloc(90);
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    strncpy(data, source, 99);
    data[89] = 0;
    free(data);
}
static void char_ncat_bad(void)
{
    char *data = malloc(90);
    data[0] = 0;
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    strncat(data, source, 99);
    free(data);
}
static void char_cat_bad(void)
{
    char *data = malloc(90);
    data[0] = 0;
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    strcat(data, source);
    free(data);
}
static void char_snprintf_bad(void)
{
    char *data = malloc(90);
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    snprintf(data, 100, "%s", source);
    free(data);
}
static void char_snprintf_good(void)
{
    char *data = malloc(100);
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    snprintf(data, 100, "%s", source);
    printf("%s\n", data);
    free(data);
}
static void wchar_loop_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    wchar_t source[11] = WSRC;
    for (size_t i = 0; i < 11; i++)
        data[i] = source[i];
    free(data);
}
static void wchar_memcpy_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    wchar_t source[11] = WSRC;
    memcpy(data, source, sizeof source);
    free(data);
}
static void wchar_cpy_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    wchar_t source[11] = WSRC;
    wcscpy(data, source);
    free(data);
}
static void wchar_ncpy_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    wchar_t source[11] = WSRC;
    wcsncpy(data, source, 11);
    free(data);
}
static void wchar_cat_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    data[0] = 0;
    wchar_t source[11] = WSRC;
    wcscat(data, source);
    free(data);
}
static void wchar_ncat_bad(void)
{
    wchar_t *data = malloc(10 * sizeof(wchar_t));
    data[0] = 0;
    wchar_t source[11] = WSRC;
    wcsncat(data, source, 11);
    free(data);
}
static void wchar_snprintf_bad(void)
{
    wchar_t *data = malloc(97 * sizeof(wchar_t));
    wchar_t source[100];
    wmemset(source, L'C', 99);
    source[99] = 0;
    swprintf(data, 100, L"%ls", source);
    free(data);
}
static void wchar_good(void)
{
    wchar_t *data = malloc(100 * sizeof(wchar_t));
    wchar_t source[100];
    wmemset(source, L'C', 99);
    source[99] = 0;
    wcscpy(data, source);
    wcsncpy(data, source, 100);
    data[3] = 0;
    wcscat(data, L"xyz");
    wcsncat(data, L"abcdef", 4);
    swprintf(data, 100, L"%ls", source);
    printf("%zu\n", wcslen(data));
    wchar_t *other = wcsdup(data);
    printf("%d %d\n", wcscmp(data, other), wmemcmp(data, other, 10));
    printf("%d\n", wcschr(data, L'C') == data);
    free(other);
    free(data);
}
static void sizeof_double_bad(void)
{
    double *data = malloc(sizeof(data) / 2);
    *data = 1.7E300;
    free(data);
}
static void sizeof_int64_bad(void)
{
    long *data = malloc(4);
    *data = 2147483643L;
    free(data);
}
static void struct_bad(void)
{
    int *data = malloc(97 * sizeof(int));
    struct { int a; } source[100];
    memset(source, 0, sizeof source);
    memcpy(data, source, sizeof source);
    free(data);
}
static void cast_bad(void)
{
    int *data = malloc(10);
    for (int i = 0; i < 10; i++)
        data[i] = i;
    free(data);
}
static void char_type_overrun_bad(void)
{
    voids *s = malloc(sizeof(voids));
    s->second = "x";
    memcpy(s->first, "0123456789abcdef0123456789abcdef", sizeof(*s));
    s->first[15] = 0;
    printf("%s\n", s->first);
    free(s);
}
static void index_bad(void)
{
    int data = 10;
    int *buffer = malloc(10 * sizeof(int));
    for (int i = 0; i < 10; i++)
        buffer[i] = 0;
    if (data >= 0)
        buffer[data] = 1;
    free(buffer);
}
static void calloc_flow_bad(void)
{
    char *data = 0;
    if (five == 5)
        data = calloc(10, 1);
    while (1) {
        memset(data, 'A', 12);
        break;
    }
    switch (6) {
    case 6:
        data[11] = 0;
        break;
    }
    goto done;
done:
    free(data);
}
static void realloc_bad(void)
{
    char *data = malloc(100);
    memset(data, 'A', 100);
    data = realloc(data, 20);
    data[20] = 'x';
    puts(data[19] == 'A' ? "A" : "?");
    free(data);
}
static void sprintf_bad(void)
{
    char *data = malloc(8);
    sprintf(data, "%d-%s", 123456, "ab");
    free(data);
}
static void gets_bad(void)
{
    char *data = malloc(4);
    FILE *f = fmemopen("hello world\n", 12, "r");
    fgets(data, 12, f);
    fclose(f);
    free(data);
}
static void off_by_one_strlen(void)
{
    char *s = malloc(strlen("hello"));
    strcpy(s, "hello");
    printf("%zu\n", strlen(s));
    free(s);
}
static void dup_good(void)
{
    char *s = strdup("hello"), *t = strndup("hello", 3);
    printf("%s %s\n", s, t);
    free(s);
    free(t);
}
static void stpcpy_bad(void)
{
    char *s = malloc(5);
    stpcpy(s, "hello");
    free(s);
    s = malloc(5);
    stpncpy(s, "hello world", 7);
    free(s);
    s = malloc(5);
    mempcpy(s, "hello world", 7);
    free(s);
    s = malloc(5);
    memccpy(s, "hello world", 'w', 9);
    free(s);
}
int main(void)
{
    char_loop_bad();
    char_loop_good();
    char_memcpy_bad();
    char_memmove_bad();
    char_cpy_bad();
    char_ncpy_bad();
    char_ncat_bad();
    char_cat_bad();
    char_snprintf_bad();
    char_snprintf_good();
    wchar_loop_bad();
    wchar_memcpy_bad();
    wchar_cpy_bad();
    wchar_ncpy_bad();
    wchar_cat_bad();
    wchar_ncat_bad();
    wchar_snprintf_bad();
    wchar_good();
    sizeof_double_bad();
    sizeof_int64_bad();
    struct_bad();
    cast_bad();
    char_type_overrun_bad();
    index_bad();
    calloc_flow_bad();
    realloc_bad();
    sprintf_bad();
    gets_bad();
    off_by_one_strlen();
    dup_good();
    stpcpy_bad();
    return 0;
}
