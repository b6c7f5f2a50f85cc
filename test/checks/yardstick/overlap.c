/* Copies whose source and destination overlap, and some that only touch. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *volatile buffer = calloc(1, 200);
    volatile size_t twenty = 20;
    memcpy(buffer + 20, buffer, twenty);
    memcpy(buffer, buffer + 10, twenty);
    memcpy(buffer + 10, buffer, twenty);
    memmove(buffer + 5, buffer, twenty);
    memset(buffer, 'a', 50);
    buffer[50] = 0;
    strncpy(buffer + 10, buffer, 21);
    strncpy(buffer + 60, buffer, 20);
    strcpy(buffer + 100, "0123456789");
    free(buffer);
    return 0;
}
