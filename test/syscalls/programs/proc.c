/* What /proc, /sys and /dev say about the process and the machine. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static char text[200000];

static char *slurp(const char *path) {
  text[read_file(path, text, sizeof text - 1)] = 0;
  return text;
}

int main(int argc, char **argv) {
  char buffer[4096], expected[4096];
  (void)argc;
  ssize_t n = readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  CHECK(n > 0 && buffer[0] == '/');
  buffer[n] = 0;
  CHECK(realpath(argv[0], expected) != NULL && strcmp(buffer, expected) == 0);
  snprintf(buffer, sizeof buffer, "/proc/%d/cmdline", getpid());
  CHECK(strcmp(slurp(buffer), argv[0]) == 0);

  char *stack = NULL;
  for (char *line = strtok(slurp("/proc/self/maps"), "\n"); line; line = strtok(NULL, "\n")) {
    unsigned long from, to, offset, inode;
    unsigned major, minor;
    char rights[5];
    CHECK(sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &from, &to, rights, &offset, &major, &minor, &inode) == 7);
    CHECK(from < to && from % 4096 == 0 && to % 4096 == 0);
    if (strstr(line, "[stack]")) {
      stack = line;
      CHECK(from <= (unsigned long)buffer && (unsigned long)buffer < to && strcmp(rights, "rw-p") == 0);
    }
    if ((unsigned long)main >= from && (unsigned long)main < to) CHECK(strcmp(rights, "r-xp") == 0);
  }
  CHECK(stack != NULL);
  int mapped = 0, sized = 0;
  unsigned long extent = 0;
  for (char *line = strtok(slurp("/proc/self/smaps"), "\n"); line; line = strtok(NULL, "\n")) {
    unsigned long from, to, kilobytes;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
      mapped++;
      extent = to - from;
    } else if (sscanf(line, "Size: %lu kB", &kilobytes) == 1) {
      sized++;
      CHECK(kilobytes * 1024 == extent);
    } else
      CHECK(strchr(line, ':') != NULL);
  }
  CHECK(mapped > 3 && mapped == sized);

  int pid, ppid;
  char name[64], state;
  CHECK(sscanf(slurp("/proc/self/stat"), "%d (%63[^)]) %c %d", &pid, name, &state, &ppid) == 4);
  CHECK(pid == getpid() && ppid == getppid() && state == 'R');
  CHECK(strstr(slurp("/proc/self/status"), "\nThreads:\t1\n") != NULL);
  snprintf(buffer, sizeof buffer, "\nPid:\t%d\n", getpid());
  CHECK(strstr(slurp("/proc/self/status"), buffer) != NULL);
  CHECK(strstr(slurp("/proc/cpuinfo"), "processor\t: 0") != NULL);
  CHECK(strncmp(slurp("/proc/meminfo"), "MemTotal:", 9) == 0);
  CHECK(strncmp(slurp("/proc/stat"), "cpu  ", 5) == 0);
  CHECK(slurp("/sys/devices/system/cpu/online")[0] == '0');
  struct utsname u;
  CHECK(uname(&u) == 0 && strcmp(u.sysname, "Linux") == 0 && strcmp(u.machine, "x86_64") == 0);
  snprintf(buffer, sizeof buffer, "%s\n", u.release);
  CHECK(strcmp(slurp("/proc/sys/kernel/osrelease"), buffer) == 0);
  struct sysinfo info;
  CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.mem_unit > 0);
  CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);

  FAILS(open("/proc/self/nothing", O_RDONLY), ENOENT);
  FAILS(open("/proc/1234567/stat", O_RDONLY), ENOENT);
  int fd = open("/dev/null", O_RDWR);
  CHECK(write(fd, "x", 1) == 1 && read(fd, buffer, 1) == 0);
  snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
  n = readlink(buffer, expected, sizeof expected);
  CHECK(n == 9 && memcmp(expected, "/dev/null", 9) == 0);
  CHECK(close(fd) == 0);
  fd = open("/dev/zero", O_RDONLY);
  memset(buffer, 1, 100);
  CHECK(read(fd, buffer, 100) == 100 && buffer[0] == 0 && buffer[99] == 0 && close(fd) == 0);
  fd = open("/dev/full", O_WRONLY);
  FAILS(write(fd, "x", 1), ENOSPC);
  CHECK(close(fd) == 0);
  fd = open("/dev/urandom", O_RDONLY);
  CHECK(read(fd, buffer, 32) == 32 && getrandom(expected, 32, 0) == 32 && memcmp(buffer, expected, 32) != 0);
  CHECK(close(fd) == 0);
  CHECK(prctl(PR_SET_NAME, "renamed") == 0);
  CHECK(strcmp(slurp("/proc/self/comm"), "renamed\n") == 0);
  return 0;
}
