/* Lock-free code in C11, one case for each name: those that begin with `race_` have a data race, the others order all that they do by atomics alone. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

static int data, other, plain_flag, plain_turn;
static atomic_int flag, turn, wants[2], next_ticket, serving;
static atomic_bool spinning;
static atomic_flag test_and_set = ATOMIC_FLAG_INIT;

static void run(thrd_start_t f, thrd_start_t g) {
  thrd_t a, b;
  thrd_create(&a, f, 0);
  thrd_create(&b, g, (void *)1);
  thrd_join(a, 0);
  thrd_join(b, 0);
}

/* Passing a message: with release and acquire, with fences around relaxed accesses, by sequential consistency, by one atomic instruction, and by nothing. */
static int send_release(void *u) {
  (void)u;
  data = 1;
  atomic_store_explicit(&flag, 1, memory_order_release);
  return 0;
}
static int receive_acquire(void *u) {
  (void)u;
  while (!atomic_load_explicit(&flag, memory_order_acquire)) thrd_yield();
  return data;
}
static int send_sc(void *u) {
  (void)u;
  data = 1;
  atomic_store(&flag, 1);
  return 0;
}
static int receive_sc(void *u) {
  (void)u;
  while (!atomic_load(&flag)) thrd_yield();
  return data;
}
static int send_fence(void *u) {
  (void)u;
  data = 1;
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&flag, 1, memory_order_relaxed);
  return 0;
}
static int receive_fence(void *u) {
  (void)u;
  while (!atomic_load_explicit(&flag, memory_order_relaxed)) thrd_yield();
  atomic_thread_fence(memory_order_acquire);
  return data;
}
static int send_rmw(void *u) {
  (void)u;
  data = 1;
  atomic_fetch_add_explicit(&flag, 1, memory_order_acq_rel);
  return 0;
}
static int receive_rmw(void *u) {
  (void)u;
  while (!atomic_fetch_or_explicit(&flag, 0, memory_order_acq_rel)) thrd_yield();
  return data;
}
static int receive_consume(void *u) {
  (void)u;
  while (!atomic_load_explicit(&flag, memory_order_consume)) thrd_yield();
  return data;
}
static int send_plain(void *u) {
  (void)u;
  data = 1;
  *(volatile int *)&plain_flag = 1;
  return 0;
}
static int receive_plain(void *u) {
  (void)u;
  while (!*(volatile int *)&plain_flag) thrd_yield();
  return data;
}
static int send_late(void *u) {
  (void)u;
  atomic_store_explicit(&flag, 1, memory_order_release);
  data = 1;
  return 0;
}

/* Mutual exclusion without locks. */
static int peterson(void *who) {
  int me = who != 0;
  for (int i = 0; i < 3; i++) {
    atomic_store(&wants[me], 1);
    atomic_store(&turn, 1 - me);
    while (atomic_load(&wants[1 - me]) && atomic_load(&turn) == 1 - me) thrd_yield();
    data++;
    atomic_store(&wants[me], 0);
  }
  return 0;
}
static volatile int plain_wants[2];
static int race_peterson(void *who) {
  int me = who != 0;
  for (int i = 0; i < 3; i++) {
    plain_wants[me] = 1;
    *(volatile int *)&plain_turn = 1 - me;
    while (plain_wants[1 - me] && *(volatile int *)&plain_turn == 1 - me) thrd_yield();
    data++;
    plain_wants[me] = 0;
  }
  return 0;
}
static int dekker(void *who) {
  int me = who != 0;
  for (int i = 0; i < 3; i++) {
    atomic_store(&wants[me], 1);
    while (atomic_load(&wants[1 - me]))
      if (atomic_load(&turn) != me) {
        atomic_store(&wants[me], 0);
        while (atomic_load(&turn) != me) thrd_yield();
        atomic_store(&wants[me], 1);
      } else thrd_yield();
    data++;
    atomic_store(&turn, 1 - me);
    atomic_store(&wants[me], 0);
  }
  return 0;
}
static int ticket(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    int mine = atomic_fetch_add_explicit(&next_ticket, 1, memory_order_relaxed);
    while (atomic_load_explicit(&serving, memory_order_acquire) != mine) thrd_yield();
    data++;
    atomic_store_explicit(&serving, mine + 1, memory_order_release);
  }
  return 0;
}
static int spin_exchange(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    while (atomic_exchange_explicit(&spinning, 1, memory_order_acquire)) thrd_yield();
    data++;
    atomic_store_explicit(&spinning, 0, memory_order_release);
  }
  return 0;
}
static int spin_flag(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    while (atomic_flag_test_and_set_explicit(&test_and_set, memory_order_acquire)) thrd_yield();
    data++;
    atomic_flag_clear_explicit(&test_and_set, memory_order_release);
  }
  return 0;
}

