/* Lists, trees and cycles that are lost, held, or held in their middle only. */
#include <stdlib.h>

struct node { struct node *left, *right; char payload[24]; };

static struct node *held;
static char *middle;

static struct node *node(struct node *left, struct node *right)
{
    struct node *n = calloc(1, sizeof *n);
    n->left = left;
    n->right = right;
    return n;
}

static __attribute__((noinline)) void tree(void)
{
    node(node(node(0, 0), 0), node(0, node(0, 0)));
}

static __attribute__((noinline)) void cycle(void)
{
    struct node *a = node(0, 0);
    a->left = node(a, node(0, 0));
}

static __attribute__((noinline)) void chains(void)
{
    held = node(node(0, 0), 0);
    middle = (char *)node(node(0, 0), 0) + 20;
    malloc(1000);
}

static __attribute__((noinline)) void forget(void)
{
    volatile char dead[4096];
    for (int i = 0; i < 4096; i++)
        dead[i] = 0;
}

int main(void)
{
    tree();
    cycle();
    chains();
    forget();
    return 0;
}
