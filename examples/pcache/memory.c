/* Pages, small objects, tasks and page tables: the ground that the cache stands on. */
#include "pcache.h"

struct page pages[NR_PAGES];
char memory[NR_PAGES][PAGE] __attribute__((aligned(PAGE)));
static int free_list;
static int in_use;
static pthread_mutex_t page_lock = PTHREAD_MUTEX_INITIALIZER;

void memory_init(void) {
  for (int i = 0; i < NR_PAGES; i++) pages[i].next = i + 1;
}

/* A page with one reference, zeroed. */
int page_alloc(enum owner owner) {
  pthread_mutex_lock(&page_lock);
  int page = free_list;
  BUG_ON(page == NR_PAGES, "out of memory");
  free_list = pages[page].next;
  in_use++;
  pages[page].owner = owner;
  pages[page].objects = pages[page].used = 0;
  atomic_store(&pages[page].refcount, 1);
  pthread_mutex_unlock(&page_lock);
  memset(memory[page], 0, PAGE);
  return page;
}

void page_free(int page) {
  BUG_ON(atomic_load(&pages[page].refcount) == 0, "page_ref_count(page) == 0 in page_free(%d)", page);
  if (atomic_fetch_sub(&pages[page].refcount, 1) != 1) return;
  pthread_mutex_lock(&page_lock);
  pages[page].owner = FREE;
  pages[page].next = free_list;
  free_list = page;
  in_use--;
  pthread_mutex_unlock(&page_lock);
}

int pages_in_use(void) { return in_use; }

/* Objects one after the other in a page, which goes when the last of them is freed. */
static pthread_mutex_t slab_lock = PTHREAD_MUTEX_INITIALIZER;
static int slab = -1;

void *kmalloc(size_t size) {
  pthread_mutex_lock(&slab_lock);
  if (slab >= 0) {
    size_t end = (size_t)pages[slab].used + (bug == KMALLOC_CROSS ? 8 : size);
    int is_empty = pages[slab].objects == 0;
    if (is_empty) page_free(slab);
    if (is_empty || end > PAGE) slab = -1;
  }
  if (slab < 0) slab = page_alloc(SLAB);
  char *object = &memory[slab][pages[slab].used];
  pages[slab].used += size;
  pages[slab].objects++;
  pthread_mutex_unlock(&slab_lock);
  return object;
}

void kfree(void *object) {
  int page = (int)(((char *)object - memory[0]) / PAGE);
  pthread_mutex_lock(&slab_lock);
  int left = --pages[page].objects;
  /* The page that is filled at the moment belongs to kmalloc as well. */
  int is_current = page == slab && bug != KFREE_REFERENCED;
  pthread_mutex_unlock(&slab_lock);
  if (left == 0 && !is_current) page_free(page);
}

/* Threads of a process are in a list that begins at their leader. */
static pthread_mutex_t task_lock = PTHREAD_MUTEX_INITIALIZER;
static u64 next_pid = 1;

struct task *task_clone(struct task *leader) {
  struct task *task = kmalloc(sizeof *task);
  pthread_mutex_lock(&task_lock);
  task->pid = next_pid++;
  task->leader = leader;
  task->utime = 0;
  list_init(&task->thread_group);
  list_init(&task->children);
  if (leader) list_add_tail(&task->thread_group, &leader->thread_group);
  pthread_mutex_unlock(&task_lock);
  return task;
}

void task_exit(struct task *task) {
  if (bug != THREAD_GROUP) {
    pthread_mutex_lock(&task_lock);
    list_del(&task->thread_group);
    pthread_mutex_unlock(&task_lock);
  }
  kfree(task);
}

/* Four levels of page tables, each of which takes a part of the address. An entry has the page, the level and PRESENT. */
static const enum owner LEVELS[] = {PGD, PUD, PMD, PTE};
static const char *const NAMES[] = {"pgd", "pud", "pmd", "pte"};
enum { SHIFT = 12, LEVEL_SHIFT = 4 };

static int table_alloc(struct mm *mm, int level) {
  mm->tables++;
  return page_alloc(LEVELS[level]);
}

/* The page of the next level that an entry leads to; -1 for none. */
static int table_at(const struct mm *mm, u64 entry, int level) {
  if (entry == 0) return -1;
  u64 page = entry >> SHIFT;
  int is_good = (entry & 0xf) == PRESENT && (entry >> LEVEL_SHIFT & 0xff) == (u64)level && page < NR_PAGES;
  BUG_ON(!is_good || pages[page].owner != LEVELS[level + 1], "bad %s entry %016lx of mm %p", NAMES[level], entry, (void *)mm);
  return (int)page;
}

/* The entry of an address in the last level. Under mm->lock. */
_Atomic(u64) *pte_of(struct mm *mm, unsigned va) {
  int page = mm->pgd;
  for (int level = 0; level < 3; level++) {
    u64 *entry = (u64 *)memory[page] + (va >> (2 * (3 - level)) & 3) + 4;
    int next = table_at(mm, *entry, level);
    if (next < 0) {
      next = table_alloc(mm, level + 1);
      *entry = (u64)next << SHIFT | (u64)level << LEVEL_SHIFT | PRESENT;
    }
    page = next;
  }
  return (_Atomic(u64) *)memory[page] + (va & 3) + 4;
}

struct mm *mm_create(void) {
  struct mm *mm = calloc(1, sizeof *mm);
  pthread_mutex_init(&mm->lock, 0);
  atomic_store(&mm->users, 1);
  mm->pgd = table_alloc(mm, 0);
  return mm;
}

static void tables_free(struct mm *mm, int page, int level) {
  for (int i = 0; i < ENTRIES && level < 3; i++) {
    int next = table_at(mm, ((u64 *)memory[page])[i], level);
    if (next >= 0) tables_free(mm, next, level + 1);
  }
  for (int i = 0; i < ENTRIES && level == 3; i++) {
    u64 entry = atomic_load((_Atomic(u64) *)memory[page] + i);
    BUG_ON(entry != 0, "corrupt pte %016lx in page table %d of mm %p, which has no mapping left", entry, page, (void *)mm);
  }
  mm->tables--;
  page_free(page);
}

void mm_get(struct mm *mm) { atomic_fetch_add(&mm->users, 1); }

void mm_put(struct mm *mm) {
  if (atomic_fetch_sub(&mm->users, 1) != 1) return;
  tables_free(mm, mm->pgd, 0);
  BUG_ON(mm->tables != 0, "mm %p has %d page tables left", (void *)mm, mm->tables);
  pthread_mutex_destroy(&mm->lock);
  free(mm);
}
