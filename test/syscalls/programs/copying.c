/* sendfile, copy_file_range, fallocate, statx, statfs, stdio over files, temporary files. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

int main(void) {
  char buffer[200];
  enter_fresh_directory();
  write_file("from", "abcdefghijklmnopqrstuvwxyz", 26);
  int in = open("from", O_RDONLY), out = open("to", O_RDWR | O_CREAT | O_TRUNC, 0644);
  off_t at = 5;
  CHECK(sendfile(out, in, &at, 10) == 10 && at == 15 && lseek(in, 0, SEEK_CUR) == 0);
  CHECK(sendfile(out, in, NULL, 100) == 26 && lseek(in, 0, SEEK_CUR) == 26);
  CHECK(pread(out, buffer, 100, 0) == 36 && memcmp(buffer, "fghijklmnoabc", 13) == 0);
  loff_t i = 1, o = 100;
  CHECK(copy_file_range(in, &i, out, &o, 3, 0) == 3 && i == 4 && o == 103);
  CHECK(pread(out, buffer, 10, 98) == 5 && memcmp(buffer, "\0\0bcd", 5) == 0);
  CHECK(fallocate(out, 0, 0, 500) == 0);
  struct stat st;
  CHECK(fstat(out, &st) == 0 && st.st_size == 500);
  CHECK(fallocate(out, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10) == 0);
  CHECK(pread(out, buffer, 12, 0) == 12 && memcmp(buffer, "\0\0\0\0\0\0\0\0\0\0ab", 12) == 0);

  struct statx sx;
  CHECK(statx(AT_FDCWD, "from", 0, STATX_BASIC_STATS, &sx) == 0 && sx.stx_size == 26 && S_ISREG(sx.stx_mode));
  CHECK(stat("from", &st) == 0 && sx.stx_ino == st.st_ino && makedev(sx.stx_dev_major, sx.stx_dev_minor) == st.st_dev);
  struct statfs fs;
  CHECK(statfs(".", &fs) == 0 && fs.f_bsize > 0 && fs.f_namelen == 255 && fs.f_bavail > 0);
  CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));

  FILE *f = fopen("text", "w+");
  CHECK(f != NULL);
  for (int n = 0; n < 10000; n++) CHECK(fprintf(f, "line %d\n", n) > 0);
  rewind(f);
  int n = -1, lines = 0;
  while (fscanf(f, "line %d\n", &n) == 1) CHECK(n == lines++);
  CHECK(lines == 10000 && fseek(f, -5, SEEK_END) == 0 && fread(buffer, 1, 10, f) == 5 && memcmp(buffer, "9999\n", 5) == 0);
  CHECK(fclose(f) == 0);
  f = fopen("text", "a");
  CHECK(fputs("more\n", f) >= 0 && fclose(f) == 0);
  CHECK(stat("text", &st) == 0 && st.st_size == 98895);
  f = tmpfile();
  CHECK(f != NULL && fputs("x", f) >= 0 && ftell(f) == 1 && fclose(f) == 0);
  leave_directory();
  return 0;
}
