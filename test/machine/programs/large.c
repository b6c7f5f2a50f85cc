/* Takes 1.5 GiB in blocks and as one mapping, and finds in it what it has put there. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BLOCKS = 1536, SIZE = 1 << 20 };

int main(void) {
  static unsigned char *block[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) {
    if ((block[i] = malloc(SIZE)) == NULL) return 1;
    block[i][0] = block[i][SIZE - 1] = i;
  }
  for (int i = 0; i < BLOCKS; i++) {
    if (block[i][0] != (unsigned char)i || block[i][SIZE - 1] != (unsigned char)i) return 2;
    free(block[i]);
  }
  size_t all = (size_t)BLOCKS * SIZE;
  unsigned char *whole = mmap(0, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (whole == MAP_FAILED) return 3;
  for (size_t at = 0; at < all; at += SIZE) {
    if (whole[at] != 0) return 4;
    whole[at] = 1;
  }
  puts("1.5 GiB");
  return 0;
}