struct waiter {
  _Atomic(struct waiter *) next;
  atomic_int locked;
};
static _Atomic(struct waiter *) queue_tail;
static int mcs(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    struct waiter me;
    atomic_init(&me.next, 0);
    atomic_init(&me.locked, 1);
    struct waiter *before = atomic_exchange_explicit(&queue_tail, &me, memory_order_acq_rel);
    if (before != 0) {
      atomic_store_explicit(&before->next, &me, memory_order_release);
      while (atomic_load_explicit(&me.locked, memory_order_acquire)) thrd_yield();
    }
    data++;
    struct waiter *expected = &me, *next = atomic_load_explicit(&me.next, memory_order_acquire);
    if (next == 0) {
      if (atomic_compare_exchange_strong_explicit(&queue_tail, &expected, 0, memory_order_acq_rel, memory_order_relaxed)) continue;
      while ((next = atomic_load_explicit(&me.next, memory_order_acquire)) == 0) thrd_yield();
    }
    atomic_store_explicit(&next->locked, 0, memory_order_release);
  }
  return 0;
}
static atomic_int clh_first;
static _Atomic(atomic_int *) clh_tail = &clh_first;
static int clh(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    atomic_int *mine = malloc(sizeof *mine);
    atomic_init(mine, 1);
    atomic_int *before = atomic_exchange(&clh_tail, mine);
    while (atomic_load_explicit(before, memory_order_acquire)) thrd_yield();
    data++;
    atomic_store_explicit(mine, 0, memory_order_release);
  }
  return 0;
}

/* A sequence lock over atomic words: readers try again. */
static atomic_uint sequence;
static atomic_int low, high;
static int seq_write(void *u) {
  (void)u;
  for (int i = 1; i < 4; i++) {
    unsigned now = atomic_load_explicit(&sequence, memory_order_relaxed);
    atomic_store_explicit(&sequence, now + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&low, i, memory_order_relaxed);
    atomic_store_explicit(&high, i, memory_order_relaxed);
    atomic_store_explicit(&sequence, now + 2, memory_order_release);
  }
  return 0;
}
static int seq_read(void *u) {
  (void)u;
  unsigned before, after;
  int a, b;
  do {
    before = atomic_load_explicit(&sequence, memory_order_acquire);
    a = atomic_load_explicit(&low, memory_order_relaxed);
    b = atomic_load_explicit(&high, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    after = atomic_load_explicit(&sequence, memory_order_relaxed);
    if (before != after || before & 1) thrd_yield();
  } while (before != after || before & 1);
  return a - b;
}
static int seq_write_plain(void *u) {
  (void)u;
  for (int i = 1; i < 4; i++) {
    unsigned now = atomic_load_explicit(&sequence, memory_order_relaxed);
    atomic_store_explicit(&sequence, now + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    data = i;
    other = i;
    atomic_store_explicit(&sequence, now + 2, memory_order_release);
    thrd_yield();
  }
  return 0;
}
static int seq_read_plain(void *u) {
  (void)u;
  for (int i = 1; i < 4; i++) {
    unsigned before = atomic_load_explicit(&sequence, memory_order_acquire);
    int a = data, b = other;
    atomic_thread_fence(memory_order_acquire);
    if (before == atomic_load_explicit(&sequence, memory_order_relaxed) && !(before & 1) && a != b) return 1;
    thrd_yield();
  }
  return 0;
}

/* A pointer is replaced and the old one freed: after a count of readers, after announcements, and at once. */
struct box {
  int value;
};
static _Atomic(struct box *) shared, announced;
static atomic_int reading;
static struct box *boxed(int value) {
  struct box *box = malloc(sizeof *box);
  box->value = value;
  return box;
}
static int rcu_read(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    atomic_fetch_add(&reading, 1);
    struct box *seen = atomic_load_explicit(&shared, memory_order_acquire);
    int value = seen->value;
    atomic_fetch_sub(&reading, 1);
    if (value < 0) return 1;
  }
  return 0;
}
static int rcu_replace(void *u) {
  (void)u;
  struct box *old = atomic_exchange(&shared, boxed(2));
  while (atomic_load(&reading) != 0) thrd_yield();
  old->value = -1;
  free(old);
  return 0;
}
static int race_replace(void *u) {
  (void)u;
  struct box *old = atomic_exchange(&shared, boxed(2));
  old->value = 7;
  return 0;
}
static int hazard_read(void *u) {
  (void)u;
  for (int i = 0; i < 3; i++) {
    struct box *seen;
    do {
      seen = atomic_load(&shared);
      atomic_store(&announced, seen);
    } while (atomic_load(&shared) != seen);
    int value = seen->value;
    atomic_store(&announced, 0);
    if (value < 0) return 1;
  }
  return 0;
}
static int hazard_replace(void *u) {
  (void)u;
  struct box *old = atomic_exchange(&shared, boxed(2));
  while (atomic_load(&announced) == old) thrd_yield();
  old->value = -1;
  free(old);
  return 0;
}
static int count_down(void *u) {
  (void)u;
  struct box *box = atomic_load(&shared);
  if (atomic_fetch_sub_explicit(&reading, 1, memory_order_release) == 1) {
    atomic_thread_fence(memory_order_acquire);
    box->value = -1;
    free(box);
  }
  return 0;
}

/* A ring of one producer and one consumer, and a stack from which all is taken at once. */
static int ring[4];
static atomic_uint ring_head, ring_tail;
static int produce(void *u) {
  (void)u;
  for (unsigned i = 0; i < 9; i++) {
    while (i - atomic_load_explicit(&ring_head, memory_order_acquire) == 4) thrd_yield();
    ring[i % 4] = (int)i;
    atomic_store_explicit(&ring_tail, i + 1, memory_order_release);
  }
  return 0;
}
static int consume(void *u) {
  (void)u;
  for (unsigned i = 0; i < 9; i++) {
    while (atomic_load_explicit(&ring_tail, memory_order_acquire) == i) thrd_yield();
    if (ring[i % 4] != (int)i) abort();
    atomic_store_explicit(&ring_head, i + 1, memory_order_release);
  }
  return 0;
}
struct link {
  struct link *next;
  int value;
};
static _Atomic(struct link *) stack;
static int push(void *u) {
  (void)u;
  for (int i = 0; i < 4; i++) {
    struct link *link = malloc(sizeof *link);
    link->value = i;
    link->next = atomic_load_explicit(&stack, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&stack, &link->next, link, memory_order_release, memory_order_relaxed)) {}
  }
  return 0;
}
static int drain(void *u) {
  (void)u;
  for (int left = 4; left > 0;) {
    struct link *all = atomic_exchange_explicit(&stack, 0, memory_order_acquire);
    if (all == 0) thrd_yield();
    while (all != 0) {
      struct link *next = all->next;
      if (all->value < 0) abort();
      free(all);
      all = next;
      left--;
    }
  }
  return 0;
}

