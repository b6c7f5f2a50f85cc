/* Assertions for programs that must pass natively and under lemming alike. */
#ifndef CHECK_H
#define CHECK_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      printf("%s:%d: failed: %s (errno %d %s)\n", __FILE__, __LINE__, #condition, errno,      \
             strerror(errno));                                                                \
      fflush(stdout);                                                                         \
      _Exit(1);                                                                               \
    }                                                                                         \
  } while (0)

/* The call fails with exactly this errno. */
#define FAILS(call, expected)       \
  do {                              \
    errno = 0;                      \
    CHECK((long)(call) == -1);      \
    CHECK(errno == (expected));     \
  } while (0)
#endif
