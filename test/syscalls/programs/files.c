/* Reading, writing, seeking, sharing of offsets, appending, holes, truncation, vectors. */
#include "check.h"
#include <sys/uio.h>

int main(void) {
  char buffer[256];
  enter_fresh_directory();

  int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0640);
  CHECK(fd >= 0);
  FAILS(open("f", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
  CHECK(write(fd, "hello world", 11) == 11);
  CHECK(lseek(fd, 0, SEEK_CUR) == 11);
  CHECK(pread(fd, buffer, 5, 6) == 5 && memcmp(buffer, "world", 5) == 0);
  CHECK(lseek(fd, 0, SEEK_CUR) == 11);
  CHECK(pwrite(fd, "W", 1, 6) == 1);

  int copy = dup(fd);
  CHECK(lseek(copy, 6, SEEK_SET) == 6);
  CHECK(read(fd, buffer, 100) == 5 && memcmp(buffer, "World", 5) == 0);
  CHECK(read(copy, buffer, 100) == 0);
  int other = open("f", O_RDONLY);
  CHECK(read(other, buffer, 5) == 5 && memcmp(buffer, "hello", 5) == 0);
  FAILS(write(other, "x", 1), EBADF);

  CHECK(lseek(fd, 1 << 20, SEEK_SET) == 1 << 20);
  CHECK(write(fd, "end", 3) == 3);
  struct stat st;
  CHECK(fstat(fd, &st) == 0 && st.st_size == (1 << 20) + 3 && S_ISREG(st.st_mode));
  CHECK(pread(fd, buffer, 16, 1000) == 16);
  for (int i = 0; i < 16; i++) CHECK(buffer[i] == 0);
  FAILS(lseek(fd, -1, SEEK_SET), EINVAL);

  CHECK(ftruncate(fd, 5) == 0);
  CHECK(ftruncate(fd, 10) == 0);
  CHECK(pread(fd, buffer, 20, 0) == 10 && memcmp(buffer, "hello\0\0\0\0\0", 10) == 0);

  int append = open("f", O_WRONLY | O_APPEND);
  CHECK(write(append, "tail", 4) == 4);
  CHECK(lseek(append, 0, SEEK_CUR) == 14);
  CHECK(pread(fd, buffer, 20, 10) == 4 && memcmp(buffer, "tail", 4) == 0);

  struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(writev(fd, out, 3) == 5);
  char one[2], two[8];
  struct iovec in[2] = {{one, 2}, {two, 8}};
  CHECK(preadv(fd, in, 2, 0) == 10 && memcmp(one, "ab", 2) == 0 && memcmp(two, "cde", 3) == 0);
  /* The compiler must not know that these are wrong. */
  void *volatile nowhere = (void *)8;
  volatile int less = -1;
  FAILS(read(fd, nowhere, 4), EFAULT);
  FAILS(writev(fd, out, less), EINVAL);

  /* The rest of a file that was unlinked while open. */
  CHECK(unlink("f") == 0);
  FAILS(open("f", O_RDONLY), ENOENT);
  CHECK(pread(fd, buffer, 5, 0) == 5 && memcmp(buffer, "abcde", 5) == 0);
  CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
  CHECK(close(fd) == 0 && close(copy) == 0 && close(other) == 0 && close(append) == 0);
  FAILS(close(fd), EBADF);

  /* Larger than any block inside. */
  char *big = malloc(300000);
  for (int i = 0; i < 300000; i++) big[i] = (char)(i * 7 + i / 251);
  write_file("big", big, 300000);
  char *back = malloc(300001);
  CHECK(read_file("big", back, 300001) == 300000 && memcmp(big, back, 300000) == 0);
  CHECK(truncate("big", 100001) == 0);
  CHECK(read_file("big", back, 300001) == 100001 && memcmp(big, back, 100001) == 0);
  CHECK(unlink("big") == 0);
  leave_directory();
  return 0;
}
