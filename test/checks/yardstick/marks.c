// What a program says of variables on the stack is over when their functions return.
#include <valgrind/memcheck.h>
#include <stdio.h>
#include <string.h>

volatile int sink;

__attribute__((noinline)) int leaf(void) {
  int x = 1;
  (void)VALGRIND_MAKE_MEM_NOACCESS(&x, sizeof x);
  return *(volatile int *)&x;
}

__attribute__((noinline)) void array(int bad) {
  char room[600];
  memset(room, 1, sizeof room);
  (void)VALGRIND_MAKE_MEM_NOACCESS(room + 100, 400);
  sink += room[99];
  if (bad) sink += room[100];
  if (bad) room[499] = 2;
  room[500] = 3;
}

__attribute__((noinline)) void block(int bad) {
  char room[8 + 20 + 8];
  VALGRIND_MALLOCLIKE_BLOCK(room + 8, 20, 8, 1);
  room[8] = room[27] = 1;
  if (bad) room[7] = 1;
  if (bad) room[28] = 1;
  VALGRIND_FREELIKE_BLOCK(room + 8, 8);
  if (bad) sink += room[8];
}

__attribute__((noinline)) int deep(int depth) {
  char room[200];
  memset(room, depth, sizeof room);
  sink += room[depth];
  return depth == 0 ? 0 : 1 + deep(depth - 1);
}

__attribute__((noinline)) void beside(void) {
  int first = 0;
  int second = 0;
  VALGRIND_MALLOCLIKE_BLOCK(&first, sizeof first, 0, 1);
  (void)VALGRIND_MAKE_MEM_UNDEFINED(&second, sizeof second);
  if (second == 5) sink++;
  VALGRIND_FREELIKE_BLOCK(&first, 0);
}

int main(void) {
  for (int bad = 0; bad < 2; bad++) {
    array(bad);
    deep(9);
    block(bad);
    deep(9);
    printf("%d\n", deep(3));
  }
  leaf();
  deep(9);
  beside();
  deep(9);
  return 0;
}
