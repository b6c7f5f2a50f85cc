/* Packet mode of pseudo-terminals: data behind a 0, and what happened to the slave. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

/* What the master reads next, once it is there. */
static int next(int master, char *into) {
  struct pollfd ready = {.fd = master, .events = POLLIN | POLLPRI};
  CHECK(poll(&ready, 1, 2000) == 1);
  int got = read(master, into, 64);
  CHECK(got > 0 && (into[0] == 0 || (ready.revents & POLLPRI)));
  return got;
}

int main(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY), one = 1, none = 0, mode = 9;
  CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  CHECK(slave >= 0);
  struct termios modes;
  char got[64];
  CHECK(ioctl(master, 0x80045438, &mode) == 0 && mode == 0);
  CHECK(ioctl(master, TIOCPKT, &one) == 0);
  CHECK(ioctl(master, 0x80045438, &mode) == 0 && mode == 1);
  CHECK(write(slave, "hello", 5) == 5);
  CHECK(next(master, got) == 6 && memcmp(got, "\0hello", 6) == 0);

  CHECK(tcgetattr(slave, &modes) == 0);
  modes.c_iflag &= ~IXON;
  CHECK(tcsetattr(slave, TCSANOW, &modes) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_NOSTOP);
  modes.c_iflag |= IXON;
  CHECK(tcsetattr(slave, TCSANOW, &modes) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_DOSTOP);
  CHECK(tcflow(slave, TCOOFF) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_STOP);
  CHECK(tcflow(slave, TCOON) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_START);
  CHECK(tcflush(slave, TCIFLUSH) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_FLUSHREAD);
  CHECK(tcflush(slave, TCOFLUSH) == 0);
  CHECK(next(master, got) == 1 && got[0] == TIOCPKT_FLUSHWRITE);

  CHECK(ioctl(master, TIOCPKT, &none) == 0);
  CHECK(write(slave, "bare", 4) == 4);
  CHECK(read(master, got, sizeof got) == 4);

  /* More of them than a minor number of eight bits can tell apart. */
  for (int i = 0; i < 260; i++) CHECK((master = posix_openpt(O_RDWR | O_NOCTTY)) >= 0);
  CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
  CHECK((slave = open(ptsname(master), O_RDWR | O_NOCTTY)) >= 0);
  CHECK(write(slave, "last", 4) == 4 && read(master, got, sizeof got) == 4);
  return 0;
}
