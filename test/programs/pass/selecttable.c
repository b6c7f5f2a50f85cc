/* select looks at a set only as far as the process's table of descriptors reaches: a closed number is an error inside, and nothing beyond. */
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static int ask(int fd) {
  struct timeval none = {0, 0};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return select(fd + 1, &set, 0, 0, &none);
}

int main(void) {
  int status;
  for (int fd = 3; fd < 1024; fd++) close(fd);
  /* A fork makes a table for what is open, however large the parent's has been. */
  if (fork() == 0) {
    FAILS(ask(63), EBADF);
    CHECK(ask(64) == 0);
    CHECK(ask(1000) == 0);
    CHECK(dup2(1, 200) == 200);
    FAILS(ask(100), EBADF);
    CHECK(ask(300) == 0);
    _exit(42);
  }
  CHECK(wait(&status) > 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  printf("selecttable: ok\n");
  return 0;
}
