/* Addresses that no allocation function has returned. */
#include <stdlib.h>
#include <string.h>

static char buffer[64];

int main(void)
{
    char on_stack[64];
    char *volatile p = malloc(40);
    char *volatile s = strdup("a string");
#ifndef GOOD
    char *volatile wrong = p + 8;
    free(wrong); //~ invalid-free
    wrong = on_stack;
    free(wrong); //~ invalid-free
    wrong = buffer + 4;
    free(wrong); //~ invalid-free
    wrong = (char *)0x5000;
    free(wrong); //~ invalid-free
    wrong = p + 40;
    wrong = realloc(wrong, 80); //~ invalid-realloc
#endif
    free(s);
    free(p);
    return on_stack == buffer;
}
