/*
 * Shows what going back costs in a run that makes it hard: four threads write all over a table of 16 MiB under locks, on stacks that come and go, and
 * keep a journal in blocks that are allocated and freed. Prints sums that depend on no schedule. The argument is the number of transfers in thousands;
 * 1,750 of these are a thousand million instructions.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, LOCKS = 64, ACCOUNTS = 1 << 20, ENTRY = 96 };

struct account {
  int64_t balance;
  uint32_t changes;
  uint32_t owner;
};

struct entry {
  struct entry *before;
  uint32_t from, to;
  char text[ENTRY - 16];
};

struct account accounts[ACCOUNTS];
pthread_mutex_t locks[LOCKS];
/* Written once, at the start; seven times; with each transfer. */
uint64_t opened;
uint64_t milestones;
_Atomic uint64_t transfers;
static long per_thread;

static uint32_t draw(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint32_t)(*state >> 20);
}

static struct entry *note(struct entry *journal, uint32_t from, uint32_t to) {
  struct entry *entry = malloc(sizeof *entry);
  entry->before = journal;
  entry->from = from;
  entry->to = to;
  memset(entry->text, 'a' + (from & 15), sizeof entry->text);
  return entry;
}

/* A stack of some depth, written on the way down. */
static uint64_t audit(uint32_t account, int depth) {
  volatile uint64_t window[32];
  for (int i = 0; i < 32; i++) window[i] = accounts[(account + i) & (ACCOUNTS - 1)].changes;
  uint64_t sum = window[account & 31];
  return depth == 0 ? sum : sum + audit(account * 7 + 1, depth - 1);
}

static void transfer(uint32_t from, uint32_t to, int64_t amount) {
  uint32_t first = from % LOCKS, second = to % LOCKS;
  if (first > second) {
    uint32_t swap = first;
    first = second;
    second = swap;
  }
  pthread_mutex_lock(&locks[first]);
  if (second != first) pthread_mutex_lock(&locks[second]);
  accounts[from].balance -= amount;
  accounts[from].changes++;
  accounts[to].balance += amount;
  accounts[to].changes++;
  if (second != first) pthread_mutex_unlock(&locks[second]);
  pthread_mutex_unlock(&locks[first]);
}

static void *work(void *arg) {
  uint64_t state = 88172645463325252u + (uintptr_t)arg, seen = 0;
  struct entry *journal = NULL;
  for (long i = 0; i < per_thread; i++) {
    uint32_t from = draw(&state) % ACCOUNTS, to = draw(&state) % ACCOUNTS;
    transfer(from, to, draw(&state) % 1000);
    journal = note(journal, from, to);
    if (i % 200 == 199) {
      seen += audit(from, 12) & 1;
      while (journal != NULL) {
        struct entry *before = journal->before;
        free(journal);
        journal = before;
      }
    }
    if (++transfers % 250000 == 0) milestones++;
  }
  while (journal != NULL) {
    struct entry *before = journal->before;
    free(journal);
    journal = before;
  }
  return (void *)(seen & 0);
}

int main(int argc, char **argv) {
  per_thread = (argc > 1 ? atol(argv[1]) : 100) * 1000 / THREADS;
  for (uint32_t i = 0; i < ACCOUNTS; i++) accounts[i].owner = i;
  opened = ACCOUNTS;
  for (int i = 0; i < LOCKS; i++) pthread_mutex_init(&locks[i], NULL);
  pthread_t threads[THREADS];
  for (intptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(i * 7919));
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  int64_t balance = 0;
  uint64_t changes = 0;
  for (uint32_t i = 0; i < ACCOUNTS; i++) balance += accounts[i].balance, changes += accounts[i].changes;
  printf("%lld %llu\n", (long long)balance, (unsigned long long)changes);
  return 0;
}
