/* io_uring: rings, operations at once and later, links, timeouts, registered files and buffers, cancelling, chosen buffers. */
#include "check.h"
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

struct ring {
  int fd;
  struct io_uring_params params;
  char *rings;
  struct io_uring_sqe *sqes;
  unsigned *sq_tail, *sq_head, *array, *cq_head, *cq_tail, *sq_flags;
  struct io_uring_cqe *cqes;
};

static void begin(struct ring *r, unsigned entries, unsigned flags) {
  memset(r, 0, sizeof *r);
  r->params.flags = flags;
  r->fd = syscall(SYS_io_uring_setup, entries, &r->params);
  CHECK(r->fd >= 0);
  CHECK(r->params.sq_entries == entries && r->params.cq_entries == 2 * entries && (r->params.features & IORING_FEAT_SINGLE_MMAP));
  r->rings = mmap(NULL, r->params.sq_off.array + entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
  r->sqes = mmap(NULL, entries * sizeof *r->sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
  CHECK(r->rings != MAP_FAILED && (void *)r->sqes != MAP_FAILED);
  r->sq_head = (unsigned *)(r->rings + r->params.sq_off.head);
  r->sq_tail = (unsigned *)(r->rings + r->params.sq_off.tail);
  r->sq_flags = (unsigned *)(r->rings + r->params.sq_off.flags);
  r->array = (unsigned *)(r->rings + r->params.sq_off.array);
  r->cq_head = (unsigned *)(r->rings + r->params.cq_off.head);
  r->cq_tail = (unsigned *)(r->rings + r->params.cq_off.tail);
  r->cqes = (struct io_uring_cqe *)(r->rings + r->params.cq_off.cqes);
}

static struct io_uring_sqe *entry(struct ring *r, int opcode, int fd, const void *address, unsigned length, unsigned long data) {
  unsigned tail = *r->sq_tail, index = tail & (r->params.sq_entries - 1);
  struct io_uring_sqe *e = &r->sqes[index];
  memset(e, 0, sizeof *e);
  e->opcode = opcode, e->fd = fd, e->addr = (uintptr_t)address, e->len = length, e->user_data = data;
  r->array[index] = index;
  __atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
  return e;
}

static int enter(struct ring *r, unsigned submit, unsigned least) {
  return syscall(SYS_io_uring_enter, r->fd, submit, least, least ? IORING_ENTER_GETEVENTS : 0, NULL, 8);
}

static int any(struct ring *r) {
  return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) != *r->cq_head;
}

struct completion {
  unsigned long user_data;
  int res;
  unsigned flags;
};

static struct completion take(struct ring *r) {
  if (!any(r)) CHECK(enter(r, 0, 1) == 0);
  struct io_uring_cqe *next = &r->cqes[*r->cq_head & (r->params.cq_entries - 1)];
  struct completion one = {next->user_data, next->res, next->flags};
  __atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
  return one;
}

/* The completion of `data`, which is the next or the one after that. */
static int result_of(struct ring *r, unsigned long data) {
  static struct completion kept[8];
  static int count;
  for (int i = 0; i < count; i++)
    if (kept[i].user_data == data) {
      int result = kept[i].res;
      kept[i] = kept[--count];
      return result;
    }
  for (;;) {
    struct completion one = take(r);
    if (one.user_data == data) return one.res;
    CHECK(count < 8);
    kept[count++] = one;
  }
}

static void refusals(void) {
  struct io_uring_params params = {0};
  FAILS(syscall(SYS_io_uring_setup, 0, &params), EINVAL);
  FAILS(syscall(SYS_io_uring_setup, 4, NULL), EFAULT);
  FAILS(syscall(SYS_io_uring_setup, 100000, &params), EINVAL);
  params.flags = 1u << 31;
  FAILS(syscall(SYS_io_uring_setup, 4, &params), EINVAL);
  params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = 2};
  FAILS(syscall(SYS_io_uring_setup, 4, &params), EINVAL);
  params = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
  int fd = syscall(SYS_io_uring_setup, 4, &params);
  CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
  FAILS(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 8), EBADFD);
  CHECK(syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
  CHECK(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 8) == 0);
  FAILS(syscall(SYS_io_uring_enter, fd, 0, 0, 1u << 30, NULL, 8), EINVAL);
  FAILS(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 8), EOPNOTSUPP);
  FAILS(syscall(SYS_io_uring_register, fd, IORING_UNREGISTER_FILES, NULL, 0), ENXIO);
  close(fd);
}

