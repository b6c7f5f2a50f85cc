/**
 * A thread-caching allocator with the bug that its people hunted: it crashes in the 4-thread Larson benchmark, but
 * only while the per-thread cache is off (FAST_CAP=0).
 *
 * Memory comes from the kernel as superslabs: 1 MiB, aligned to 1 MiB, for one size class, cut into 16 slabs of
 * 64 KiB. Slabs are dealt to threads one by one, so several threads work in one superslab. A slab's freelist belongs to
 * the thread that owns the slab; every other thread hands blocks back over the slab's remote queue, a lock-free stack.
 * A free block holds the link to the next one in its first word.
 *
 * Environment, read once:
 *   FAST_CAP=n   how many blocks of a class a thread keeps for itself; 0 hands each block back to its slab at once.
 *   SS_DRAIN=    none, or any of these, separated by commas:
 *                  current  before popping, drain the bound slab                                       ("fix 2")
 *                  refill   when looking for a slab, drain those without a free block, and
 *                           return at the first slab with a freelist                                   ("fix 1")
 *                  all      before popping, drain every slab of the bound superslab                    ("option A")
 *                  look     when looking for a slab, drain it before looking at its freelist           ("option C")
 *   SS_SPILL=    foreign: the spill path links a block into its slab's freelist, whoever owns the slab;
 *                remote: it does so in slabs of its own, and pushes other blocks on the slab's remote queue.
 *   SS_FIX=1     SS_SPILL=remote SS_DRAIN=look, the combination that holds. See README.md for why.
 */
#define _GNU_SOURCE
#include "superslab.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUPERSLAB_SIZE ((size_t)1 << 20)
#define SLAB_SIZE ((size_t)1 << 16)
#define SLABS (SUPERSLAB_SIZE / SLAB_SIZE)
#define SUPERSLAB_MAGIC 0x42414c5352505553u /* "SUPRSLAB" */
#define LARGE_MAGIC 0x4b4c424547524c53u     /* "SLRGEBLK" */
#define CLASSES 40                          /* 16..128 by 16, then four sizes to each doubling, up to 32 KiB */
#define LARGEST_CLASS 32768
#define RING 32

struct slab {
    void *freelist;
    uint16_t used;
    uint16_t capacity;
    uint16_t carved; /* blocks at and above this index have never been handed out */
    _Atomic(uint32_t) owner_tid;
};

struct superslab {
    uint64_t magic;
    uint32_t class;
    uint32_t block_size;
    struct superslab *next; /* in the list of its class; superslabs are never given back */
    struct slab slabs[SLABS];
    _Atomic(void *) remote_heads[SLABS];
};

/* In front of a block that is too large for a class: an aligned mapping of its own. */
struct large {
    uint64_t magic;
    size_t mapped;
    size_t offset;
};

/* What one thread knows of one class. */
struct bin {
    struct superslab *ss; /* the bound superslab, or null */
    unsigned slab;        /* index of the bound slab in it */
    unsigned count;       /* length of the list */
    void *list;           /* the thread's own free blocks, from any slab */
};

struct event {
    const char *what;
    void *block;
    struct superslab *ss;
    unsigned slab;
    uint32_t owner_tid;
};

struct thread {
    uint32_t tid; /* never 0, never used twice */
    bool entered;
    unsigned ring_count;
    struct event ring[RING];
    struct bin bins[CLASSES];
};

enum { DRAIN_CURRENT = 1, DRAIN_REFILL = 2, DRAIN_ALL = 4, DRAIN_LOOK = 8 };

static struct {
    unsigned fast_cap;
    unsigned drain;
    bool spill_remote;
} config = {.fast_cap = 64};

static _Atomic(struct superslab *) superslabs[CLASSES];
static _Atomic(uint32_t) last_tid;
static pthread_key_t exit_key;
static bool exit_key_made;
static _Thread_local struct thread me __attribute__((tls_model("initial-exec")));

