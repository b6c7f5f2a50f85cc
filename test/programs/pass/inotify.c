/* inotify: what is told of names, contents, attributes, opening, moving and removal; one-shot watches, coalescing, polling, the end of a watch. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

static int fd;
static char told[4000];

/* All that waits, as text. */
static const char *news(void) {
  char buffer[4096] __attribute__((aligned(8)));
  unsigned cookies[2] = {0, 0};
  told[0] = 0;
  int waiting;
  CHECK(ioctl(fd, FIONREAD, &waiting) == 0);
  ssize_t n = read(fd, buffer, sizeof buffer);
  CHECK(n == waiting || (n == -1 && errno == EAGAIN && waiting == 0));
  for (ssize_t at = 0; at < n;) {
    struct inotify_event *e = (void *)(buffer + at);
    CHECK(e->len % 16 == 0);
    if (e->mask & IN_MOVED_FROM) cookies[0] = e->cookie;
    if (e->mask & IN_MOVED_TO) cookies[1] = e->cookie;
    sprintf(told + strlen(told), "%d:%x%s%s ", e->wd, e->mask, e->len ? "/" : "", e->len ? e->name : "");
    at += sizeof *e + e->len;
  }
  CHECK(cookies[1] == 0 || cookies[0] == cookies[1]);
  return told;
}

static void expect(const char *what, int line) {
  const char *is = news();
  if (strcmp(is, what) != 0) printf("line %d: %s instead of %s\n", line, is, what), exit(1);
}
#define EXPECT(what) expect(what, __LINE__)

int main(void) {
  char dir[] = "/tmp/lemming-inotify-XXXXXX";
  CHECK(mkdtemp(dir) && chdir(dir) == 0);
  FAILS(inotify_init1(1), EINVAL);
  fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  CHECK(fd >= 0);
  FAILS(inotify_add_watch(fd, ".", 0), EINVAL);
  FAILS(inotify_add_watch(fd, "nothing", IN_OPEN), ENOENT);
  FAILS(inotify_add_watch(0, ".", IN_OPEN), EINVAL);
  CHECK(inotify_add_watch(fd, ".", IN_ALL_EVENTS) == 1);
  EXPECT("");
  int file = open("a", O_CREAT | O_RDWR, 0644);
  EXPECT("1:100/a 1:20/a ");
  struct pollfd p = {fd, POLLIN, 0};
  CHECK(poll(&p, 1, 0) == 0);
  CHECK(write(file, "123", 3) == 3 && write(file, "456", 3) == 3);
  CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
  EXPECT("1:2/a ");
  char buffer[10];
  CHECK(pread(file, buffer, 3, 0) == 3);
  EXPECT("1:1/a ");
  CHECK(ftruncate(file, 1) == 0 && fchmod(file, 0600) == 0);
  EXPECT("1:2/a 1:4/a ");
  CHECK(close(file) == 0);
  EXPECT("1:8/a ");
  FAILS(inotify_add_watch(fd, "a", IN_ONLYDIR | IN_OPEN), ENOTDIR);
  CHECK(inotify_add_watch(fd, "a", IN_ALL_EVENTS) == 2);
  CHECK(close(open("a", O_RDONLY)) == 0);
  const char *is = news();
  CHECK(strstr(is, "1:20/a ") && strstr(is, "2:20 ") && strstr(is, "1:10/a ") && strstr(is, "2:10 "));
  CHECK(rename("a", "b") == 0);
  EXPECT("1:40/a 1:80/b 2:800 ");
  CHECK(mkdir("d", 0755) == 0);
  EXPECT("1:40000100/d ");
  CHECK(rename("b", "d/b") == 0);
  EXPECT("1:40/b 2:800 ");
  CHECK(inotify_add_watch(fd, "d", IN_DELETE | IN_CREATE) == 3);
  CHECK(inotify_add_watch(fd, "d", IN_MASK_ADD | IN_DELETE_SELF) == 3);
  FAILS(inotify_add_watch(fd, "d", IN_MASK_CREATE | IN_DELETE_SELF), EEXIST);
  CHECK(link("d/b", "d/c") == 0);
  EXPECT("2:4 3:100/c ");
  CHECK(unlink("d/c") == 0);
  EXPECT("2:4 3:200/c ");
  CHECK(unlink("d/b") == 0);
  EXPECT("2:4 2:400 2:8000 3:200/b ");
  CHECK(rmdir("d") == 0);
  is = news();
  CHECK(strstr(is, "3:400 ") && strstr(is, "3:8000 ") && strstr(is, "1:40000200/d "));
  FAILS(inotify_rm_watch(fd, 3), EINVAL);
  CHECK(inotify_rm_watch(fd, 1) == 0);
  EXPECT("1:8000 ");
  CHECK(inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT) == 4);
  CHECK(mkdir("e", 0700) == 0 && mkdir("f", 0700) == 0);
  EXPECT("4:40000100/e 4:8000 ");
  CHECK(rmdir("e") == 0 && rmdir("f") == 0);
  CHECK(inotify_add_watch(fd, ".", IN_CREATE) == 5);
  CHECK(symlink("x", "a-name-of-more-than-sixteen-bytes") == 0);
  FAILS(read(fd, buffer, sizeof buffer), EINVAL);
  EXPECT("5:100/a-name-of-more-than-sixteen-bytes ");
  CHECK(unlink("a-name-of-more-than-sixteen-bytes") == 0);
  CHECK(close(fd) == 0 && chdir("/") == 0 && rmdir(dir) == 0);
  puts("inotify: ok");
  return 0;
}
