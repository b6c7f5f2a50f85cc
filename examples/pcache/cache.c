/* The cache: sets of lines with LRU, reverse maps and reference counts, a victim cache, software TLBs, and the threads that work in the background. */
#include "pcache.h"
#include <sched.h>
#include <time.h>
#include <unistd.h>

struct cpu cpus[CPUS];
struct set sets[SETS];
struct victim victims[VICTIMS];
atomic_ulong nr_pgfault, nr_pcache_fill_from_memory, nr_pcache_fill_from_victim, nr_pcache_eviction_triggered,
    nr_victim_flush_submitted, nr_victim_flush_finished, nr_tlb_flush, nr_cow, nr_swept;
static atomic_ulong lru_clock;
static atomic_int stopping;

/* Orders: pte lock, TLB lock; pte lock, line lock; pte lock, victim lock. Two pte locks by their index. */
enum { PTE_LOCKS = 16 };
static pthread_mutex_t pte_locks[PTE_LOCKS];
static pthread_mutex_t victim_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t victim_work = PTHREAD_COND_INITIALIZER;
static int queue[VICTIMS], queued;

void cache_init(void) {
  for (int i = 0; i < PTE_LOCKS; i++) pthread_mutex_init(&pte_locks[i], 0);
  for (int i = 0; i < CPUS; i++) pthread_mutex_init(&cpus[i].lock, 0);
  for (int i = 0; i < SETS; i++) {
    pthread_mutex_init(&sets[i].lock, 0);
    for (int way = 0; way < WAYS; way++) pthread_mutex_init(&sets[i].lines[way].lock, 0);
  }
}

static unsigned pte_index(_Atomic(u64) *pte) { return (unsigned)((uintptr_t)pte >> 3) % PTE_LOCKS; }
static void pte_lock(_Atomic(u64) *pte) { pthread_mutex_lock(&pte_locks[pte_index(pte)]); }
static void pte_unlock(_Atomic(u64) *pte) { pthread_mutex_unlock(&pte_locks[pte_index(pte)]); }

/* The address of a line as a pte has it, and back. */
static u64 pcache_meta_to_kva(const struct pcm *pcm) {
  for (int i = 0; i < SETS; i++) {
    long way = pcm - sets[i].lines;
    if (way >= 0 && way < WAYS) return (u64)(i * WAYS + way + 1) << 12;
  }
  PANIC("pcache_meta_to_kva: %p is no line of a set", (const void *)pcm);
}

static struct pcm *pte_to_pcm(u64 pte) {
  u64 line = (pte >> 12) - 1;
  BUG_ON(!(pte & PRESENT) || line >= SETS * WAYS || (pte & 0xffc) != 0, "corrupt pte %016lx", pte);
  return &sets[line / WAYS].lines[line % WAYS];
}

static void tlb_flush(struct mm *mm, unsigned va) {
  atomic_fetch_add(&nr_tlb_flush, 1);
  for (int i = 0; i < CPUS; i++) {
    pthread_mutex_lock(&cpus[i].lock);
    struct tlb_entry *entry = &cpus[i].tlb[va % TLB_SIZE];
    if (entry->mm == mm && entry->va == va) entry->mm = 0;
    pthread_mutex_unlock(&cpus[i].lock);
  }
}

static void line_get(struct pcm *pcm) { atomic_fetch_add(&pcm->refcount, 1); }

static void line_put(struct pcm *pcm) {
  if (atomic_fetch_sub(&pcm->refcount, 1) != 1) return;
  BUG_ON(atomic_load(&pcm->mapcount) != 0, "line %p is freed with mapcount:%d", (void *)pcm, atomic_load(&pcm->mapcount));
  atomic_store(&pcm->flags, 0);
}

/* Under the line's lock. */
static void rmap_add(struct pcm *pcm, struct mm *mm, unsigned va, _Atomic(u64) *pte) {
  int n = atomic_load(&pcm->mapcount);
  BUG_ON(n == MAPPINGS, "too many mappings of line %p", (void *)pcm);
  pcm->rmap[n] = (struct rmap){mm, va, pte};
  atomic_fetch_add(&pcm->mapcount, 1);
}

