/* Calls that few programs make: waits on several futexes, handles of files, parts of files mapped out of order, advice about another process. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

struct one { uint64_t value, address; uint32_t flags, reserved; };
static uint32_t words[3];
static int woken = -1;

static long waitv(struct one *list, unsigned count, unsigned flags, struct timespec *limit, int clock) {
  return syscall(SYS_futex_waitv, list, count, flags, limit, clock);
}
#define ONE(i) {0, (uintptr_t)&words[i], 2 | FUTEX_PRIVATE_FLAG, 0}

static void *waits(void *none) {
  (void)none;
  struct one list[3] = {ONE(0), ONE(1), ONE(2)};
  /* Of a futex a wrong time is told before anything else. */
  uint32_t mine = gettid();
  struct timespec wrong = {1, 1000000000}, right = {1, 0};
  FAILS(syscall(SYS_futex, &mine, FUTEX_LOCK_PI_PRIVATE, 0, &wrong, NULL, 0), EINVAL);
  FAILS(syscall(SYS_futex, &mine, FUTEX_LOCK_PI_PRIVATE, 0, &right, NULL, 0), EDEADLK);
  FAILS(syscall(SYS_futex, &mine, FUTEX_WAIT_PRIVATE, 0, &wrong, NULL, 0), EINVAL);
  /* What is left of an adjustment of the clock may be asked by everybody. */
  struct timex rest = {.modes = ADJ_OFFSET_SS_READ};
  CHECK(adjtimex(&rest) >= 0 && rest.offset == 0);
  woken = waitv(list, 3, 0, NULL, 0);
  return NULL;
}

int main(void) {
  enter_fresh_directory();
  struct one list[3] = {ONE(0), ONE(1), ONE(2)};
  FAILS(waitv(list, 0, 0, NULL, 0), EINVAL);
  FAILS(waitv(list, 129, 0, NULL, 0), EINVAL);
  FAILS(waitv(list, 1, 1, NULL, 0), EINVAL);
  FAILS(waitv(NULL, 1, 0, NULL, 0), EINVAL);
  FAILS(waitv((void *)8, 1, 0, NULL, 0), EFAULT);
  list[1].reserved = 1;
  FAILS(waitv(list, 3, 0, NULL, 0), EINVAL);
  list[1].reserved = 0;
  list[1].flags = FUTEX_PRIVATE_FLAG;
  FAILS(waitv(list, 3, 0, NULL, 0), EINVAL);
  list[1].flags |= 2;
  list[2].value = 5;
  FAILS(waitv(list, 3, 0, NULL, 0), EAGAIN);
  list[2].value = 0;
  struct timespec soon;
  clock_gettime(CLOCK_MONOTONIC, &soon);
  soon.tv_nsec += 1000000;
  if (soon.tv_nsec > 999999999) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  FAILS(waitv(list, 3, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
  FAILS(waitv(list, 3, 0, &soon, 7), EINVAL);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, waits, NULL) == 0);
  while (syscall(SYS_futex, &words[2], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0) sched_yield();
  CHECK(pthread_join(thread, NULL) == 0 && woken == 2);
  for (int i = 0; i < 3; i++) CHECK(syscall(SYS_futex, &words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0);

  union { struct file_handle head; char room[64]; } handle, other;
  int mount;
  close(open("f", O_RDWR | O_CREAT, 0600));
  handle.head.handle_bytes = 0;
  FAILS(name_to_handle_at(AT_FDCWD, "f", &handle.head, &mount, 0), EOVERFLOW);
  CHECK(handle.head.handle_bytes > 0);
  CHECK(name_to_handle_at(AT_FDCWD, "f", &handle.head, &mount, 0) == 0);
  CHECK(link("f", "g") == 0);
  other.head.handle_bytes = handle.head.handle_bytes;
  CHECK(name_to_handle_at(AT_FDCWD, "g", &other.head, &mount, 0) == 0);
  CHECK(memcmp(handle.room, other.room, 8 + handle.head.handle_bytes) == 0);
  handle.head.handle_bytes = 129;
  FAILS(name_to_handle_at(AT_FDCWD, "f", &handle.head, &mount, 0), EINVAL);
  FAILS(name_to_handle_at(AT_FDCWD, "none", &handle.head, &mount, 0), ENOENT);
  FAILS(name_to_handle_at(AT_FDCWD, "f", &handle.head, &mount, 1), EINVAL);

  int fd = open("f", O_RDWR);
  CHECK(ftruncate(fd, 3 * 4096) == 0);
  for (int i = 0; i < 3; i++) CHECK(pwrite(fd, &"abc"[i], 1, i * 4096) == 1);
  char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(pages != MAP_FAILED && pages[0] == 'a');
  CHECK(syscall(SYS_remap_file_pages, pages, 4096, 0, 2, 0) == 0);
  CHECK(pages[0] == 'c' && pages[4096] == 'b');
  pages[0] = 'x';
  char byte;
  CHECK(pread(fd, &byte, 1, 2 * 4096) == 1 && byte == 'x');
  /* A hole in a file reaches those who have mapped it. */
  pages[8192] = 'y';
  CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192) == 0);
  CHECK(pages[0] == 0 && pages[4096] == 0 && pages[8192] == 0);
  CHECK(pread(fd, &byte, 1, 2 * 4096) == 1 && byte == 0);
  FAILS(syscall(SYS_remap_file_pages, pages, 4096, PROT_READ, 2, 0), EINVAL);
  FAILS(syscall(SYS_remap_file_pages, &words, 4096, 0, 2, 0), EINVAL);

  /* A file that becomes shorter takes private copies of its pages with it. */
  char *own = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  own[0] = own[4096] = own[8192] = 'p';
  CHECK(ftruncate(fd, 4096) == 0 && ftruncate(fd, 3 * 4096) == 0);
  CHECK(own[0] == 'p' && own[4096] == 0 && own[8192] == 0);

  /* What can be read can be executed, for those who ask for it. */
  int before = personality(0xffffffff);
  CHECK(personality(before | READ_IMPLIES_EXEC) == before);
  unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(code, "\xb8\x2a\0\0\0\xc3", 6);
  CHECK(((int (*)(void))(uintptr_t)code)() == 42);
  unsigned char *heap = sbrk(8192);
  memcpy(heap, code, 6);
  CHECK(((int (*)(void))(uintptr_t)heap)() == 42);
  CHECK(personality(before) >= 0);

  FAILS(syscall(SYS_restart_syscall), EINTR);
  long kinds = syscall(SYS_sysfs, 3);
  char name[64];
  CHECK(kinds > 0 && syscall(SYS_sysfs, 2, 0L, name) == 0 && syscall(SYS_sysfs, 1, name) == 0);
  FAILS(syscall(SYS_sysfs, 1, "nothing like it"), EINVAL);
  FAILS(syscall(SYS_sysfs, 4), EINVAL);

  struct iovec part = {pages, 4096};
  int self = syscall(SYS_pidfd_open, getpid(), 0);
  CHECK(syscall(SYS_process_madvise, self, &part, 1L, MADV_COLD, 0) == 4096);
  FAILS(syscall(SYS_process_madvise, self, &part, 1L, MADV_COLD, 1), EINVAL);
  FAILS(syscall(SYS_process_madvise, -1, &part, 1L, MADV_COLD, 0), EBADF);
  FAILS(syscall(SYS_process_mrelease, self, 0), EINVAL);
  FAILS(syscall(SYS_process_mrelease, -1, 0), EBADF);
  FAILS(syscall(SYS_process_mrelease, self, 1), EINVAL);
  return 0;
}
