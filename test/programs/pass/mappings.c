/* The mmap family: placement, splitting, rights, files, mremap, brk, madvise, mincore, and errors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

enum { PAGE = 4096 };
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static char *map(size_t pages, int prot) {
  char *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED && ((long)p & (PAGE - 1)) == 0);
  return p;
}

/* Whether the page is mapped: mincore says ENOMEM for holes. */
static int mapped(void *p) {
  unsigned char vec;
  return mincore((void *)((long)p & -PAGE), PAGE, &vec) == 0;
}

static void test_anonymous(void) {
  char *p = map(8, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 8 * PAGE; i++) CHECK(p[i] == 0);
  memset(p, 1, 8 * PAGE);
  CHECK(munmap(p + 2 * PAGE, 2 * PAGE) == 0);
  CHECK(mapped(p) && mapped(p + PAGE) && !mapped(p + 2 * PAGE) && !mapped(p + 3 * PAGE) && mapped(p + 4 * PAGE));
  CHECK(munmap(p + 2 * PAGE, 2 * PAGE) == 0); /* nothing there: no error */
  CHECK(p[PAGE] == 1 && p[4 * PAGE] == 1);
  char *q = mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(q == p + 2 * PAGE && q[0] == 0); /* a hint that is free is taken */
  q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(q != p && q != MAP_FAILED && munmap(q, PAGE) == 0);
  q = mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(q == p + PAGE && q[0] == 0 && p[0] == 1);
  FAILS(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  CHECK(munmap(p + PAGE, PAGE) == 0);
  CHECK(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGE);
  CHECK(munmap(p, 8 * PAGE) == 0);
  CHECK(munmap(p, 0) == -1 && errno == EINVAL);
  FAILS(munmap(p + 1, PAGE), EINVAL);
  FAILS(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  FAILS(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
  FAILS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
  FAILS(mmap((void *)(8 * PAGE + 1), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
  FAILS(mmap(NULL, (size_t)1 << 62, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
  q = mmap(NULL, (size_t)512 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(q != MAP_FAILED && munmap(q, (size_t)512 << 20) == 0);
}

static void test_protection(void) {
  char *p = map(4, PROT_NONE);
  CHECK(mprotect(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
  p[PAGE] = 5;
  p[3 * PAGE - 1] = 6;
  CHECK(mprotect(p, 4 * PAGE, PROT_READ) == 0);
  CHECK(p[PAGE] == 5 && p[3 * PAGE - 1] == 6 && p[0] == 0);
  FAILS(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
  CHECK(mprotect(p, 0, PROT_READ) == 0);
  FAILS(mprotect(p, PAGE, 0x100), EINVAL);
  CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
  FAILS(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE), ENOMEM);
  p[0] = 1; /* what came before the hole was changed all the same */
  p[2 * PAGE - 1] = 2;
  CHECK(munmap(p, 4 * PAGE) == 0);
}

static int temporary(size_t size) {
  char name[] = "/tmp/mapXXXXXX";
  int fd = mkstemp(name);
  CHECK(fd >= 0 && unlink(name) == 0);
  for (size_t i = 0; i < size; i++) {
    char byte = (char)('a' + i / 1000 % 26);
    CHECK(write(fd, &byte, 1) == 1);
  }
  return fd;
}

static void test_files(void) {
  int fd = temporary(6000);
  char *private = mmap(NULL, 6000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK(private != MAP_FAILED && private[0] == 'a' && private[5999] == 'f' && private[6000] == 0 && private[8191] == 0);
  private[0] = 'X';
  char byte;
  CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'a');
  char *second = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
  CHECK(second != MAP_FAILED && second[0] == 'e' && second[5999 - PAGE] == 'f');
  CHECK(munmap(second, PAGE) == 0);
  CHECK(madvise(private, PAGE, MADV_DONTNEED) == 0);
  CHECK(private[0] == 'a'); /* back from the file */
  CHECK(munmap(private, 6000) == 0);
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(shared != MAP_FAILED);
  shared[10] = '!';
  CHECK(pread(fd, &byte, 1, 10) == 1 && byte == '!');
  CHECK(pwrite(fd, "?", 1, 20) == 1);
  CHECK(shared[20] == '?');
  CHECK(msync(shared, 8192, MS_SYNC) == 0);
  FAILS(msync(shared, 8192, MS_SYNC | MS_ASYNC), EINVAL);
  shared[5999] = '#';
  CHECK(munmap(shared, 8192) == 0);
  CHECK(pread(fd, &byte, 1, 5999) == 1 && byte == '#');
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.st_size == 6000);
  FAILS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
  close(fd);
  fd = open("/proc/self/exe", O_RDONLY);
  CHECK(fd >= 0);
  FAILS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
  shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(shared != MAP_FAILED && memcmp(shared, "\177ELF", 4) == 0);
  FAILS(mprotect(shared, PAGE, PROT_READ | PROT_WRITE), EACCES);
  close(fd);
  CHECK(shared[1] == 'E' && munmap(shared, PAGE) == 0);
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  FAILS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, pipes[0], 0), ENODEV);
}

static void test_remap(void) {
  char *p = map(4, PROT_READ | PROT_WRITE);
  p[0] = 1, p[PAGE] = 2, p[2 * PAGE] = 3, p[3 * PAGE] = 4;
  CHECK(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
  CHECK(!mapped(p + 2 * PAGE) && p[PAGE] == 2);
  char *q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED && q[0] == 1 && q[PAGE] == 2 && q[2 * PAGE] == 0 && q[64 * PAGE - 1] == 0);
  q[63 * PAGE] = 9;
  char *target = map(64, PROT_READ);
  char *r = mremap(q, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  CHECK(r == target && r[0] == 1 && r[63 * PAGE] == 9 && !mapped(q));
  r[5] = 5;
  /* From the middle of a mapping. */
  char *middle = mremap(r + 62 * PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  CHECK(middle != MAP_FAILED && middle[0] == 0 && !mapped(r + 62 * PAGE) && r[63 * PAGE] == 9);
  char *wall = map(3, PROT_READ | PROT_WRITE);
  CHECK(munmap(wall + PAGE, PAGE) == 0);
  CHECK(mremap(wall, PAGE, 2 * PAGE, 0) == wall); /* into the hole */
  FAILS(mremap(wall, 2 * PAGE, 8 * PAGE, 0), ENOMEM);
  FAILS(mremap(wall, 2 * PAGE, 0, MREMAP_MAYMOVE), EINVAL);
  FAILS(mremap(wall + 1, PAGE, PAGE, 0), EINVAL);
  FAILS(mremap(wall, PAGE, PAGE, MREMAP_FIXED, wall), EINVAL);
  FAILS(mremap((void *)(16 * PAGE), PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
  int fd = temporary(3 * PAGE);
  char *file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
  char first = file[0];
  char *grown = mremap(file, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
  CHECK(grown != MAP_FAILED && grown[0] == first && grown[PAGE] == 'a' + 2 * PAGE / 1000);
  close(fd);
}

static void test_brk(void) {
  char *start = sbrk(0);
  CHECK(sbrk(10000) == start);
  for (int i = 0; i < 10000; i++) CHECK(start[i] == 0);
  start[9999] = 7;
  CHECK(sbrk(-10000) == start + 10000);
  CHECK(sbrk(0) == start);
  CHECK(sbrk(100000) == start);
  CHECK(start[99999] == 0);
  CHECK(brk(start) == 0);
  FAILS(brk((void *)(1L << 47)), ENOMEM);
}

static void test_advice(void) {
  char *p = map(4, PROT_READ | PROT_WRITE);
  memset(p, 3, 4 * PAGE);
  CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
  CHECK(p[0] == 3 && p[PAGE] == 0 && p[3 * PAGE - 1] == 0 && p[3 * PAGE] == 3);
  CHECK(madvise(p, PAGE, MADV_WILLNEED) == 0 && madvise(p, PAGE, MADV_SEQUENTIAL) == 0 && madvise(p, PAGE, MADV_NORMAL) == 0);
  FAILS(madvise(p, PAGE, 12345), EINVAL);
  FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
  CHECK(munmap(p + PAGE, PAGE) == 0);
  p[3 * PAGE] = 4;
  FAILS(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
  CHECK(p[0] == 0 && p[3 * PAGE] == 0); /* holes are skipped */
  char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  shared[0] = 1;
  CHECK(madvise(shared, PAGE, MADV_DONTNEED) == 0 && shared[0] == 1);
  unsigned char vec[4];
  shared = map(4, PROT_READ | PROT_WRITE);
  memset(shared, 1, 4 * PAGE);
  CHECK(mincore(shared, 4 * PAGE, vec) == 0 && (vec[0] & 1) && (vec[3] & 1));
  FAILS(mincore(shared + 1, PAGE, vec), EINVAL);
  CHECK(mlock(shared, 4 * PAGE) == 0 && munlock(shared, 4 * PAGE) == 0);
  CHECK(munmap(shared, 4 * PAGE) == 0);
  FAILS(mlock(shared, 4 * PAGE), ENOMEM);
}

/* Many small mappings: every second page of a large area goes, then comes back. */
static void test_many(void) {
  enum { N = 20000 };
  char *area = map(N, PROT_READ | PROT_WRITE);
  for (int i = 0; i < N; i += 2) CHECK(munmap(area + (long)i * PAGE, PAGE) == 0);
  for (int i = 1; i < N; i += 2) area[(long)i * PAGE] = (char)i;
  /* Holes of one page are filled before anything else, in whatever order. */
  for (int i = 0; i < N; i += 2) {
    char *p = mmap(area + (long)i * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p == area + (long)i * PAGE);
  }
  for (int i = 1; i < N; i += 2) CHECK(area[(long)i * PAGE] == (char)i && area[(long)(i - 1) * PAGE] == 0);
  CHECK(munmap(area, (size_t)N * PAGE) == 0);
}

int main(void) {
  CHECK(sysconf(_SC_PAGESIZE) == PAGE);
  test_anonymous();
  test_protection();
  test_files();
  test_remap();
  test_brk();
  test_advice();
  test_many();
  puts("mappings: ok");
  return 0;
}
