/* A model of the page cache of a disaggregated-memory kernel: what its parts share. */
#ifndef PCACHE_H
#define PCACHE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

/* The bug that BUG= has selected. */
enum bug { NONE, EVICT_ZAP, SKIP_UNMAP, KMALLOC_CROSS, THREAD_GROUP, MISSING_PUT, PLAIN_FLAGS, KFREE_REFERENCED, TLB, FLUSHD };
extern enum bug bug;

#define PANIC(...) (fprintf(stderr, "BUG: " __VA_ARGS__), fputc('\n', stderr), abort())
#define BUG_ON(condition, ...) do { if (condition) PANIC(__VA_ARGS__); } while (0)

/* memory.c: pages, small objects, lists, page tables. */
enum { PAGE = 512, NR_PAGES = 256, ENTRIES = PAGE / 8 };
enum owner { FREE, SLAB, PGD, PUD, PMD, PTE };

struct page {
  atomic_int refcount;
  enum owner owner;
  int next;    /* free: the next one */
  int objects; /* of a slab */
  int used;
};

extern struct page pages[NR_PAGES];
extern char memory[NR_PAGES][PAGE];

void memory_init(void);
int page_alloc(enum owner owner);
void page_free(int page);
int pages_in_use(void);
void *kmalloc(size_t size);
void kfree(void *object);

struct list { struct list *next, *prev; };
static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline void list_add_tail(struct list *l, struct list *head) {
  struct list *prev = head->prev;
  l->next = head;
  l->prev = prev;
  head->prev = l;
  prev->next = l;
}
static inline void list_del(struct list *l) {
  l->next->prev = l->prev;
  l->prev->next = l->next;
}

struct task {
  u64 pid;
  struct task *leader;
  u64 utime;
  struct list thread_group;
  struct list children;
};

struct task *task_clone(struct task *leader);
void task_exit(struct task *task);

enum { VAS = 32, WORDS = 8 }; /* pages of an address space, words of a cached page */

struct mm {
  pthread_mutex_t lock; /* page tables; pte entries have locks of their own */
  atomic_int users;
  int pgd;
  int tables; /* pages of page tables */
  u64 backing[VAS][WORDS]; /* remote memory */
};

struct mm *mm_create(void);
void mm_get(struct mm *mm);
void mm_put(struct mm *mm);
_Atomic(u64) *pte_of(struct mm *mm, unsigned va);

/* cache.c: sets of lines, the victim cache, threads in the background. */
enum { SETS = 2, WAYS = 8, VICTIMS = 8, MAPPINGS = 4, CPUS = 8, TLB_SIZE = 8 };
enum { P_ALLOCATED = 1, P_USABLE = 2, P_RECLAIM = 4, P_REFERENCED = 8 };
enum { V_ALLOCATED = 1, V_USABLE = 2, V_FLUSHING = 4 };
#define PRESENT 1ul
#define WRITE 2ul

struct rmap { struct mm *mm; unsigned va; _Atomic(u64) *pte; };

struct pcm { /* metadata of a line */
  atomic_uint flags;
  atomic_int refcount, mapcount;
  pthread_mutex_t lock;
  struct rmap rmap[MAPPINGS];
  atomic_ulong used; /* for LRU */
  u64 data[WORDS];
};

struct set { pthread_mutex_t lock; struct pcm lines[WAYS]; };

struct victim { atomic_uint flags; struct mm *mm; unsigned va; u64 data[WORDS]; };

struct tlb_entry { struct mm *mm; unsigned va; struct pcm *pcm; int write; };
struct cpu { pthread_mutex_t lock; struct tlb_entry tlb[TLB_SIZE]; };

extern struct cpu cpus[CPUS];
extern struct set sets[SETS];
extern struct victim victims[VICTIMS];
extern atomic_ulong nr_pgfault, nr_pcache_fill_from_memory, nr_pcache_fill_from_victim, nr_pcache_eviction_triggered,
    nr_victim_flush_submitted, nr_victim_flush_finished, nr_tlb_flush, nr_cow, nr_swept;

void cache_init(void);
void *evictor(void *);
void *sweeper(void *);
void *flusher(void *);
void cache_stop(void);
void cache_check(void);
u64 load(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word);
void store(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word, u64 value);
void munmap_page(struct mm *mm, unsigned va);
void mremap_page(struct mm *mm, unsigned from, unsigned to);
void fork_page(struct mm *parent, struct mm *child, unsigned va);
#endif