static void rmap_remove(struct pcm *pcm, _Atomic(u64) *pte) {
  int n = atomic_load(&pcm->mapcount);
  for (int i = 0; i < n; i++) {
    if (pcm->rmap[i].pte != pte) continue;
    pcm->rmap[i] = pcm->rmap[n - 1];
    atomic_fetch_sub(&pcm->mapcount, 1);
    return;
  }
  PANIC("mapcount:%d refcount:%d", n, atomic_load(&pcm->refcount));
}

enum { WHILE = 100000 };

/* Victims: pages that were evicted, on their way to memory, and at hand for a while. */
static void victim_wait(long ns) {
  struct timespec moment = {0, ns};
  nanosleep(&moment, 0);
}

static u64 seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u64)now.tv_sec;
}

static struct victim *victim_alloc(void) {
  u64 start = seconds();
  for (;;) {
    pthread_mutex_lock(&victim_lock);
    for (;;) {
      for (int i = 0; i < VICTIMS; i++) {
        struct victim *v = &victims[i];
        unsigned flags = 0, clean = V_ALLOCATED | V_USABLE;
        if (!atomic_compare_exchange_strong(&v->flags, &flags, V_ALLOCATED) &&
            !atomic_compare_exchange_strong(&v->flags, &clean, V_ALLOCATED))
          continue;
        v->mm = 0;
        pthread_mutex_unlock(&victim_lock);
        return v;
      }
      BUG_ON(seconds() - start >= 10, "victim allocation: nothing became free for 10 s");
      if (bug != FLUSHD) break;
      victim_wait(100 * WHILE); /* and has the lock, without which the flusher does not finish */
    }
    pthread_mutex_unlock(&victim_lock);
    victim_wait(WHILE);
  }
}

static void victim_free(struct victim *v) { atomic_store(&v->flags, 0); }

static void victim_submit(struct victim *v) {
  pthread_mutex_lock(&victim_lock);
  atomic_fetch_or(&v->flags, V_USABLE | V_FLUSHING);
  queue[queued++] = (int)(v - victims);
  atomic_fetch_add(&nr_victim_flush_submitted, 1);
  pthread_cond_signal(&victim_work);
  pthread_mutex_unlock(&victim_lock);
}

/* Takes a page out of the victim cache; false when it is not there. */
static int victim_take(struct mm *mm, unsigned va, u64 *data) {
  for (;;) {
    struct victim *v = 0;
    pthread_mutex_lock(&victim_lock);
    for (int i = 0; i < VICTIMS && !v; i++)
      if ((atomic_load(&victims[i].flags) & V_ALLOCATED) && victims[i].mm == mm && victims[i].va == va) v = &victims[i];
    int is_mine = v && (atomic_fetch_and(&v->flags, ~V_USABLE) & V_USABLE);
    pthread_mutex_unlock(&victim_lock);
    if (!v) return 0;
    if (is_mine) {
      memcpy(data, v->data, sizeof v->data);
      while (atomic_load(&v->flags) & V_FLUSHING) victim_wait(WHILE);
      unsigned flags = atomic_load(&v->flags);
      BUG_ON(flags & V_USABLE, "victim %d: allocated, usable, and in use (flags %#x)", (int)(v - victims), flags);
      victim_free(v);
      return 1;
    }
    victim_wait(WHILE); /* it is being filled */
  }
}