static void files(struct ring *r) {
  char text[] = "ring of files", got[32] = "";
  entry(r, IORING_OP_NOP, -1, NULL, 0, 1);
  CHECK(enter(r, 1, 1) == 1 && *r->sq_head == *r->sq_tail && result_of(r, 1) == 0);
  struct io_uring_sqe *e = entry(r, IORING_OP_OPENAT, AT_FDCWD, "f", 0600, 2);
  e->open_flags = O_RDWR | O_CREAT;
  CHECK(enter(r, 1, 1) == 1);
  int fd = result_of(r, 2);
  CHECK(fd > 2);
  e = entry(r, IORING_OP_WRITE, fd, text, sizeof text, 3);
  e->off = 5, e->flags = IOSQE_IO_LINK;
  e = entry(r, IORING_OP_FSYNC, fd, NULL, 0, 4);
  e->flags = IOSQE_IO_LINK;
  e = entry(r, IORING_OP_READ, fd, got, sizeof text, 5);
  e->off = 5;
  CHECK(enter(r, 3, 3) == 3);
  CHECK(result_of(r, 3) == sizeof text && result_of(r, 4) == 0 && result_of(r, 5) == sizeof text && strcmp(got, text) == 0);
  /* The second of a chain fails: the third is not done. */
  entry(r, IORING_OP_NOP, -1, NULL, 0, 6)->flags = IOSQE_IO_LINK;
  entry(r, IORING_OP_READ, 999, got, 1, 7)->flags = IOSQE_IO_LINK;
  entry(r, IORING_OP_NOP, -1, NULL, 0, 8);
  CHECK(enter(r, 3, 3) == 3);
  CHECK(result_of(r, 6) == 0 && result_of(r, 7) == -EBADF && result_of(r, 8) == -ECANCELED);
  struct iovec parts[2] = {{got, 4}, {got + 10, 3}};
  entry(r, IORING_OP_READV, fd, parts, 2, 9)->off = 5;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 9) == 7 && memcmp(got, "ring", 4) == 0 && memcmp(got + 10, " of", 3) == 0);
  /* Registered: a file by its index, a buffer that holds what is read. */
  int list[3] = {-1, fd, -1};
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, list, 3) == 0);
  struct iovec buffer = {got, sizeof got};
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &buffer, 1) == 0);
  e = entry(r, IORING_OP_READ_FIXED, 1, got + 8, 4, 10);
  e->flags = IOSQE_FIXED_FILE, e->off = 5;
  entry(r, IORING_OP_READ, 0, got, 4, 11)->flags = IOSQE_FIXED_FILE;
  entry(r, IORING_OP_READ_FIXED, fd, got + 30, 4, 12);
  CHECK(enter(r, 3, 3) == 3);
  CHECK(result_of(r, 10) == 4 && memcmp(got + 8, "ring", 4) == 0 && result_of(r, 11) == -EBADF && result_of(r, 12) == -EFAULT);
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_UNREGISTER_FILES, NULL, 0) == 0);
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0);
  entry(r, IORING_OP_CLOSE, fd, NULL, 0, 13);
  entry(r, 200, 0, NULL, 0, 14);
  CHECK(enter(r, 2, 2) == 2 && result_of(r, 13) == 0 && result_of(r, 14) == -EINVAL);
  FAILS(close(fd), EBADF);
}

static void *write_later(void *fd) {
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  CHECK(write(*(int *)fd, "later", 5) == 5);
  return NULL;
}

