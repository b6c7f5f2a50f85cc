/* signalfd: blocked signals are read, polled and waited for, with what their senders said. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static pthread_t main_thread;

static void *sender(void *argument) {
  (void)argument;
  usleep(1000);
  union sigval value = {.sival_int = 1234};
  CHECK(pthread_sigqueue(main_thread, SIGUSR2, value) == 0);
  return NULL;
}

int main(void) {
  sigset_t set;
  struct signalfd_siginfo info[4];
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fd >= 0);
  FAILS(read(fd, info, sizeof info), EAGAIN);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(epoll, &event, 1, 0) == 0);
  CHECK(kill(getpid(), SIGUSR1) == 0 && raise(SIGUSR2) == 0);
  CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
  CHECK(read(fd, info, sizeof info) == 2 * sizeof info[0]);
  int first = info[0].ssi_signo == SIGUSR1 ? 0 : 1;
  CHECK(info[first].ssi_signo == SIGUSR1 && info[first].ssi_code == SI_USER && info[first].ssi_pid == (unsigned)getpid());
  CHECK(info[!first].ssi_signo == SIGUSR2 && info[!first].ssi_code == SI_TKILL && info[!first].ssi_uid == getuid());
  CHECK(epoll_wait(epoll, &event, 1, 0) == 0);

  main_thread = pthread_self();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, sender, NULL) == 0);
  struct pollfd wait = {fd, POLLIN, 0};
  CHECK(poll(&wait, 1, 5000) == 1 && wait.revents == POLLIN);
  CHECK(read(fd, info, sizeof info[0]) == sizeof info[0] && info[0].ssi_signo == SIGUSR2 && info[0].ssi_code == SI_QUEUE && info[0].ssi_int == 1234);
  pthread_join(thread, NULL);
  int blocking = signalfd(-1, &set, 0);
  CHECK(pthread_create(&thread, NULL, sender, NULL) == 0);
  CHECK(read(blocking, info, sizeof info) == sizeof info[0] && info[0].ssi_signo == SIGUSR2);
  pthread_join(thread, NULL);
  return 0;
}
