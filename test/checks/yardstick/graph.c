#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <pthread.h>
#include <sys/mman.h>
#include <valgrind/memcheck.h>
struct n { struct n *l, *r; char pad[16]; };
static struct n *mk(size_t extra) { return calloc(1, sizeof(struct n) + extra); }
static struct n *global, *inner;
static char *mapped;
static __thread struct n *tls;
static struct { int a; char *unaligned __attribute__((packed)); } __attribute__((packed)) odd;
static void cases(void)
{
    global = mk(1);
    global->l = mk(2);
    inner = (struct n *)((char *)mk(3) + 8);
    inner->l = 0;
    struct n *d = mk(4);
    struct n *e = mk(5);
    e->l = mk(6);
    e->r = (struct n *)((char *)mk(7) + 1);
    struct n *f = mk(8);
    f->l = mk(9);
    f->l->l = f;
    struct n *g = mk(10);
    g->l = mk(11);
    g->r = g->l;
    g->l->l = mk(12);
    g->l->r = g;
    tls = mk(13);
    struct n *h = mk(14);
    struct n *i = mk(15);
    h->l = h;
    i->l = h;
    mapped = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(void **)(mapped + 64) = mk(16);
    *(void **)(mapped + 81) = mk(17);
    odd.unaligned = (char *)mk(18);
    d = e = f = g = h = i = 0;
}
static void *self;
static void past_end(void) { char *p = malloc(40); self = p + 40; }
static void scrub(void) { volatile char x[4000]; memset((void *)x, 0, sizeof x); }
static void tree(int n, struct n *p) { if (n == 0) return; p->l = mk(20); p->r = mk(20); tree(n - 1, p->l); tree(n - 1, p->r); }
static void trees(void) { struct n *t = mk(21); tree(3, t); }
static void many(void) { for (int i = 0; i < 50; i++) malloc(40 + i % 3); }
int main(void)
{
    cases();
    scrub();
    past_end();
    trees();
    many();
    scrub();
    return 0;
}