static void waiting(struct ring *r) {
  int ends[2], event = eventfd(0, 0);
  uint64_t told;
  CHECK(pipe(ends) == 0 && event >= 0);
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_EVENTFD, &event, 1) == 0);
  char got[16] = "";
  entry(r, IORING_OP_READ, ends[0], got, sizeof got, 20);
  entry(r, IORING_OP_POLL_ADD, ends[1], NULL, 0, 21)->poll32_events = POLLOUT;
  CHECK(enter(r, 2, 1) == 2 && result_of(r, 21) == POLLOUT && !any(r));
  CHECK(read(event, &told, 8) == 8 && told == 1);
  pthread_t other;
  CHECK(pthread_create(&other, NULL, write_later, &ends[1]) == 0);
  CHECK(read(event, &told, 8) == 8 && told == 1);
  struct pollfd ready = {r->fd, POLLIN, 0};
  CHECK(poll(&ready, 1, 0) == 1 && ready.revents == POLLIN);
  CHECK(result_of(r, 20) == 5 && strcmp(got, "later") == 0);
  CHECK(poll(&ready, 1, 0) == 0);
  pthread_join(other, NULL);
  CHECK(syscall(SYS_io_uring_register, r->fd, IORING_UNREGISTER_EVENTFD, NULL, 0) == 0);
  /* Cancelled by user data; one that is not there. */
  entry(r, IORING_OP_READ, ends[0], got, 1, 22);
  CHECK(enter(r, 1, 0) == 1);
  entry(r, IORING_OP_ASYNC_CANCEL, -1, (void *)22, 0, 23);
  entry(r, IORING_OP_ASYNC_CANCEL, -1, (void *)99, 0, 24);
  CHECK(enter(r, 2, 3) == 2 && result_of(r, 22) == -ECANCELED && result_of(r, 23) == 0 && result_of(r, 24) == -ENOENT);
  /* Timeouts: by time, by number of completions, of one operation, removed. */
  struct __kernel_timespec soon = {.tv_nsec = 10000000}, late = {.tv_sec = 100}, wrong = {.tv_nsec = -1};
  entry(r, IORING_OP_TIMEOUT, -1, &soon, 1, 25);
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 25) == -ETIME);
  entry(r, IORING_OP_TIMEOUT, -1, &late, 1, 26)->off = 2;
  entry(r, IORING_OP_NOP, -1, NULL, 0, 27);
  CHECK(enter(r, 2, 1) == 2 && result_of(r, 27) == 0 && !any(r));
  entry(r, IORING_OP_NOP, -1, NULL, 0, 28);
  CHECK(enter(r, 1, 2) == 1 && result_of(r, 28) == 0 && result_of(r, 26) == 0);
  entry(r, IORING_OP_READ, ends[0], got, 1, 29)->flags = IOSQE_IO_LINK;
  entry(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 30);
  CHECK(enter(r, 2, 2) == 2 && result_of(r, 29) == -ECANCELED && result_of(r, 30) == -ETIME);
  entry(r, IORING_OP_TIMEOUT, -1, &late, 1, 31);
  entry(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)31, 0, 32);
  CHECK(enter(r, 2, 2) == 2 && result_of(r, 31) == -ECANCELED && result_of(r, 32) == 0);
  entry(r, IORING_OP_TIMEOUT, -1, &wrong, 1, 33);
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 33) == -EINVAL);
  /* Waiting itself has a limit. */
  struct io_uring_getevents_arg limit = {.ts = (uintptr_t)&soon};
  FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &limit, sizeof limit), ETIME);
  close(ends[0]), close(ends[1]), close(event);
}

static void connections(struct ring *r) {
  int pair[2];
  char room[3][8], out[] = "abcdefghij";
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  struct io_uring_sqe *e = entry(r, IORING_OP_PROVIDE_BUFFERS, 3, room, 8, 40);
  e->buf_group = 7, e->off = 100;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 40) == 0);
  e = entry(r, IORING_OP_RECV, pair[0], NULL, 0, 41);
  e->flags = IOSQE_BUFFER_SELECT, e->buf_group = 7;
  CHECK(enter(r, 1, 0) == 1);
  entry(r, IORING_OP_SEND, pair[1], out, 6, 42);
  CHECK(enter(r, 1, 2) == 1);
  struct completion one = take(r), two = take(r), received = one.user_data == 41 ? one : two;
  CHECK(received.user_data == 41 && received.res == 6 && (received.flags & IORING_CQE_F_BUFFER));
  CHECK(received.flags >> IORING_CQE_BUFFER_SHIFT == 100 && memcmp(room[0], "abcdef", 6) == 0);
  entry(r, IORING_OP_SHUTDOWN, pair[1], NULL, SHUT_WR, 43);
  e = entry(r, IORING_OP_RECV, pair[0], NULL, 0, 44);
  e->flags = IOSQE_BUFFER_SELECT, e->buf_group = 7;
  CHECK(enter(r, 2, 2) == 2 && result_of(r, 43) == 0 && result_of(r, 44) == 0);
  close(pair[0]), close(pair[1]);
}

static char left[8];

static void *submit_and_end(void *argument) {
  struct ring *r = ((void **)argument)[0];
  int *fds = ((void **)argument)[1];
  entry(r, IORING_OP_READ, fds[0], left, 8, 70);
  CHECK(enter(r, 1, 0) == 1);
  return NULL;
}

/* What a thread has begun that ends before it has waited enough is cancelled when it could go on. */
static void ended_threads(struct ring *r) {
  int fds[2];
  CHECK(pipe(fds) == 0);
  void *argument[] = {r, fds};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, submit_and_end, argument) == 0 && pthread_join(thread, NULL) == 0);
  CHECK(!any(r));
  CHECK(write(fds[1], "x", 1) == 1);
  CHECK(result_of(r, 70) == -ECANCELED && left[0] == 0);
  close(fds[0]), close(fds[1]);
}

