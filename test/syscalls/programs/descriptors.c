/* dup, fcntl, close-on-exec, limits, locks, pipes, poll, epoll, eventfd within one thread. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <termios.h>

int main(void) {
  char buffer[70000];
  int value;
  enter_fresh_directory();

  int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK(fcntl(fd, F_SETFD, 0) == 0 && fcntl(fd, F_GETFD) == 0);
  CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
  CHECK(dup2(fd, 50) == 50 && fcntl(50, F_GETFD) == 0);
  CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 50) == 51 && fcntl(51, F_GETFD) == FD_CLOEXEC);
  FAILS(dup2(99, 3), EBADF);
  FAILS(dup3(fd, fd, 0), EINVAL);
  CHECK(close_range(50, 51, 0) == 0);
  FAILS(fcntl(50, F_GETFD), EBADF);
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 20;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  int last = fd;
  while ((value = dup(fd)) >= 0) last = value;
  CHECK(errno == EMFILE && last == 19);
  for (int i = fd + 1; i < 20; i++) close(i);

  struct termios terminal;
  FAILS(tcgetattr(fd, &terminal), ENOTTY);
  CHECK(!isatty(fd));
  CHECK(write(fd, "12345", 5) == 5 && lseek(fd, 1, SEEK_SET) == 1 && ioctl(fd, FIONREAD, &value) == 0 && value == 4);

  int second = open("f", O_RDWR);
  CHECK(flock(fd, LOCK_EX) == 0);
  FAILS(flock(second, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK(flock(fd, LOCK_UN) == 0 && flock(second, LOCK_SH) == 0 && flock(fd, LOCK_SH) == 0);
  CHECK(close(second) == 0);

  int ends[2];
  CHECK(pipe2(ends, O_NONBLOCK) == 0);
  FAILS(read(ends[0], buffer, 1), EAGAIN);
  CHECK(write(ends[1], buffer, sizeof buffer) == 65536);
  FAILS(write(ends[1], buffer, 1), EAGAIN);
  CHECK(read(ends[0], buffer, 4096) == 4096);
  CHECK(write(ends[1], buffer, 5000) == 4096);
  while (read(ends[0], buffer, sizeof buffer) > 0) {}
  struct pollfd fds[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT | POLLIN, 0}, {900, POLLIN, 0}};
  CHECK(poll(fds, 3, 0) == 2 && fds[0].revents == 0 && fds[1].revents == POLLOUT && fds[2].revents == POLLNVAL);
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLIN);
  CHECK(read(ends[0], buffer, 5) == 1);
  CHECK(poll(fds, 1, 3) == 0);
  fd_set readable;
  FD_ZERO(&readable);
  FD_SET(ends[0], &readable);
  struct timeval timeout = {0, 2000};
  CHECK(select(ends[0] + 1, &readable, NULL, NULL, &timeout) == 0 && !FD_ISSET(ends[0], &readable));

  int set = epoll_create1(0);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 77}}, events[4];
  CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
  FAILS(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
  FAILS(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), EPERM);
  CHECK(epoll_wait(set, events, 4, 0) == 0);
  CHECK(write(ends[1], "a", 1) == 1);
  CHECK(epoll_wait(set, events, 4, -1) == 1 && events[0].data.u64 == 77 && events[0].events == EPOLLIN);
  CHECK(epoll_wait(set, events, 4, 0) == 0);
  CHECK(write(ends[1], "b", 1) == 1 && epoll_wait(set, events, 4, 0) == 1);
  event.events = EPOLLIN;
  CHECK(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
  CHECK(epoll_wait(set, events, 4, 0) == 1 && epoll_wait(set, events, 4, 0) == 1);

  CHECK(close(ends[1]) == 0 && read(ends[0], buffer, 9) == 2 && read(ends[0], buffer, 9) == 0);
  CHECK(poll(fds, 1, 0) == 1 && fds[0].revents == POLLHUP);
  CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  FAILS(write(ends[1], "x", 1), EPIPE);

  uint64_t count = 0;
  int counter = eventfd(3, EFD_NONBLOCK);
  CHECK(read(counter, &count, 8) == 8 && count == 3);
  FAILS(read(counter, &count, 8), EAGAIN);
  count = 5;
  CHECK(write(counter, &count, 8) == 8 && write(counter, &count, 8) == 8 && read(counter, &count, 8) == 8 && count == 10);
  FAILS(read(counter, &count, 4), EINVAL);

  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec spec = {{0, 1000000}, {0, 2000000}};
  CHECK(timerfd_settime(timer, 0, &spec, NULL) == 0);
  CHECK(read(timer, &count, 8) == 8 && count >= 1);
  CHECK(timerfd_gettime(timer, &spec) == 0 && spec.it_interval.tv_nsec == 1000000);

  int memory = memfd_create("name", MFD_ALLOW_SEALING);
  CHECK(ftruncate(memory, 4096) == 0);
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  CHECK(map != MAP_FAILED);
  strcpy(map, "mapped");
  CHECK(pread(memory, buffer, 7, 0) == 7 && strcmp(buffer, "mapped") == 0);
  CHECK(pwrite(memory, "written", 8, 100) == 8 && strcmp(map + 100, "written") == 0);
  CHECK(munmap(map, 4096) == 0);
  CHECK(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
  FAILS(ftruncate(memory, 0), EPERM);
  FAILS(ftruncate(memory, 8192), EPERM);
  CHECK(pread(memory, buffer, 7, 0) == 7 && strcmp(buffer, "mapped") == 0);
  leave_directory();
  return 0;
}