void *flusher(void *unused) {
  pthread_mutex_lock(&victim_lock);
  for (;;) {
    while (queued == 0 && !atomic_load(&stopping)) pthread_cond_wait(&victim_work, &victim_lock);
    if (queued == 0) break;
    struct victim *v = &victims[queue[0]];
    memmove(queue, queue + 1, (size_t)--queued * sizeof queue[0]);
    pthread_mutex_unlock(&victim_lock);
    usleep(50); /* the network */
    pthread_mutex_lock(&victim_lock);
    memcpy(v->mm->backing[v->va], v->data, sizeof v->data);
    pthread_mutex_unlock(&victim_lock);
    if (bug == PLAIN_FLAGS) {
      volatile unsigned *flags = (volatile unsigned *)&v->flags;
      unsigned old = *flags;
      atomic_fetch_add(&nr_victim_flush_finished, 1);
      *flags = old & ~V_FLUSHING;
    } else {
      atomic_fetch_add(&nr_victim_flush_finished, 1);
      atomic_fetch_and(&v->flags, ~V_FLUSHING);
    }
    pthread_mutex_lock(&victim_lock);
  }
  pthread_mutex_unlock(&victim_lock);
  return unused;
}

/* Takes a line away from whoever maps it. It is marked, and ours is one of its references. */
static void evict(struct pcm *pcm) {
  atomic_fetch_add(&nr_pcache_eviction_triggered, 1);
  struct victim *v = victim_alloc();
  int unmapped = 0, is_left = 0;
  for (;;) {
    pthread_mutex_lock(&pcm->lock);
    if (atomic_load(&pcm->mapcount) == 0) {
      pthread_mutex_unlock(&pcm->lock);
      break;
    }
    struct rmap r = pcm->rmap[0];
    mm_get(r.mm);
    pthread_mutex_unlock(&pcm->lock);
    pte_lock(r.pte);
    u64 entry = atomic_load(r.pte);
    int is_mapped = (entry & PRESENT) && pte_to_pcm(entry) == pcm;
    if (is_mapped || bug == EVICT_ZAP) {
      pthread_mutex_lock(&victim_lock);
      v->mm = r.mm;
      v->va = r.va;
      pthread_mutex_unlock(&victim_lock);
      atomic_store(r.pte, 0);
      tlb_flush(r.mm, r.va);
      pthread_mutex_lock(&pcm->lock);
      rmap_remove(pcm, r.pte);
      pthread_mutex_unlock(&pcm->lock);
      line_put(pcm);
      unmapped = 1;
    }
    pte_unlock(r.pte);
    mm_put(r.mm);
    /* Who has cleared the entry removes the mapping. */
    if (!is_mapped && bug == SKIP_UNMAP) {
      is_left = 1;
      break;
    }
  }
  while (!is_left && atomic_load(&pcm->refcount) > 1) sched_yield();
  if (unmapped) {
    memcpy(v->data, pcm->data, sizeof v->data);
    victim_submit(v);
  } else
    victim_free(v);
  if (is_left) {
    atomic_store(&pcm->refcount, 0);
    atomic_store(&pcm->flags, 0);
  } else
    line_put(pcm);
}

/* The line of a set that has not been used for the longest time, marked and referenced; 0 when it must be asked again. Under the set's lock. */
static struct pcm *pick(struct set *set) {
  struct pcm *best = 0;
  int is_busy = 0, is_lost = 0;
  for (struct pcm *pcm = set->lines; pcm < set->lines + WAYS; pcm++) {
    pthread_mutex_lock(&pcm->lock);
    unsigned flags = atomic_load(&pcm->flags);
    int mapped = atomic_load(&pcm->mapcount);
    pthread_mutex_unlock(&pcm->lock);
    if (!(flags & P_USABLE) || (flags & P_RECLAIM)) is_busy = 1;
    else if (mapped == 0) is_lost = 1;
    else if (mapped == 1 && (!best || atomic_load(&pcm->used) < atomic_load(&best->used))) best = pcm;
  }
  /* Nobody maps what is there, and nobody frees it: off the list's end. */
  if (!best && !is_busy && is_lost) pcache_meta_to_kva(set->lines + WAYS);
  if (!best) return 0;
  pthread_mutex_lock(&best->lock);
  int is_ours = atomic_load(&best->mapcount) == 1 && (atomic_load(&best->flags) & P_USABLE);
  if (is_ours) {
    line_get(best);
    atomic_fetch_or(&best->flags, P_RECLAIM);
  }
  pthread_mutex_unlock(&best->lock);
  return is_ours ? best : 0;
}