static void restricted(void) {
  struct ring r;
  begin(&r, 8, IORING_SETUP_R_DISABLED);
  struct io_uring_restriction list[4] = {
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE},
    {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_BUFFERS},
    {.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_ASYNC},
    {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_IO_LINK},
  };
  struct io_uring_restriction wrong = {.opcode = 77};
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, NULL, 1), EINVAL);
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, list, 1000), EINVAL);
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, &wrong, 1), EINVAL);
  CHECK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, list, 4) == 0);
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, list, 4), EBUSY);
  CHECK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0), EACCES);
  struct iovec buffer = {left, sizeof left};
  CHECK(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &buffer, 1) == 0);
  int fds[2];
  CHECK(pipe(fds) == 0);
  entry(&r, IORING_OP_WRITE, fds[1], "y", 1, 80)->flags = IOSQE_ASYNC;
  CHECK(enter(&r, 1, 1) == 1 && result_of(&r, 80) == 1);
  entry(&r, IORING_OP_WRITE, fds[1], "y", 1, 81);
  CHECK(enter(&r, 1, 1) == 1 && result_of(&r, 81) == -EACCES);
  entry(&r, IORING_OP_WRITE, fds[1], "y", 1, 82)->flags = IOSQE_ASYNC | IOSQE_IO_DRAIN;
  CHECK(enter(&r, 1, 1) == 1 && result_of(&r, 82) == -EACCES);
  entry(&r, IORING_OP_NOP, -1, NULL, 0, 83)->flags = IOSQE_ASYNC;
  CHECK(enter(&r, 1, 1) == 1 && result_of(&r, 83) == -EACCES);
  close(fds[0]), close(fds[1]), close(r.fd);
  begin(&r, 8, 0);
  FAILS(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_RESTRICTIONS, list, 4), EBADFD);
  /* The descriptor of a ring cannot be sent. */
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  char space[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec byte = {"z", 1};
  struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  struct cmsghdr *control = CMSG_FIRSTHDR(&message);
  *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(control), &r.fd, sizeof(int));
  FAILS(sendmsg(pair[0], &message, 0), EINVAL);
  close(r.fd), close(pair[0]), close(pair[1]);
}

/* What a wait has that ends early, splices at places that pipes have not, datagrams of which all is wanted. */
static void corners(struct ring *r) {
  entry(r, IORING_OP_NOP, -1, NULL, 0, 90);
  struct __kernel_timespec limit = {0, 2000000};
  struct io_uring_getevents_arg argument = {.ts = (uintptr_t)&limit};
  CHECK(syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) == 1);
  CHECK(syscall(SYS_io_uring_enter, r->fd, 0, 2, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument) == 0);
  CHECK(result_of(r, 90) == 0);
  FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument), ETIME);
  int fds[2], pair[2], file = open("spliced", O_RDWR | O_CREAT, 0600);
  CHECK(pipe(fds) == 0 && write(file, "data", 4) == 4);
  struct io_uring_sqe *e = entry(r, IORING_OP_SPLICE, fds[1], NULL, 4, 91);
  e->splice_fd_in = file;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 91) == -ESPIPE);
  e = entry(r, IORING_OP_SPLICE, fds[1], NULL, 0, 92);
  e->splice_fd_in = file;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 92) == 0);
  e = entry(r, IORING_OP_SPLICE, fds[1], NULL, 4, 93);
  e->splice_fd_in = file, e->off = -1;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 93) == 4);
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && write(pair[0], "four", 4) == 4);
  entry(r, IORING_OP_RECV, pair[1], left, 8, 94)->msg_flags = MSG_WAITALL;
  CHECK(enter(r, 1, 1) == 1 && result_of(r, 94) == 4);
  close(fds[0]), close(fds[1]), close(pair[0]), close(pair[1]), close(file);
}

int main(void) {
  enter_fresh_directory();
  refusals();
  struct ring r;
  begin(&r, 8, 0);
  files(&r);
  waiting(&r);
  connections(&r);
  ended_threads(&r);
  restricted();
  corners(&r);
  /* More completions than there is room for: none is lost. */
  struct ring small;
  begin(&small, 2, 0);
  for (int i = 0; i < 3; i++) {
    entry(&small, IORING_OP_NOP, -1, NULL, 0, 3 * i);
    entry(&small, IORING_OP_NOP, -1, NULL, 0, 3 * i + 1);
    CHECK(enter(&small, 2, 0) == 2);
  }
  int seen = 0;
  while (any(&small)) take(&small), seen++;
  CHECK(seen == 4 && (*small.sq_flags & IORING_SQ_CQ_OVERFLOW));
  CHECK(enter(&small, 0, 1) == 0);
  while (any(&small)) take(&small), seen++;
  CHECK(seen == 6 && !(*small.sq_flags & IORING_SQ_CQ_OVERFLOW));
  /* A child shares the ring. */
  pid_t child = fork();
  if (child == 0) {
    entry(&r, IORING_OP_NOP, -1, NULL, 0, 50);
    _exit(enter(&r, 1, 0) == 1 ? 0 : 1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(result_of(&r, 50) == 0);
  return 0;
}
