/* Assertions of the programs here: a program exits 0 when all of them hold, and says on standard error which one does not. */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      fprintf(stderr, "%s:%d: %s (errno %d %s)\n", __FILE__, __LINE__, #condition, errno, strerror(errno)); \
      exit(1);                                                                              \
    }                                                                                       \
  } while (0)

/* The call fails with exactly this errno. */
#define FAILS(call, error)      \
  do {                          \
    errno = 0;                  \
    CHECK((call) == -1);        \
    CHECK(errno == (error));    \
  } while (0)

/* A fresh directory below /tmp, and the process in it. */
static inline void enter_fresh_directory(void) {
  static char name[] = "/tmp/lemming-c-XXXXXX";
  CHECK(mkdtemp(name) != NULL);
  CHECK(chdir(name) == 0);
}

/* Leaves the fresh directory and removes what is left in it. */
static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
  (void)st, (void)type, (void)where;
  return remove(path);
}

static inline void leave_directory(void) {
  char here[4096];
  CHECK(getcwd(here, sizeof here) != NULL);
  CHECK(strncmp(here, "/tmp/lemming-c-", 15) == 0);
  CHECK(chdir("/") == 0);
  CHECK(nftw(here, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline void write_file(const char *path, const void *data, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0);
  CHECK(write(fd, data, length) == (ssize_t)length);
  CHECK(close(fd) == 0);
}

static inline size_t read_file(const char *path, void *data, size_t room) {
  int fd = open(path, O_RDONLY);
  CHECK(fd >= 0);
  size_t done = 0;
  ssize_t n;
  while ((n = read(fd, (char *)data + done, room - done)) > 0) done += n;
  CHECK(n == 0);
  CHECK(close(fd) == 0);
  return done;
}
