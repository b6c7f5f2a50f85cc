/* Sockets between threads: waiting in accept, connect, send and recv, time limits, passing of descriptors, SIGPIPE, epoll, names of the machine. */
#include "check.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "server"};
static int total;
static volatile sig_atomic_t pipes;

static void on_pipe(int signal) {
  (void)signal;
  pipes++;
}

static void *unix_client(void *number) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&local, sizeof local) == 0);
  char line[64];
  int n = snprintf(line, sizeof line, "client %ld", (long)number);
  CHECK(send(fd, line, n, 0) == n && shutdown(fd, SHUT_WR) == 0);
  CHECK(recv(fd, line, sizeof line, MSG_WAITALL) == 2 && memcmp(line, "ok", 2) == 0);
  close(fd);
  return NULL;
}

/* Reads all that comes, slowly enough that the other side has to wait. */
static void *drain(void *argument) {
  int fd = *(int *)argument;
  char buffer[3000];
  for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) total += n;
  return NULL;
}

static void *tcp_echo(void *argument) {
  int fd = accept(*(int *)argument, NULL, NULL);
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) CHECK(write(fd, buffer, n) == n);
  close(fd);
  return NULL;
}

int main(void) {
  char buffer[70000];
  enter_fresh_directory();
  signal(SIGPIPE, on_pipe);

  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(bind(server, (struct sockaddr *)&local, sizeof local) == 0 && listen(server, 1) == 0);
  pthread_t threads[6];
  for (long i = 0; i < 6; i++) CHECK(pthread_create(&threads[i], NULL, unix_client, (void *)i) == 0);
  int seen = 0;
  for (int i = 0; i < 6; i++) {
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    CHECK(fd >= 0);
    struct ucred peer;
    socklen_t size = sizeof peer;
    CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid() && peer.uid == getuid());
    ssize_t n = recv(fd, buffer, 64, MSG_WAITALL);
    CHECK(n == 8 && memcmp(buffer, "client ", 7) == 0);
    seen |= 1 << (buffer[7] - '0');
    CHECK(write(fd, "ok", 2) == 2 && close(fd) == 0);
  }
  for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
  CHECK(seen == 63);
  close(server);

  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(pthread_create(&threads[0], NULL, drain, &pair[1]) == 0);
  for (int i = 0; i < 10; i++) CHECK(send(pair[0], buffer, sizeof buffer, 0) == sizeof buffer);
  CHECK(shutdown(pair[0], SHUT_WR) == 0);
  pthread_join(threads[0], NULL);
  CHECK(total == 700000);
  FAILS(write(pair[0], "x", 1), EPIPE);
  CHECK(pipes == 1);
  FAILS(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK(pipes == 1);
  close(pair[0]);
  close(pair[1]);

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  struct timeval limit = {0, 20000};
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  FAILS(recv(pair[0], buffer, 1, 0), EAGAIN);
  FAILS(read(pair[0], buffer, 1), EAGAIN);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = pair[1]};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) == 0 && epoll_wait(epoll, &event, 1, 0) == 0);
  CHECK(write(pair[0], "abc", 3) == 3 && epoll_wait(epoll, &event, 1, -1) == 1 && event.events == EPOLLIN);
  CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
  CHECK(write(pair[0], "d", 1) == 1 && epoll_wait(epoll, &event, 1, 0) == 1);
  CHECK(close(pair[0]) == 0 && epoll_wait(epoll, &event, 1, 0) == 1 && event.events == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
  CHECK(read(pair[1], buffer, 10) == 4 && read(pair[1], buffer, 10) == 0);
  close(pair[1]);
  close(epoll);

  /* A pipe's end through a socket outlives the descriptor that was sent. */
  int ends[2];
  CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
  struct iovec iov = {"f", 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  CHECK(sendmsg(pair[0], &message, 0) == 1 && close(ends[1]) == 0);
  FAILS(recv(pair[0], buffer, 1, MSG_DONTWAIT), EAGAIN);
  struct pollfd waiting = {ends[0], POLLIN, 0};
  CHECK(poll(&waiting, 1, 0) == 0);
  iov.iov_base = buffer;
  CHECK(recvmsg(pair[1], &message, 0) == 1 && message.msg_controllen == sizeof control);
  int sent;
  memcpy(&sent, CMSG_DATA(&control.header), sizeof sent);
  CHECK(write(sent, "through", 7) == 7 && close(sent) == 0 && read(ends[0], buffer, 10) == 7 && read(ends[0], buffer, 10) == 0);

  struct mmsghdr many[3] = {0};
  struct iovec parts[3] = {{"one", 3}, {"two", 3}, {"three", 5}};
  for (int i = 0; i < 3; i++) many[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  CHECK(sendmmsg(pair[0], many, 3, 0) == 3 && many[2].msg_len == 5);
  for (int i = 0; i < 3; i++) parts[i] = (struct iovec){buffer + 10 * i, 10};
  CHECK(recvmmsg(pair[1], many, 3, MSG_WAITFORONE, NULL) == 3 && many[1].msg_len == 3 && memcmp(buffer + 20, "three", 5) == 0);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, name;
  socklen_t size = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
  CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 4) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&name, &size) == 0 && ntohs(name.sin_port) >= 1024);
  CHECK(pthread_create(&threads[0], NULL, tcp_echo, &listener) == 0);
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(tcp, (struct sockaddr *)&name, sizeof name) == 0);
  for (int i = 0; i < 50; i++) {
    char line[100];
    memset(line, i, sizeof line);
    CHECK(write(tcp, line, sizeof line) == sizeof line && recv(tcp, buffer, sizeof line, MSG_WAITALL) == sizeof line && buffer[99] == i);
  }
  CHECK(shutdown(tcp, SHUT_WR) == 0 && read(tcp, buffer, 1) == 0);
  pthread_join(threads[0], NULL);
  CHECK(write(tcp, "late", 4) == -1 && errno == EPIPE);
  close(tcp);
  close(listener);

  struct addrinfo *found, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  CHECK(getaddrinfo("127.0.0.1", "80", &hints, &found) == 0);
  CHECK(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  freeaddrinfo(found);
  struct ifaddrs *interfaces, *each;
  int loopbacks = 0;
  CHECK(getifaddrs(&interfaces) == 0);
  for (each = interfaces; each != NULL; each = each->ifa_next)
    if (strcmp(each->ifa_name, "lo") == 0 && each->ifa_addr->sa_family == AF_INET) {
      loopbacks++;
      CHECK(each->ifa_flags & IFF_LOOPBACK && ((struct sockaddr_in *)each->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    }
  CHECK(loopbacks == 1);
  freeifaddrs(interfaces);
  leave_directory();
  return 0;
}