/* A line for an address, which is nobody else's. */
static struct pcm *line_alloc(unsigned va) {
  struct set *set = &sets[va % SETS];
  for (;;) {
    pthread_mutex_lock(&set->lock);
    for (struct pcm *pcm = set->lines; pcm < set->lines + WAYS; pcm++) {
      unsigned flags = 0;
      if (!atomic_compare_exchange_strong(&pcm->flags, &flags, P_ALLOCATED)) continue;
      atomic_store(&pcm->refcount, 1);
      pthread_mutex_unlock(&set->lock);
      return pcm;
    }
    struct pcm *victim = pick(set);
    pthread_mutex_unlock(&set->lock);
    if (victim) evict(victim);
    else victim_wait(WHILE);
  }
}

/* Maps a filled line. Under the pte's lock. */
static void finish_insert(struct pcm *pcm, struct mm *mm, unsigned va, _Atomic(u64) *pte, u64 rights) {
  BUG_ON(atomic_load(&pcm->mapcount) != 0, "pcache_mapped(%p) in finish_insert: mapcount:%d", (void *)pcm, atomic_load(&pcm->mapcount));
  pthread_mutex_lock(&pcm->lock);
  rmap_add(pcm, mm, va, pte);
  atomic_store(&pcm->used, atomic_fetch_add(&lru_clock, 1));
  atomic_store(pte, pcache_meta_to_kva(pcm) | rights | PRESENT);
  atomic_fetch_or(&pcm->flags, P_USABLE | P_REFERENCED);
  pthread_mutex_unlock(&pcm->lock);
}

/* Takes a mapping away. Under the pte's lock. */
static void unmap(struct mm *mm, unsigned va, _Atomic(u64) *pte) {
  struct pcm *pcm = pte_to_pcm(atomic_load(pte));
  atomic_store(pte, 0);
  tlb_flush(mm, va);
  if (bug == SKIP_UNMAP && (atomic_load(&pcm->flags) & P_RECLAIM)) return; /* the evictor does the rest */
  pthread_mutex_lock(&pcm->lock);
  rmap_remove(pcm, pte);
  int is_last = atomic_load(&pcm->mapcount) == 0 && !(atomic_load(&pcm->flags) & P_RECLAIM);
  if (bug != MISSING_PUT || !is_last) line_put(pcm);
  pthread_mutex_unlock(&pcm->lock);
}

/* Another mapping has the page, too: a copy for this one. */
static void copy_on_write(struct mm *mm, unsigned va, _Atomic(u64) *pte) {
  u64 data[WORDS];
  atomic_fetch_add(&nr_cow, 1);
  for (;;) {
    struct pcm *copy = line_alloc(va);
    pte_lock(pte);
    u64 entry = atomic_load(pte);
    struct pcm *shared = (entry & PRESENT) ? pte_to_pcm(entry) : 0;
    if (!shared || atomic_load(&shared->mapcount) == 1) {
      if (shared) atomic_fetch_or(pte, WRITE);
      pte_unlock(pte);
      line_put(copy);
      return;
    }
    memcpy(data, shared->data, sizeof data);
    unmap(mm, va, pte);
    memcpy(copy->data, data, sizeof data);
    finish_insert(copy, mm, va, pte, WRITE);
    pte_unlock(pte);
    return;
  }
}

