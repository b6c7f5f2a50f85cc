/* What a TCP socket tells of itself: its state, and how it avoids congestion. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int state(int fd) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && length == sizeof info);
  CHECK(info.tcpi_snd_cwnd == 10 && info.tcpi_reordering == 3);
  return info.tcpi_state;
}

int main(void) {
  int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  CHECK(bind(server, (struct sockaddr *)&address, length) == 0 && listen(server, 5) == 0);
  CHECK(getsockname(server, (struct sockaddr *)&address, &length) == 0);
  CHECK(state(server) == TCP_LISTEN && state(client) == TCP_CLOSE);
  CHECK(connect(client, (struct sockaddr *)&address, length) == 0);
  CHECK(state(client) == TCP_ESTABLISHED);

  char name[64] = "";
  CHECK(setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0);
  length = sizeof name;
  CHECK(getsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0);
  CHECK(length == 16 && strcmp(name, "reno") == 0);
  length = 2;
  CHECK(getsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0 && length == 2);
  FAILS(setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, "no such", 7), ENOENT);
  FAILS(setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name, 0), EINVAL);
  int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
  FAILS(getsockopt(datagrams, IPPROTO_TCP, TCP_INFO, name, &length), EOPNOTSUPP);
  return 0;
}
