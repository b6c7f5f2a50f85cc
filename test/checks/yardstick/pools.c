// Pools of pools, redzones of blocks that a program hands out, and memory that its allocator has taken back.
#include <valgrind/memcheck.h>
#include <stdlib.h>
#include <sys/mman.h>

static char static_room[4096];
volatile int sink;

static char *take(char *at, size_t size) {
  VALGRIND_MALLOCLIKE_BLOCK(at, size, 0, 0);
  return at;
}

static void meta(int flags, int frees) {
  int pool;
  VALGRIND_CREATE_MEMPOOL_EXT(&pool, 0, 0, flags);
  VALGRIND_MEMPOOL_ALLOC(&pool, static_room, sizeof static_room);
  static_room[0] = 1;
  char *volatile a = take(static_room + 16, 24);
  char *volatile b = take(static_room + 64, 32);
  a[23] = b[31] = 1;
  if (frees) VALGRIND_FREELIKE_BLOCK(b, 0);
  VALGRIND_MEMPOOL_FREE(&pool, static_room);
  sink += a[23];
  a = b = 0;
  VALGRIND_DESTROY_MEMPOOL(&pool);
  (void)VALGRIND_MAKE_MEM_DEFINED(static_room, sizeof static_room);
}

static void redzones(void) {
  char *room = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int pool;
  VALGRIND_CREATE_MEMPOOL(&pool, 8, 1);
  char *a = room + 64;
  VALGRIND_MEMPOOL_ALLOC(&pool, a, 40);
  sink += a[-9] + a[0] + a[39] + a[48];
  sink += a[-1];
  sink += a[40];
  VALGRIND_MEMPOOL_FREE(&pool, a);
  sink += a[0];
  VALGRIND_DESTROY_MEMPOOL(&pool);
}

struct arena {
  char *memory;
  long used;
};

static void arena(void) {
  struct arena *p = malloc(sizeof *p);
  p->memory = malloc(3000);
  p->used = 0;
  VALGRIND_CREATE_MEMPOOL(p, 0, 0);
  VALGRIND_MEMPOOL_ALLOC(p, p->memory, 100);
  VALGRIND_MEMPOOL_FREE(p, p->memory);
  VALGRIND_DESTROY_MEMPOOL(p);
}

__attribute__((noinline)) static void clear(void) {
  volatile char stack[2000];
  for (int i = 0; i < 2000; i++) stack[i] = 0;
}

int main(void) {
  meta(VALGRIND_MEMPOOL_METAPOOL | VALGRIND_MEMPOOL_AUTO_FREE, 0);
  meta(VALGRIND_MEMPOOL_METAPOOL | VALGRIND_MEMPOOL_AUTO_FREE, 1);
  clear();
  redzones();
  arena();
  clear();
  return 0;
}
