#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <wchar.h>
#include <alloca.h>
#include <unistd.h>
#include <sys/socket.h>
static void under_loop(void)
{
    char *buf = malloc(100);
    memset(buf, 'A', 99);
    buf[99] = 0;
    char *data = buf - 8;
    char source[100];
    memset(source, 'C', 99);
    source[99] = 0;
    for (int i = 0; i < 100; i++)
        data[i] = source[i];
    free(buf);
}
static void under_memcpy(void)
{
    char *buf = malloc(100);
    char *data = buf - 8;
    char source[100];
    memset(source, 'C', 100);
    memcpy(data, source, 100);
    memmove(data, source, 100);
    source[99] = 0;
    strcpy(data, source);
    strncpy(data, source, 99);
    free(buf);
}
static void under_wide(void)
{
    wchar_t *buf = malloc(100 * sizeof(wchar_t));
    wchar_t *data = buf - 2;
    wchar_t source[100];
    wmemset(source, L'C', 99);
    source[99] = 0;
    wcscpy(data, source);
    wcsncpy(data, source, 99);
    wmemcpy(data, source, 4);
    wmemset(data, L'x', 4);
    free(buf);
}
static void over_loop(void)
{
    char *data = malloc(50);
    memset(data, 'A', 49);
    data[49] = 0;
    char dest[100];
    memset(dest, 'C', 99);
    dest[99] = 0;
    size_t destLen = strlen(dest);
    for (size_t i = 0; i < destLen; i++)
        dest[i] = data[i];
    dest[99] = 0;
    free(data);
}
static void over_memcpy(void)
{
    char *data = malloc(50);
    memset(data, 'A', 50);
    char dest[100];
    memcpy(dest, data, 99);
    memmove(dest, data, 99);
    free(data);
}
static void over_strings(void)
{
    char *data = malloc(8);
    memset(data, 'A', 8);
    char dest[100];
    printf("%d\n", (int)(strlen(data) >= 8));
    printf("%d\n", strchr(data, 'Z') != 0);
    printf("%d\n", strcmp(data, "AAAAAAAAA") > 5);
    printf("%d\n", memchr(data, 'Z', 12) != 0);
    printf("%d\n", memcmp(data, "AAAAAAAAAAAA", 12) == 7);
    printf("%d\n", strstr(data, "ZZ") != 0);
    printf("%d\n", strrchr(data, 'Z') != 0);
    printf("%d\n", strspn(data, "A") > 7);
    printf("%d\n", (int)strcspn(data, "Z") > 7);
    printf("%d\n", strpbrk(data, "Z") != 0);
    printf("%d\n", strncmp(data, "AAAAAAAAAAAA", 12) == 77);
    printf("%d\n", (int)strnlen(data, 20) >= 8);
    char *d = strdup(data);
    free(d);
    free(data);
}
static void over_wide(void)
{
    wchar_t *data = malloc(8 * sizeof(wchar_t));
    wmemset(data, L'A', 8);
    printf("%d\n", (int)(wcslen(data) >= 8));
    printf("%d\n", wcschr(data, L'Z') != 0);
    printf("%d\n", wcscmp(data, L"AAAAAAAAA") == 99);
    wchar_t dest[100];
    wcsncpy(dest, data, 10);
    wmemcpy(dest, data, 10);
    printf("%d\n", wmemchr(data, L'Z', 10) != 0);
    printf("%d\n", wcsrchr(data, L'Z') != 0);
    printf("%d\n", (int)wcsnlen(data, 20) >= 8);
    free(data);
}
static void underread(void)
{
    char *buf = malloc(100);
    memset(buf, 'A', 99);
    buf[99] = 0;
    char *data = buf - 8;
    char dest[100];
    for (int i = 0; i < 100; i++)
        dest[i] = data[i];
    memcpy(dest, data, 100);
    memmove(dest, data, 100);
    strncpy(dest, data, 99);
    free(buf);
}
static int receive(void)
{
    int s[2];
    char in[14] = "";
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[1], "-1", 2);
    close(s[1]);
    int n = recv(s[0], in, 13, 0);
    in[n] = 0;
    close(s[0]);
    return atoi(in);
}
static void from_socket(void)
{
    int data = receive();
    int *buffer = calloc(10, sizeof(int));
    if (data < 10)
        buffer[data] = 1;
    printf("%d\n", buffer[data] == 1);
    free(buffer);
}
static void from_environment(void)
{
    char *home = getenv("HOME");
    int data = home ? 12 : 0;
    char *buffer = calloc(10, 1);
    if (data >= 0)
        printf("%d\n", buffer[data] == 7);
    free(buffer);
}
static void from_file(void)
{
    FILE *f = tmpfile();
    fputs("10\n", f);
    rewind(f);
    char line[14] = "";
    fgets(line, 14, f);
    int data = atoi(line);
    fclose(f);
    short *buffer = malloc(10 * sizeof *buffer);
    buffer[data] = 1;
    free(buffer);
}
static void from_scanf(void)
{
    int data = 0;
    sscanf("11", "%d", &data);
    int *buffer = malloc(10 * sizeof *buffer);
    for (int i = 0; i < 10; i++)
        buffer[i] = i;
    printf("%d\n", buffer[data] != 3);
    free(buffer);
}
static void system_calls(void)
{
    char *data = malloc(10);
    int p[2];
    pipe(p);
    memset(data, 'x', 10);
    write(p[1], data, 12);
    read(p[0], data, 12);
    close(p[0]);
    close(p[1]);
    free(data);
}
static void good(void)
{
    char *data = alloca(100);
    memset(data, 'A', 99);
    data[99] = 0;
    char *copy = malloc(100);
    strcpy(copy, data);
    printf("%zu %d %d %d\n", strlen(copy), strcmp(copy, data), memcmp(copy, data, 100), strchr(copy, 'B') == 0);
    for (int i = 0; i < 40; i++) {
        char *s = malloc(i + 1);
        memset(s, 'a' + i % 26, i);
        s[i] = 0;
        char *t = strdup(s);
        printf("%zu%d%d%d%d ", strlen(s), strcmp(s, t), strchr(s, 'z') != 0, strrchr(s, 'a') != 0, memcmp(s, t, i + 1));
        printf("%zu %zu %d %d %d\n", strspn(s, "abc"), strcspn(s, "xyz"), strpbrk(s, "def") != 0, strstr(s, "bb") != 0, strncmp(s, t, i + 5));
        free(s);
        free(t);
    }
    free(copy);
}
int main(void)
{
    under_loop();
    under_memcpy();
    under_wide();
    over_loop();
    over_memcpy();
    over_strings();
    over_wide();
    underread();
    from_socket();
    from_environment();
    from_file();
    from_scanf();
    system_calls();
    good();
    return 0;
}
