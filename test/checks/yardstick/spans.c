/* Functions that look at four characters at once, one by one: those behind the end of the string are nothing wrong. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
    volatile int sum = 0;
    for (int size = 1; size < 40; size++)
        for (int offset = 0; offset < 4 && offset < size; offset++) {
            char *block = malloc(size + offset), *p = block + offset, *rest = NULL;
            memset(p, 'a', size - 1);
            p[size - 1] = 0;
            sum += strcspn(p, "xyz") + strspn(p, "abc") + (strpbrk(p, "xyz") != NULL) + strcspn(p, "x") + strspn(p, "a");
            for (char *word = strtok_r(p, ",;:", &rest); word; word = strtok_r(NULL, ",;:", &rest))
                sum++;
            free(block);
        }
    char *text = malloc(5);
    memcpy(text, "aaaaa", 5);
    sum += strcspn(text, "xyz");
    sum += strspn(text, "ab");
    free(text);
    return 0;
}
