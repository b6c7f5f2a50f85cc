/*
 * A word count on several CPUs, each of which has an address space in the cache: pcache [CPUS [ROUNDS]]. The environment variable BUG selects one of nine bugs.
 * Every round maps text, counts its words, moves a page, forks a child that looks at what it inherited, and unmaps.
 */
#include "pcache.h"

enum bug bug;
static const char *const BUGS[] = {"", "evict-zap", "skip-unmap", "kmalloc-cross", "thread-group", "missing-put", "plain-flags", "kfree-referenced", "tlb", "flushd"};

enum { TEXT = 0, TEXTS = 6, COUNTS = 8, KINDS = 6, SHARED = 16, MOVED = 20, ELSEWHERE = 25 };

struct child {
  struct cpu *cpu;
  struct mm *mm;
  struct task *task;
  u64 expected;
};

static int rounds = 4;

static u64 word_at(u64 seed, unsigned i) { return (seed * 7919 + i * 104729 + (i >> 3) * 31) % KINDS; }

static void *child_main(void *argument) {
  struct child *child = argument;
  for (int pass = 0; pass < 3; pass++)
    for (unsigned word = 0; word < 2; word++) {
      u64 value = load(child->cpu, child->mm, SHARED, word);
      BUG_ON(value != child->expected + word, "child reads wrong data: word %u is %lu, and was %lu at the fork", word, value, child->expected + word);
    }
  store(child->cpu, child->mm, SHARED, 0, 1);
  munmap_page(child->mm, SHARED);
  mm_put(child->mm);
  task_exit(child->task);
  return 0;
}

static void count_words(struct cpu *cpu, struct mm *mm, u64 seed) {
  u64 expected[KINDS] = {0};
  for (unsigned i = 0; i < TEXTS * WORDS; i++) store(cpu, mm, TEXT + i / WORDS, i % WORDS, word_at(seed, i));
  for (unsigned i = 0; i < TEXTS * WORDS; i++) {
    u64 kind = load(cpu, mm, TEXT + i / WORDS, i % WORDS);
    BUG_ON(kind != word_at(seed, i), "word %u of the text is %lu", i, kind);
    store(cpu, mm, COUNTS + (unsigned)kind, 0, load(cpu, mm, COUNTS + (unsigned)kind, 0) + 1);
    expected[kind]++;
  }
  for (unsigned kind = 0; kind < KINDS; kind++) {
    u64 count = load(cpu, mm, COUNTS + kind, 0);
    BUG_ON(count != expected[kind], "checksum differs: word %u was counted %lu times, and is there %lu times", kind, count, expected[kind]);
  }
}

static void *cpu_main(void *argument) {
  long me = (long)argument;
  struct cpu *cpu = &cpus[2 * me];
  struct task *leader = task_clone(0);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < 3; i++) task_exit(task_clone(leader));
    struct mm *mm = mm_create();
    struct task *helper = task_clone(leader), *other = task_clone(leader);
    u64 seed = (u64)(me * rounds + round);
    count_words(cpu, mm, seed);
    task_exit(helper);

    store(cpu, mm, MOVED, 3, seed);
    mremap_page(mm, MOVED, ELSEWHERE);
    u64 moved = load(cpu, mm, ELSEWHERE, 3);
    BUG_ON(moved != seed, "a moved page has %lu in place of %lu", moved, seed);

    for (unsigned word = 0; word < 2; word++) store(cpu, mm, SHARED, word, 1000 * seed + word);
    struct child child = {cpu + 1, mm_create(), task_clone(leader), 1000 * seed};
    fork_page(mm, child.mm, SHARED);
    pthread_t thread;
    pthread_create(&thread, 0, child_main, &child);
    for (unsigned word = 0; word < 2; word++) store(cpu, mm, SHARED, word, 7);
    for (unsigned va = 0; va < VAS; va++)
      if (va != SHARED) munmap_page(mm, va);
    munmap_page(mm, SHARED);
    task_exit(other);
    mm_put(mm);
    pthread_join(thread, 0);
  }
  task_exit(leader);
  return 0;
}

int main(int argc, char **argv) {
  int ncpus = argc > 1 ? atoi(argv[1]) : 3;
  if (argc > 2) rounds = atoi(argv[2]);
  const char *name = getenv("BUG") ? getenv("BUG") : "";
  while (bug <= FLUSHD && strcmp(name, BUGS[bug]) != 0) bug++;
  if (bug > FLUSHD || ncpus < 1 || 2 * ncpus > CPUS || rounds < 1) {
    fprintf(stderr, "usage: BUG=NAME %s [CPUS up to %d [ROUNDS]], NAME one of", argv[0], CPUS / 2);
    for (int i = 1; i <= FLUSHD; i++) fprintf(stderr, " %s", BUGS[i]);
    fputc('\n', stderr);
    return 2;
  }
  memory_init();
  cache_init();
  pthread_t background[3], threads[CPUS];
  pthread_create(&background[0], 0, evictor, 0);
  pthread_create(&background[1], 0, sweeper, 0);
  pthread_create(&background[2], 0, flusher, 0);
  for (long i = 0; i < ncpus; i++) pthread_create(&threads[i], 0, cpu_main, (void *)i);
  for (int i = 0; i < ncpus; i++) pthread_join(threads[i], 0);
  cache_stop();
  for (int i = 0; i < 3; i++) pthread_join(background[i], 0);
  cache_check();
  BUG_ON(pages_in_use() > 1, "%d pages are still in use", pages_in_use());
  printf("faults %lu, filled from memory %lu, from victims %lu, evicted %lu, flushed %lu, copied on write %lu\n", nr_pgfault, nr_pcache_fill_from_memory,
         nr_pcache_fill_from_victim, nr_pcache_eviction_triggered, nr_victim_flush_finished, nr_cow);
  return 0;
}
