/* POSIX message queues: attributes, order by priority, waiting and time limits, notification by signal and by thread, polling, lifetime. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static char name[64];
static volatile sig_atomic_t told, code, value;
static volatile int called;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  told++, code = info->si_code, value = info->si_value.sival_int;
  CHECK(info->si_pid == getpid());
}
static void on_thread(union sigval with) { __atomic_store_n(&called, with.sival_int, __ATOMIC_SEQ_CST); }

static struct timespec soon(void) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  ts.tv_nsec += 10000000;
  if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
  return ts;
}

int main(void) {
  sprintf(name, "/lemming-%d", getpid());
  FAILS(mq_open("noslash", O_RDWR), EINVAL);
  FAILS(mq_open("/a/b", O_RDWR), EACCES);
  FAILS(mq_open(name, O_RDWR), ENOENT);
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 32};
  struct mq_attr wrong = {.mq_maxmsg = 0, .mq_msgsize = 32};
  FAILS(mq_open(name, O_RDWR | O_CREAT, 0600, &wrong), EINVAL);
  mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  CHECK(q >= 0);
  FAILS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr), EEXIST);
  CHECK(fcntl(q, F_GETFD) == FD_CLOEXEC);
  CHECK(mq_getattr(q, &attr) == 0 && attr.mq_flags == 0 && attr.mq_maxmsg == 4 && attr.mq_msgsize == 32 && attr.mq_curmsgs == 0);
  CHECK(mq_send(q, "low", 3, 1) == 0 && mq_send(q, "high", 4, 9) == 0 && mq_send(q, "low2", 4, 1) == 0 && mq_send(q, "", 0, 5) == 0);
  FAILS(mq_send(q, "x", 1, 32768), EINVAL);
  FAILS(mq_send(q, "123456789012345678901234567890123", 33, 0), EMSGSIZE);
  struct timespec limit = soon();
  FAILS(mq_timedsend(q, "x", 1, 0, &limit), ETIMEDOUT);
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
  char status[100] = {0};
  CHECK(read(q, status, sizeof status) > 0 && strncmp(status, "QSIZE:11 ", 9) == 0);
  char buffer[64];
  unsigned priority;
  FAILS(mq_receive(q, buffer, 31, &priority), EMSGSIZE);
  CHECK(mq_receive(q, buffer, 32, &priority) == 4 && priority == 9 && !memcmp(buffer, "high", 4));
  CHECK(mq_receive(q, buffer, 32, &priority) == 0 && priority == 5);
  CHECK(mq_receive(q, buffer, 32, NULL) == 3 && !memcmp(buffer, "low", 3));
  CHECK(mq_receive(q, buffer, 32, &priority) == 4 && priority == 1 && !memcmp(buffer, "low2", 4));
  limit = soon();
  FAILS(mq_timedreceive(q, buffer, 32, &priority, &limit), ETIMEDOUT);
  limit.tv_nsec = -1;
  FAILS(mq_timedreceive(q, buffer, 32, &priority, &limit), EINVAL);
  attr.mq_flags = O_NONBLOCK;
  struct mq_attr old;
  CHECK(mq_setattr(q, &attr, &old) == 0 && old.mq_flags == 0);
  FAILS(mq_receive(q, buffer, 32, &priority), EAGAIN);
  attr.mq_flags = 0;
  CHECK(mq_setattr(q, &attr, &old) == 0 && old.mq_flags == O_NONBLOCK);
  CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
  /* Between processes, waiting. */
  pid_t pid = fork();
  if (pid == 0) {
    mqd_t mine = mq_open(name, O_WRONLY);
    FAILS(mq_receive(mine, buffer, 32, NULL), EBADF);
    for (int i = 0; i < 20; i++) CHECK(mq_send(mine, (char *)&i, sizeof i, 3) == 0);
    _exit(0);
  }
  for (int i = 0; i < 20; i++) {
    int got;
    CHECK(mq_receive(q, buffer, 32, NULL) == sizeof got);
    memcpy(&got, buffer, sizeof got);
    CHECK(got == i);
  }
  int end;
  CHECK(waitpid(pid, &end, 0) == pid && end == 0);
  /* Being told. */
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 17};
  CHECK(mq_notify(q, &event) == 0);
  FAILS(mq_notify(q, &event), EBUSY);
  CHECK(mq_send(q, "a", 1, 0) == 0 && told == 1 && code == SI_MESGQ && value == 17);
  CHECK(mq_send(q, "b", 1, 0) == 0 && told == 1);
  CHECK(mq_receive(q, buffer, 32, NULL) == 1 && mq_receive(q, buffer, 32, NULL) == 1);
  event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 23};
  CHECK(mq_notify(q, &event) == 0);
  CHECK(mq_send(q, "c", 1, 0) == 0);
  while (__atomic_load_n(&called, __ATOMIC_SEQ_CST) != 23) usleep(1000);
  CHECK(mq_notify(q, NULL) == 0);
  /* It lives as long as somebody has it open. */
  CHECK(mq_unlink(name) == 0);
  FAILS(mq_unlink(name), ENOENT);
  FAILS(mq_open(name, O_RDWR), ENOENT);
  CHECK(mq_receive(q, buffer, 32, NULL) == 1);
  CHECK(mq_close(q) == 0);
  FAILS(mq_close(q), EBADF);
  puts("mqueues: ok");
  return 0;
}