#ifdef SS_COUNT
/* What the paths did, printed at exit: a build for the write-up, not for the hunt. */
#define COUNTERS(X)                                                                                                     \
    X(spills_own) X(spills_foreign) X(remote_pushes) X(drain_looks) X(has_remote) X(drained_own) X(drained_foreign)     \
    X(refills) X(superslabs_mapped)
#define DECLARE(name) _Atomic(unsigned long) name;
static struct { COUNTERS(DECLARE) } counters;
#define COUNT(name) atomic_fetch_add_explicit(&counters.name, 1, memory_order_relaxed)
#define PRINT(name) fprintf(stderr, "%-18s %12lu\n", #name, counters.name);
__attribute__((destructor)) static void print_counters(void) { COUNTERS(PRINT) }
#else
#define COUNT(name) ((void)0)
#endif

static void **link_of(void *block) { return block; }

static struct superslab *superslab_of(void *block)
{
    return (struct superslab *)((uintptr_t)block & ~(SUPERSLAB_SIZE - 1));
}

static unsigned slab_of(void *block) { return ((uintptr_t)block & (SUPERSLAB_SIZE - 1)) / SLAB_SIZE; }

static uint32_t owner(struct slab *slab) { return atomic_load_explicit(&slab->owner_tid, memory_order_relaxed); }

static void note(struct thread *t, const char *what, void *block, struct superslab *ss, unsigned i)
{
    t->ring[t->ring_count++ % RING] = (struct event){what, block, ss, i, owner(&ss->slabs[i])};
}

void ss_ring_dump(void)
{
    unsigned n = me.ring_count < RING ? me.ring_count : RING;
    printf("debug ring of thread %u, %u events:\n", me.tid, n);
    for (unsigned k = me.ring_count - n; k != me.ring_count; k++) {
        struct event *e = &me.ring[k % RING];
        printf("  %-12s block %p  superslab %p slab %2u  owner %u\n", e->what, e->block, (void *)e->ss, e->slab,
               e->owner_tid);
    }
}

/* ---- size classes ---------------------------------------------------------------------------------------------- */

static unsigned class_of(size_t size)
{
    if (size <= 128)
        return size ? (unsigned)((size - 1) / 16) : 0;
    unsigned top = 63 - __builtin_clzl(size - 1); /* size - 1 is in [2^top, 2^(top+1)), top >= 7 */
    return 8 + (top - 7) * 4 + (unsigned)((size - 1) >> (top - 2) & 3);
}

static size_t size_of_class(unsigned class)
{
    if (class < 8)
        return (class + 1) * 16;
    return (size_t)(5 + (class - 8) % 4) << ((class - 8) / 4 + 5);
}

/* Offset of a slab's first block: in slab 0 the superslab's own header comes first. */
static size_t first_block(struct superslab *ss, unsigned i)
{
    size_t header = i == 0 ? sizeof(struct superslab) : 0;
    return (header + ss->block_size - 1) / ss->block_size * ss->block_size;
}

/* ---- memory from the kernel ------------------------------------------------------------------------------------ */

/* Maps at least `size` bytes, aligned to 1 MiB; null when the kernel refuses. */
static void *map_aligned(size_t size)
{
    size_t span = size + SUPERSLAB_SIZE;
    char *raw = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)raw + SUPERSLAB_SIZE - 1) & ~(SUPERSLAB_SIZE - 1));
    if (start > raw)
        munmap(raw, start - raw);
    if (start + size < raw + span)
        munmap(start + size, raw + span - (start + size));
    return start;
}

/* Maps a superslab, takes its slab 0 for the calling thread and publishes it. */
static struct superslab *superslab_new(struct thread *t, unsigned class)
{
    struct superslab *ss = map_aligned(SUPERSLAB_SIZE);
    if (!ss)
        return NULL;
    COUNT(superslabs_mapped);
    ss->magic = SUPERSLAB_MAGIC;
    ss->class = class;
    ss->block_size = size_of_class(class);
    for (unsigned i = 0; i < SLABS; i++)
        ss->slabs[i].capacity = (SLAB_SIZE - first_block(ss, i)) / ss->block_size;
    atomic_store_explicit(&ss->slabs[0].owner_tid, t->tid, memory_order_relaxed);
    ss->next = atomic_load_explicit(&superslabs[class], memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&superslabs[class], &ss->next, ss, memory_order_release,
                                                  memory_order_relaxed))
        ;
    return ss;
}