/* Under mm->lock. */
static void fault(struct mm *mm, unsigned va, int write) {
  _Atomic(u64) *pte = pte_of(mm, va);
  atomic_fetch_add(&nr_pgfault, 1);
  pte_lock(pte);
  u64 entry = atomic_load(pte);
  pte_unlock(pte);
  if (entry & PRESENT) {
    if (write && !(entry & WRITE)) copy_on_write(mm, va, pte);
    return;
  }
  BUG_ON(entry != 0, "corrupt pte %016lx of page %u", entry, va);
  struct pcm *pcm = line_alloc(va);
  u64 data[WORDS];
  if (victim_take(mm, va, data)) {
    memcpy(pcm->data, data, sizeof data);
    atomic_fetch_add(&nr_pcache_fill_from_victim, 1);
  } else {
    pthread_mutex_lock(&victim_lock);
    memcpy(pcm->data, mm->backing[va], sizeof data);
    pthread_mutex_unlock(&victim_lock);
    atomic_fetch_add(&nr_pcache_fill_from_memory, 1);
  }
  pte_lock(pte);
  finish_insert(pcm, mm, va, pte, WRITE);
  pte_unlock(pte);
}

/* One access by way of the TLB; 0 when it misses. */
static int tlb_access(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word, int write, u64 *value) {
  pthread_mutex_lock(&cpu->lock);
  struct tlb_entry *entry = &cpu->tlb[va % TLB_SIZE];
  int hit = entry->mm == mm && entry->va == va && (entry->write || !write);
  if (hit && write) entry->pcm->data[word] = *value;
  else if (hit) *value = entry->pcm->data[word];
  if (hit) atomic_fetch_or(&entry->pcm->flags, P_REFERENCED);
  pthread_mutex_unlock(&cpu->lock);
  return hit;
}

static void access_page(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word, int write, u64 *value) {
  while (!tlb_access(cpu, mm, va, word, write, value)) {
    pthread_mutex_lock(&mm->lock);
    fault(mm, va, write);
    _Atomic(u64) *pte = pte_of(mm, va);
    pte_lock(pte);
    u64 entry = atomic_load(pte);
    if (entry & PRESENT) {
      pthread_mutex_lock(&cpu->lock);
      cpu->tlb[va % TLB_SIZE] = (struct tlb_entry){mm, va, pte_to_pcm(entry), (entry & WRITE) != 0};
      pthread_mutex_unlock(&cpu->lock);
    }
    pte_unlock(pte);
    pthread_mutex_unlock(&mm->lock);
  }
}

u64 load(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word) {
  u64 value = 0;
  access_page(cpu, mm, va, word, 0, &value);
  return value;
}

void store(struct cpu *cpu, struct mm *mm, unsigned va, unsigned word, u64 value) {
  access_page(cpu, mm, va, word, 1, &value);
}

void munmap_page(struct mm *mm, unsigned va) {
  u64 data[WORDS];
  pthread_mutex_lock(&mm->lock);
  _Atomic(u64) *pte = pte_of(mm, va);
  pte_lock(pte);
  if (atomic_load(pte) != 0) unmap(mm, va, pte);
  pte_unlock(pte);
  victim_take(mm, va, data);
  pthread_mutex_lock(&victim_lock);
  memset(mm->backing[va], 0, sizeof mm->backing[va]);
  pthread_mutex_unlock(&victim_lock);
  pthread_mutex_unlock(&mm->lock);
}

/* Both entries at once, however their locks lie. */
static void lock_two(_Atomic(u64) *a, _Atomic(u64) *b) {
  unsigned i = pte_index(a), j = pte_index(b);
  pthread_mutex_lock(&pte_locks[i < j ? i : j]);
  if (i != j) pthread_mutex_lock(&pte_locks[i < j ? j : i]);
}

static void unlock_two(_Atomic(u64) *a, _Atomic(u64) *b) {
  pte_unlock(a);
  if (pte_index(a) != pte_index(b)) pte_unlock(b);
}

