/* Calls that wait until another thread does something: pipes, FIFOs, poll, eventfd, locks. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>

static int ends[2], back[2], counter, set;

static void *echo(void *unused) {
  (void)unused;
  char c;
  while (read(ends[0], &c, 1) == 1) {
    c++;
    CHECK(write(back[1], &c, 1) == 1);
  }
  CHECK(close(back[1]) == 0);
  return NULL;
}

static void *swallow(void *unused) {
  (void)unused;
  char buffer[1000];
  size_t total = 0;
  ssize_t n;
  while ((n = read(ends[0], buffer, sizeof buffer)) > 0) total += n;
  return (void *)total;
}

static void *open_reader(void *unused) {
  (void)unused;
  int fd = open("fifo", O_RDONLY);
  CHECK(fd >= 0);
  char buffer[6];
  CHECK(read(fd, buffer, 6) == 5 && memcmp(buffer, "hello", 5) == 0);
  CHECK(read(fd, buffer, 6) == 0);
  return NULL;
}

static void *count_up(void *unused) {
  (void)unused;
  uint64_t one = 1;
  for (int i = 0; i < 100; i++) CHECK(write(counter, &one, 8) == 8);
  return NULL;
}

static void *take_lock(void *unused) {
  (void)unused;
  int fd = open("lock", O_RDWR);
  CHECK(flock(fd, LOCK_EX) == 0);
  CHECK(close(fd) == 0);
  return NULL;
}

static void *wait_for_event(void *unused) {
  (void)unused;
  struct epoll_event event;
  CHECK(epoll_wait(set, &event, 1, -1) == 1 && event.data.fd == ends[0]);
  return NULL;
}

static pthread_t start(void *(*run)(void *)) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
  return thread;
}

int main(void) {
  pthread_t thread;
  void *result;
  enter_fresh_directory();

  CHECK(pipe(ends) == 0 && pipe(back) == 0);
  thread = start(echo);
  for (int i = 0; i < 50; i++) {
    char c = (char)i;
    CHECK(write(ends[1], &c, 1) == 1 && read(back[0], &c, 1) == 1 && c == i + 1);
  }
  CHECK(close(ends[1]) == 0);
  char c;
  CHECK(read(back[0], &c, 1) == 0);
  CHECK(pthread_join(thread, NULL) == 0);

  /* A write larger than the pipe waits until all of it is taken. */
  CHECK(pipe(ends) == 0);
  thread = start(swallow);
  char *big = calloc(1, 300000);
  CHECK(write(ends[1], big, 300000) == 300000);
  CHECK(close(ends[1]) == 0 && pthread_join(thread, &result) == 0 && (size_t)result == 300000);

  CHECK(mkfifo("fifo", 0600) == 0);
  thread = start(open_reader);
  int fd = open("fifo", O_WRONLY);
  CHECK(fd >= 0 && write(fd, "hello", 5) == 5 && close(fd) == 0);
  CHECK(pthread_join(thread, NULL) == 0);

  counter = eventfd(0, 0);
  thread = start(count_up);
  uint64_t sum = 0, value;
  while (sum < 100) {
    struct pollfd poller = {counter, POLLIN, 0};
    CHECK(poll(&poller, 1, -1) == 1 && read(counter, &value, 8) == 8);
    sum += value;
  }
  CHECK(sum == 100 && pthread_join(thread, NULL) == 0);

  write_file("lock", "", 0);
  fd = open("lock", O_RDWR);
  CHECK(flock(fd, LOCK_EX) == 0);
  thread = start(take_lock);
  usleep(1000);
  CHECK(flock(fd, LOCK_UN) == 0 && pthread_join(thread, NULL) == 0);

  CHECK(pipe(ends) == 0);
  set = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {.fd = ends[0]}};
  CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
  thread = start(wait_for_event);
  usleep(1000);
  CHECK(write(ends[1], "x", 1) == 1 && pthread_join(thread, NULL) == 0);
  leave_directory();
  return 0;
}
