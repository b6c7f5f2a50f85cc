/* Every way in which a block can be left behind. */
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *next;
    char pad[24];
};

static struct node *list(int length)
{
    struct node *head = NULL;
    while (length-- > 0) {
        struct node *n = malloc(sizeof *n); //~ leak-definite
        n->next = head;
        head = n;
    }
    return head;
}

static void drop(struct node *n)
{
    while (n != NULL) {
        struct node *next = n->next;
        free(n);
        n = next;
    }
}

static void *reachable;
static char *inside;
static _Thread_local void *per_thread;

static void work(void)
{
#ifndef GOOD
    list(5);
    struct node *cycle = malloc(sizeof *cycle); //~ leak-definite
    cycle->next = malloc(sizeof *cycle);
    cycle->next->next = cycle;
    for (int i = 0; i < 3; i++)
        malloc(100); //~ leak-definite
    inside = (char *)malloc(1000) + 10; //~ leak-possible
    struct node *n = (struct node *)(inside + 6);
    n->next = malloc(7); //~ leak-possible
#endif
}

int main(void)
{
    reachable = list(3);
    per_thread = malloc(48);
    work();
    drop(list(4));
    /* Nothing that is left over in registers and on the stack may look like a pointer. */
    char clean[4096];
    for (unsigned i = 0; i < sizeof clean; i++)
        ((volatile char *)clean)[i] = 0;
    return 0;
}
