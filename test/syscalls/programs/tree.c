/* Directories, links, renames, symbolic links, permissions, times, listings. */
#include "check.h"
#include <dirent.h>
#include <limits.h>

static int count_names(const char *path) {
  DIR *d = opendir(path);
  CHECK(d != NULL);
  int n = 0;
  while (readdir(d) != NULL) n++;
  CHECK(closedir(d) == 0);
  return n - 2;
}

int main(void) {
  struct stat st, other;
  char buffer[PATH_MAX], here[PATH_MAX];
  enter_fresh_directory();
  CHECK(getcwd(here, sizeof here) != NULL);

  CHECK(mkdir("a", 0755) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0755) == 0);
  FAILS(mkdir("a", 0755), EEXIST);
  FAILS(mkdir("x/y", 0755), ENOENT);
  CHECK(stat("a", &st) == 0 && S_ISDIR(st.st_mode));
  write_file("a/b/file", "content", 7);
  FAILS(mkdir("a/b/file/x", 0755), ENOTDIR);
  FAILS(rmdir("a/b"), ENOTEMPTY);
  CHECK(stat("a/./b/../b//file", &st) == 0 && st.st_size == 7);
  CHECK(count_names("a/b") == 2);

  CHECK(rename("a/b", "moved") == 0);
  FAILS(stat("a/b/file", &st), ENOENT);
  CHECK(read_file("moved/file", buffer, 10) == 7);
  FAILS(rename("moved", "moved/c/x"), EINVAL);
  FAILS(rename("moved/file", "a"), EISDIR);
  write_file("plain", "1", 1);
  FAILS(rename("a", "plain"), ENOTDIR);
  CHECK(rename("plain", "moved/file") == 0);
  CHECK(read_file("moved/file", buffer, 10) == 1);

  CHECK(link("moved/file", "hard") == 0);
  CHECK(stat("hard", &st) == 0 && stat("moved/file", &other) == 0);
  CHECK(st.st_ino == other.st_ino && st.st_nlink == 2);
  write_file("hard", "through", 7);
  CHECK(read_file("moved/file", buffer, 10) == 7);
  CHECK(unlink("hard") == 0 && stat("moved/file", &st) == 0 && st.st_nlink == 1);

  CHECK(symlink("moved", "soft") == 0 && symlink("../a", "moved/up") == 0 && symlink("nowhere", "dangling") == 0);
  CHECK(lstat("soft", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 5);
  CHECK(stat("soft", &st) == 0 && S_ISDIR(st.st_mode));
  CHECK(readlink("soft", buffer, sizeof buffer) == 5 && memcmp(buffer, "moved", 5) == 0);
  CHECK(read_file("soft/file", buffer, 10) == 7);
  CHECK(stat("soft/up/.", &st) == 0 && stat("a", &other) == 0 && st.st_ino == other.st_ino);
  CHECK(realpath("soft/up", buffer) != NULL && strcmp(buffer + strlen(here), "/a") == 0);
  FAILS(open("dangling", O_RDONLY), ENOENT);
  int fd = open("dangling", O_WRONLY | O_CREAT, 0600);
  CHECK(fd >= 0 && close(fd) == 0 && stat("nowhere", &st) == 0);
  CHECK(symlink("round", "round") == 0);
  FAILS(open("round", O_RDONLY), ELOOP);
  FAILS(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
  FAILS(unlink("moved"), EISDIR);

  CHECK(chmod("nowhere", 0444) == 0 && stat("nowhere", &st) == 0 && (st.st_mode & 07777) == 0444);
  if (getuid() != 0) FAILS(open("nowhere", O_WRONLY), EACCES);
  mode_t before = umask(077);
  fd = open("masked", O_WRONLY | O_CREAT, 0666);
  CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600);
  umask(before);

  struct timespec times[2] = {{1000, 5}, {2000, 999999999}};
  CHECK(futimens(fd, times) == 0 && fstat(fd, &st) == 0);
  CHECK(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 999999999);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  CHECK(utimensat(AT_FDCWD, "masked", times, 0) == 0 && stat("masked", &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 1000000000);
  CHECK(close(fd) == 0);

  int dir = open("moved", O_RDONLY | O_DIRECTORY);
  CHECK(faccessat(dir, "file", R_OK, 0) == 0);
  FAILS(faccessat(dir, "none", F_OK, 0), ENOENT);
  fd = openat(dir, "fresh", O_CREAT | O_RDWR, 0600);
  CHECK(fd >= 0 && close(fd) == 0);
  CHECK(unlinkat(dir, "fresh", 0) == 0);
  CHECK(fchdir(dir) == 0 && access("file", F_OK) == 0 && chdir("..") == 0);
  CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "moved", RENAME_EXCHANGE) == 0 && access("a/file", F_OK) == 0);
  FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "moved", RENAME_NOREPLACE), EEXIST);

  /* A listing longer than one buffer. */
  CHECK(mkdir("many", 0755) == 0 && chdir("many") == 0);
  for (int i = 0; i < 1500; i++) {
    snprintf(buffer, sizeof buffer, "a-rather-long-file-name-%d", i);
    fd = open(buffer, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
  }
  CHECK(count_names(".") == 1500);
  for (int i = 0; i < 1500; i++) {
    snprintf(buffer, sizeof buffer, "a-rather-long-file-name-%d", i);
    CHECK(unlink(buffer) == 0);
  }
  CHECK(count_names(".") == 0 && chdir("..") == 0 && rmdir("many") == 0);
  leave_directory();
  return 0;
}