/* C11's own objects. */
static mtx_t mutex;
static cnd_t condition;
static once_flag once = ONCE_FLAG_INIT;
static _Thread_local int mine;
static tss_t key;
static void initialise(void) {
  data = 1;
}
static int call_once_twice(void *u) {
  (void)u;
  call_once(&once, initialise);
  return data != 1;
}
static int locked(void *u) {
  (void)u;
  mtx_lock(&mutex);
  data++;
  mtx_unlock(&mutex);
  mine++;
  tss_set(key, &mine);
  return 0;
}
static int unlocked(void *u) {
  (void)u;
  data++;
  return 0;
}
static int signals(void *u) {
  (void)u;
  mtx_lock(&mutex);
  data = other = 1;
  cnd_signal(&condition);
  mtx_unlock(&mutex);
  return 0;
}
static int waits(void *u) {
  (void)u;
  mtx_lock(&mutex);
  while (!other) cnd_wait(&condition, &mutex);
  mtx_unlock(&mutex);
  return data;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  mtx_init(&mutex, mtx_plain);
  cnd_init(&condition);
  tss_create(&key, 0);
  atomic_store(&shared, boxed(1));
#define CASE(text) if (strcmp(name, text) == 0)
  CASE("release_acquire") run(send_release, receive_acquire);
  CASE("sequential") run(send_sc, receive_sc);
  CASE("fences") run(send_fence, receive_fence);
  CASE("read_modify_write") run(send_rmw, receive_rmw);
  CASE("consume") run(send_release, receive_consume);
  CASE("race_plain_flag") run(send_plain, receive_plain);
  CASE("race_too_early") run(send_late, receive_acquire);
  CASE("peterson") run(peterson, peterson);
  CASE("race_peterson") run(race_peterson, race_peterson);
  CASE("dekker") run(dekker, dekker);
  CASE("ticket") run(ticket, ticket);
  CASE("spin_exchange") run(spin_exchange, spin_exchange);
  CASE("spin_flag") run(spin_flag, spin_flag);
  CASE("mcs") run(mcs, mcs);
  CASE("clh") run(clh, clh);
  CASE("seqlock") run(seq_write, seq_read);
  CASE("race_seqlock") run(seq_write_plain, seq_read_plain);
  CASE("rcu") run(rcu_read, rcu_replace);
  CASE("race_rcu") run(rcu_read, race_replace);
  CASE("hazard") run(hazard_read, hazard_replace);
  CASE("reference_count") {
    atomic_store(&reading, 2);
    run(count_down, count_down);
  }
  CASE("ring") run(produce, consume);
  CASE("stack") run(push, drain);
  CASE("once") run(call_once_twice, call_once_twice);
  CASE("mutex") run(locked, locked);
  CASE("race_mutex") run(locked, unlocked);
  CASE("condition") run(signals, waits);
  return 0;
}