/* Moves a page to an address at which nothing is mapped. */
void mremap_page(struct mm *mm, unsigned from, unsigned to) {
  pthread_mutex_lock(&mm->lock);
  _Atomic(u64) *old = pte_of(mm, from), *new = pte_of(mm, to);
  for (;;) {
    fault(mm, from, 1);
    lock_two(old, new);
    u64 entry = atomic_load(old);
    struct pcm *pcm = (entry & PRESENT) ? pte_to_pcm(entry) : 0;
    if (pcm) pthread_mutex_lock(&pcm->lock);
    int moves = pcm && !(atomic_load(&pcm->flags) & P_RECLAIM);
    if (moves) {
      atomic_store(old, 0);
      tlb_flush(mm, from);
      rmap_remove(pcm, old);
      rmap_add(pcm, mm, to, new);
      atomic_store(new, entry);
    }
    if (pcm) pthread_mutex_unlock(&pcm->lock);
    unlock_two(old, new);
    if (moves) break;
    sched_yield();
  }
  pthread_mutex_unlock(&mm->lock);
}

/* The child gets the parent's page, and neither may write to it before it has a copy. */
void fork_page(struct mm *parent, struct mm *child, unsigned va) {
  pthread_mutex_lock(&parent->lock);
  _Atomic(u64) *pte = pte_of(parent, va), *own = pte_of(child, va);
  for (int done = 0; !done;) {
    fault(parent, va, 0);
    pte_lock(pte);
    u64 entry = atomic_load(pte);
    struct pcm *pcm = (entry & PRESENT) ? pte_to_pcm(entry) : 0;
    if (pcm) pthread_mutex_lock(&pcm->lock);
    if (pcm && !(atomic_load(&pcm->flags) & P_RECLAIM)) {
      atomic_fetch_and(pte, ~WRITE);
      atomic_store(own, entry & ~WRITE);
      line_get(pcm);
      rmap_add(pcm, child, va, own);
      done = 1;
    }
    if (pcm) pthread_mutex_unlock(&pcm->lock);
    if (done && bug != TLB) tlb_flush(parent, va);
    pte_unlock(pte);
    if (!done) sched_yield();
  }
  pthread_mutex_unlock(&parent->lock);
}

/* In the background: keeps a line free in each set. */
void *evictor(void *unused) {
  while (!atomic_load(&stopping)) {
    for (struct set *set = sets; set < sets + SETS; set++) {
      pthread_mutex_lock(&set->lock);
      int free_lines = 0;
      for (int way = 0; way < WAYS; way++) free_lines += atomic_load(&set->lines[way].flags) == 0;
      struct pcm *pcm = free_lines == 0 ? pick(set) : 0;
      pthread_mutex_unlock(&set->lock);
      if (pcm) evict(pcm);
    }
    usleep(200);
  }
  return unused;
}

/* In the background: what was used since it came by last counts as used now. */
void *sweeper(void *unused) {
  while (!atomic_load(&stopping)) {
    for (int i = 0; i < SETS * WAYS; i++) {
      struct pcm *pcm = &sets[i / WAYS].lines[i % WAYS];
      if (!(atomic_fetch_and(&pcm->flags, ~P_REFERENCED) & P_REFERENCED)) continue;
      atomic_store(&pcm->used, atomic_fetch_add(&lru_clock, 1));
      atomic_fetch_add(&nr_swept, 1);
    }
    usleep(500);
  }
  return unused;
}

void cache_stop(void) {
  pthread_mutex_lock(&victim_lock);
  atomic_store(&stopping, 1);
  pthread_cond_broadcast(&victim_work);
  pthread_mutex_unlock(&victim_lock);
}

/* When nobody maps anything any more. */
void cache_check(void) {
  for (int i = 0; i < SETS * WAYS; i++) {
    struct pcm *pcm = &sets[i / WAYS].lines[i % WAYS];
    BUG_ON(atomic_load(&pcm->flags) != 0 || atomic_load(&pcm->refcount) != 0, "line %d is left with flags %#x mapcount:%d refcount:%d", i,
           atomic_load(&pcm->flags), atomic_load(&pcm->mapcount), atomic_load(&pcm->refcount));
  }
  u64 submitted = atomic_load(&nr_victim_flush_submitted), finished = atomic_load(&nr_victim_flush_finished);
  BUG_ON(submitted != finished, "%lu flushes submitted, %lu finished", submitted, finished);
}
