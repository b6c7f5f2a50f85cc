/* Pages of one file at hundreds of addresses: each shows what was stored through any other, through mmap, munmap and mprotect in between. */
#include "check.h"
#include <sys/mman.h>

enum { COUNT = 120, PAGE = 4096 };
static unsigned char *at[COUNT];

int main(void) {
  int fd = memfd_create("aliases", 0);
  CHECK(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
  /* Two files' worth of read-only views come first: they belong together once somebody can write. */
  for (int i = 0; i < COUNT; i++) {
    at[i] = mmap(NULL, PAGE, i < 4 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, i % 2 * PAGE);
    CHECK(at[i] != MAP_FAILED);
    if (i >= 4 && i % 5 == 0) {
      at[i][i] = i;
      CHECK(at[i % 2][i] == i && at[i - 2][i] == i);
    }
  }
  unsigned char byte;
  CHECK(pread(fd, &byte, 1, 115 + PAGE) == 1 && byte == 115);
  byte = 77;
  CHECK(pwrite(fd, &byte, 1, 9) == 1);
  for (int i = 0; i < COUNT; i += 2) CHECK(at[i][9] == 77 && at[i][110] == 110);
  for (int i = 1; i < COUNT; i += 2) CHECK(at[i][9] == 0 && at[i][115] == 115);
  /* All but one go: what is left can be stored into as if it had been alone. */
  for (int i = 0; i < COUNT; i += 2) {
    if (i == 60) continue;
    at[60][200] = i;
    CHECK(at[i][200] == i && munmap(at[i], PAGE) == 0);
  }
  at[60][201] = 5;
  CHECK(pread(fd, &byte, 1, 201) == 1 && byte == 5);
  /* Rights come and go. */
  CHECK(mprotect(at[7], PAGE, PROT_READ) == 0);
  at[9][300] = 31;
  CHECK(at[7][300] == 31 && at[11][300] == 31);
  CHECK(mprotect(at[7], PAGE, PROT_READ | PROT_WRITE) == 0);
  at[7][300] = 32;
  CHECK(at[9][300] == 32);
  /* Another place in the same file over one of them, and a mapping of all pages over two. */
  CHECK(mmap(at[9], PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 2 * PAGE) == at[9]);
  at[9][300] = 33;
  CHECK(at[7][300] == 32 && pread(fd, &byte, 1, 2 * PAGE + 300) == 1 && byte == 33);
  unsigned char *all = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(all != MAP_FAILED && all[201] == 5 && all[PAGE + 300] == 32 && all[2 * PAGE + 300] == 33);
  all[PAGE + 301] = 34;
  at[9][301] = 35;
  CHECK(at[7][301] == 34 && all[2 * PAGE + 301] == 35);
  CHECK(mremap(at[60], PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
  all[202] = 6;
  CHECK(munmap(all + PAGE, PAGE) == 0 && all[202] == 6);
  at[7][302] = 36;
  CHECK(at[11][302] == 36);
  /* A private copy keeps to itself. */
  unsigned char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
  own[302] = 1;
  CHECK(at[11][302] == 36 && own[301] == 34);
  return 0;
}
