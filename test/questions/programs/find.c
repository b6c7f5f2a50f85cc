// A text, a pointer, a bitmap and a number, each in two places, for those who look for them.
#include <stdlib.h>
#include <string.h>
struct box { char label[16]; struct box *next; unsigned char map[64]; long answer; };
static struct box first = { "first box", 0, { 0 }, 0x1122334455667788 };
int main(void) {
  struct box *second = malloc(sizeof *second);
  strcpy(second->label, "second box");
  second->next = &first;
  memset(second->map, 0xff, 32);
  memset(second->map + 32, 0, 32);
  second->map[31] = 0x3f;
  first.next = second;
  memcpy(first.map, second->map, 64);
  volatile long big = 0x5566778811223344;
  first.answer += big - big;
  abort();
}
