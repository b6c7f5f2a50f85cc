/* The kernel's asynchronous input and output: contexts, operations, events, and who waits for them. */
#include "check.h"
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static aio_context_t context;
static char text[] = "asynchronous", got[32];

static struct iocb request(int opcode, int fd, void *buffer, size_t bytes, long offset) {
  struct iocb one = {.aio_data = 40 + opcode, .aio_lio_opcode = opcode, .aio_fildes = fd, .aio_buf = (uintptr_t)buffer, .aio_nbytes = bytes, .aio_offset = offset};
  return one;
}

static long submit(struct iocb *one) {
  return syscall(SYS_io_submit, context, 1, &one);
}

static void *wait_for_two(void *none) {
  (void)none;
  struct io_event events[4];
  CHECK(syscall(SYS_io_getevents, context, 2, 4, events, NULL) == 2);
  CHECK(events[0].res == 5 && events[1].res == 5);
  return NULL;
}

int main(void) {
  enter_fresh_directory();
  FAILS(syscall(SYS_io_setup, 0, &context), EINVAL);
  FAILS(syscall(SYS_io_setup, 4, (void *)8), EFAULT);
  context = 1;
  FAILS(syscall(SYS_io_setup, 4, &context), EINVAL);
  FAILS(syscall(SYS_io_destroy, context), EINVAL);
  context = 0;
  CHECK(syscall(SYS_io_setup, 4, &context) == 0 && context != 0);

  int fd = open("f", O_RDWR | O_CREAT, 0600);
  struct iocb write = request(IOCB_CMD_PWRITE, fd, text, sizeof text, 3);
  struct iocb read = request(IOCB_CMD_PREAD, fd, got, 5, 3);
  struct iovec parts[2] = {{got + 10, 2}, {got + 12, 3}};
  struct iocb vector = request(IOCB_CMD_PREADV, fd, parts, 2, 4);
  struct iocb *list[] = {&write, &read, &vector};
  CHECK(syscall(SYS_io_submit, context, 3, list) == 3);
  struct io_event events[8];
  long count = 0;
  while (count < 3) {
    long more = syscall(SYS_io_getevents, context, 1, 8, events + count, NULL);
    CHECK(more > 0);
    count += more;
  }
  for (int i = 0; i < 3; i++) {
    struct iocb *one = (struct iocb *)(uintptr_t)events[i].obj;
    CHECK(one == &write || one == &read || one == &vector);
    CHECK(events[i].data == one->aio_data && events[i].res2 == 0);
    CHECK(events[i].res == (one == &write ? (long)sizeof text : 5));
  }
  CHECK(memcmp(got, "async", 5) == 0 && memcmp(got + 10, "synch", 5) == 0);

  /* Nothing is there: at once, and after a while. */
  struct timespec none = {0, 0}, moment = {0, 2000000};
  CHECK(syscall(SYS_io_getevents, context, 0, 8, events, &none) == 0);
  CHECK(syscall(SYS_io_getevents, context, 1, 8, events, &moment) == 0);
  FAILS(syscall(SYS_io_getevents, context, 3, 2, events, NULL), EINVAL);
  FAILS(syscall(SYS_io_getevents, context, -1L, 2, events, NULL), EINVAL);
  FAILS(syscall(SYS_io_getevents, context + 8, 0, 2, events, NULL), EINVAL);

  /* What cannot be submitted, and what ends with an error. */
  struct iocb bad = request(IOCB_CMD_PREAD, -1, got, 1, 0);
  FAILS(submit(&bad), EBADF);
  bad = request(77, fd, got, 1, 0);
  FAILS(submit(&bad), EINVAL);
  bad = request(IOCB_CMD_PREAD, fd, got, 1, 0);
  bad.aio_reserved2 = 1;
  FAILS(submit(&bad), EINVAL);
  FAILS(syscall(SYS_io_submit, context, 1, NULL), EFAULT);
  FAILS(syscall(SYS_io_submit, context, -1L, list), EINVAL);
  CHECK(syscall(SYS_io_submit, context, 0, list) == 0);
  int closed = open("f", O_WRONLY);
  bad = request(IOCB_CMD_PREAD, closed, got, 1, 0);
  FAILS(submit(&bad), EBADF);

  /* An event counter tells of the end. */
  int counter = eventfd(0, 0);
  read.aio_flags = IOCB_FLAG_RESFD;
  read.aio_resfd = counter;
  CHECK(submit(&read) == 1);
  uint64_t value;
  CHECK(syscall(SYS_read, counter, &value, 8L) == 8 && value == 1);
  CHECK(syscall(SYS_io_getevents, context, 1, 1, events, NULL) == 1 && events[0].res == 5);
  read.aio_resfd = fd;
  FAILS(submit(&read), EINVAL);
  read.aio_flags = 0;

  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, wait_for_two, NULL) == 0);
  CHECK(submit(&read) == 1);
  CHECK(submit(&read) == 1);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(syscall(SYS_io_destroy, context) == 0);
  FAILS(submit(&read), EINVAL);
  return 0;
}