static void *large_alloc(size_t alignment, size_t size)
{
    size_t offset = sizeof(struct large) > alignment ? (sizeof(struct large) + 15) & ~(size_t)15 : alignment;
    if (alignment >= SUPERSLAB_SIZE || size > SIZE_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    size_t mapped = (offset + size + 4095) & ~(size_t)4095;
    struct large *large = map_aligned(mapped);
    if (!large) {
        errno = ENOMEM;
        return NULL;
    }
    *large = (struct large){LARGE_MAGIC, mapped, offset};
    return (char *)large + offset;
}

/* ---- the remote queue ------------------------------------------------------------------------------------------ */

/* Any thread may push. The drain takes the whole stack at once, so a head seen again is the same stack: no ABA. */
static void remote_push(struct thread *t, struct superslab *ss, unsigned i, void *block)
{
    COUNT(remote_pushes);
    note(t, "remote push", block, ss, i);
    void *head = atomic_load_explicit(&ss->remote_heads[i], memory_order_relaxed);
    do
        *link_of(block) = head;
    while (!atomic_compare_exchange_weak_explicit(&ss->remote_heads[i], &head, block, memory_order_release,
                                                  memory_order_relaxed));
}

/* Moves what other threads pushed to the slab's freelist. */
static void drain(struct thread *t, struct superslab *ss, unsigned i)
{
    struct slab *meta = &ss->slabs[i];
    COUNT(drain_looks);
    bool has_remote = atomic_load_explicit(&ss->remote_heads[i], memory_order_relaxed) != NULL;
    if (!has_remote)
        return;
    COUNT(has_remote);
    void *block = atomic_exchange_explicit(&ss->remote_heads[i], NULL, memory_order_acquire);
    note(t, "drain", block, ss, i);
    while (block) {
        void *next = *link_of(block);
        *link_of(block) = meta->freelist;
        meta->freelist = block;
        meta->used--;
        block = next;
#ifdef SS_COUNT
        owner(meta) == t->tid ? COUNT(drained_own) : COUNT(drained_foreign);
#endif
    }
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

/* At thread exit: lets go of the slabs, then hands the cached blocks back; by then every slab is somebody else's. */
static void thread_leave(void *arg)
{
    struct thread *t = arg;
    for (unsigned c = 0; c < CLASSES; c++) {
        t->bins[c].ss = NULL;
        struct superslab *ss = atomic_load_explicit(&superslabs[c], memory_order_acquire);
        for (; ss; ss = ss->next)
            for (unsigned i = 0; i < SLABS; i++)
                if (owner(&ss->slabs[i]) == t->tid)
                    atomic_store_explicit(&ss->slabs[i].owner_tid, 0, memory_order_release);
    }
    for (unsigned c = 0; c < CLASSES; c++) {
        struct bin *bin = &t->bins[c];
        while (bin->list) {
            void *block = bin->list;
            bin->list = *link_of(block);
            remote_push(t, superslab_of(block), slab_of(block), block);
        }
        bin->count = 0;
    }
    t->entered = false; /* a later destructor of the same thread may call malloc again */
}

static struct thread *thread_enter(void)
{
    struct thread *t = &me;
    if (!t->entered) {
        t->entered = true;
        if (!t->tid)
            t->tid = atomic_fetch_add_explicit(&last_tid, 1, memory_order_relaxed) + 1;
        if (exit_key_made)
            pthread_setspecific(exit_key, t);
    }
    return t;
}

/* ---- allocation ------------------------------------------------------------------------------------------------ */

static bool has_block(struct slab *meta) { return meta->freelist || meta->carved < meta->capacity; }

static bool claim(struct thread *t, struct slab *meta)
{
    uint32_t nobody = 0;
    return owner(meta) == t->tid || (owner(meta) == 0 && atomic_compare_exchange_strong_explicit(
                                                             &meta->owner_tid, &nobody, t->tid, memory_order_acquire,
                                                             memory_order_relaxed));
}

/* Binds a slab that has a free block: one of the thread's own or of nobody's, else the first of a new superslab. */
static bool refill(struct thread *t, unsigned class)
{
    struct bin *bin = &t->bins[class];
    struct superslab *ss = atomic_load_explicit(&superslabs[class], memory_order_acquire);
    COUNT(refills);
    for (; ss; ss = ss->next)
        for (unsigned i = 0; i < SLABS; i++) {
            struct slab *meta = &ss->slabs[i];
            bool mine = owner(meta) == t->tid;
            if (!claim(t, meta))
                continue;
            if (config.drain & DRAIN_LOOK)
                drain(t, ss, i);
            if (!has_block(meta) && (config.drain & DRAIN_REFILL))
                drain(t, ss, i);
            if (has_block(meta)) {
                bin->ss = ss;
                bin->slab = i;
                note(t, "bind", NULL, ss, i);
                return true;
            }
            if (!mine)
                atomic_store_explicit(&meta->owner_tid, 0, memory_order_release);
        }
    ss = superslab_new(t, class);
    if (!ss)
        return false;
    bin->ss = ss;
    bin->slab = 0;
    note(t, "bind new", NULL, ss, 0);
    return true;
}

static void *slab_pop(struct superslab *ss, unsigned i)
{
    struct slab *meta = &ss->slabs[i];
    void *block = meta->freelist;
    if (block) {
        meta->freelist = *link_of(block);
        meta->used++;
        return block;
    }
    if (meta->carved < meta->capacity) {
        block = (char *)ss + i * SLAB_SIZE + first_block(ss, i) + (size_t)meta->carved * ss->block_size;
        meta->carved++;
        meta->used++;
        return block;
    }
    return NULL;
}

static void *class_alloc(unsigned class)
{
    struct thread *t = thread_enter();
    struct bin *bin = &t->bins[class];
    void *block = bin->list;
    if (block) {
        bin->list = *link_of(block);
        bin->count--;
        return block;
    }
    for (;;) {
        if (bin->ss) {
            if (config.drain & DRAIN_ALL) {
                for (unsigned i = 0; i < SLABS; i++)
                    drain(t, bin->ss, i);
            } else if (config.drain & DRAIN_CURRENT) {
                drain(t, bin->ss, bin->slab);
            }
            block = slab_pop(bin->ss, bin->slab);
            if (block)
                return block;
        }
        if (!refill(t, class)) {
            errno = ENOMEM;
            return NULL;
        }
    }
}

/* ---- free ------------------------------------------------------------------------------------------------------ */

/* Puts a block that the thread will not keep back into its slab. */
static void spill(struct thread *t, struct superslab *ss, unsigned i, void *block)
{
    struct slab *meta = &ss->slabs[i];
    if (config.spill_remote && owner(meta) != t->tid) {
        remote_push(t, ss, i, block);
        return;
    }
#ifdef SS_COUNT
    owner(meta) == t->tid ? COUNT(spills_own) : COUNT(spills_foreign);
#endif
    note(t, "spill", block, ss, i);
    *link_of(block) = meta->freelist;
    meta->freelist = block;
    meta->used--;
}

static void large_free(struct large *large)
{
    if (large->magic != LARGE_MAGIC)
        abort(); /* not a block of this allocator */
    munmap(large, large->mapped);
}

void ss_free(void *block)
{
    if (!block)
        return;
    struct superslab *ss = superslab_of(block);
    if (ss->magic != SUPERSLAB_MAGIC) {
        large_free((struct large *)ss);
        return;
    }
    struct thread *t = thread_enter();
    struct bin *bin = &t->bins[ss->class];
    if (ss != bin->ss) { /* not the superslab this thread works in: a free from another thread */
        remote_push(t, ss, slab_of(block), block);
    } else if (bin->count < config.fast_cap) {
        *link_of(block) = bin->list;
        bin->list = block;
        bin->count++;
    } else {
        spill(t, ss, slab_of(block), block);
    }
}

/* ---- the malloc family ----------------------------------------------------------------------------------------- */

void *ss_malloc(size_t size) { return size <= LARGEST_CLASS ? class_alloc(class_of(size)) : large_alloc(16, size); }

size_t ss_usable_size(void *block)
{
    if (!block)
        return 0;
    struct superslab *ss = superslab_of(block);
    if (ss->magic == SUPERSLAB_MAGIC)
        return ss->block_size;
    struct large *large = (struct large *)ss;
    return large->mapped - large->offset;
}

void *ss_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = ss_malloc(bytes);
    if (block && bytes <= LARGEST_CLASS)
        memset(block, 0, bytes);
    return block;
}

void *ss_realloc(void *block, size_t size)
{
    size_t usable = ss_usable_size(block);
    if (block && size <= usable && size >= usable / 2)
        return block;
    void *moved = ss_malloc(size);
    if (moved && block) {
        memcpy(moved, block, usable < size ? usable : size);
        ss_free(block);
    }
    return moved;
}

/* A slab starts at a multiple of 64 KiB and its blocks at multiples of their size: a power of two aligns itself. */
void *ss_memalign(size_t alignment, size_t size)
{
    if (alignment <= 16)
        return ss_malloc(size);
    size_t power = alignment;
    while (power < size && power <= LARGEST_CLASS)
        power *= 2;
    return power <= LARGEST_CLASS ? class_alloc(class_of(power)) : large_alloc(alignment, size);
}

/* ---- start ----------------------------------------------------------------------------------------------------- */

static void bad_setting(const char *name, const char *value)
{
    fprintf(stderr, "superslab: %s=%s is not a setting\n", name, value);
    exit(2);
}

static unsigned parse_drain(const char *text)
{
    static const struct {
        const char *name;
        unsigned bit;
    } words[] = {{"none", 0}, {"current", DRAIN_CURRENT}, {"refill", DRAIN_REFILL}, {"all", DRAIN_ALL},
                 {"look", DRAIN_LOOK}};
    unsigned bits = 0;
    for (const char *at = text;;) {
        size_t length = strcspn(at, ","), k = 0;
        while (k < 5 && (strlen(words[k].name) != length || memcmp(at, words[k].name, length)))
            k++;
        if (k == 5)
            bad_setting("SS_DRAIN", text);
        bits |= words[k].bit;
        if (!at[length])
            return bits;
        at += length + 1;
    }
}

/* Allocations before this, from the dynamic linker, run with the defaults in the only thread there is. */
__attribute__((constructor)) static void start(void)
{
    const char *cap = getenv("FAST_CAP"), *drains = getenv("SS_DRAIN"), *spills = getenv("SS_SPILL");
    const char *fix = getenv("SS_FIX");
    if (cap)
        config.fast_cap = strtoul(cap, NULL, 10);
    if (drains)
        config.drain = parse_drain(drains);
    if (spills) {
        config.spill_remote = strcmp(spills, "remote") == 0;
        if (!config.spill_remote && strcmp(spills, "foreign"))
            bad_setting("SS_SPILL", spills);
    }
    if (fix && strcmp(fix, "1") == 0) {
        config.spill_remote = true;
        config.drain = DRAIN_LOOK;
    }
    exit_key_made = pthread_key_create(&exit_key, thread_leave) == 0;
}

#ifndef SS_PREFIXED /* under its own names only, for tools that bring a malloc themselves */
void *malloc(size_t size) { return ss_malloc(size); }
void *calloc(size_t count, size_t size) { return ss_calloc(count, size); }
void *realloc(void *block, size_t size) { return ss_realloc(block, size); }
void free(void *block) { ss_free(block); }
void *memalign(size_t alignment, size_t size) { return ss_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return ss_memalign(alignment, size); }
void *valloc(size_t size) { return ss_memalign(4096, size); }
void *pvalloc(size_t size) { return ss_memalign(4096, (size + 4095) & ~(size_t)4095); }
size_t malloc_usable_size(void *block) { return ss_usable_size(block); }
int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)))
        return EINVAL;
    void *block = ss_memalign(alignment, size);
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}
#endif
