/* What processes share: memory without a name, mapped files, futexes in them, file offsets, locks; and what fork gives to each alone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../programs/pass/check.h"

static int status;

static void await(int children) {
  while (children-- > 0) CHECK(wait(&status) > 0 && status == 0);
}

struct common {
  pthread_mutex_t mutex, robust;
  pthread_cond_t condition;
  pthread_barrier_t barrier;
  sem_t semaphore;
  long sum, turn, atomic;
  char pages[5 * 4096];
};

static void anonymous(void) {
  struct common *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(c != MAP_FAILED && own != MAP_FAILED);
  own[0] = 1;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&c->mutex, &attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&c->robust, &attributes);
  pthread_condattr_t condition;
  pthread_condattr_init(&condition);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&c->condition, &condition);
  pthread_barrierattr_t barrier;
  pthread_barrierattr_init(&barrier);
  pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&c->barrier, &barrier, 4);
  sem_init(&c->semaphore, 1, 0);

  for (int i = 0; i < 4; i++) {
    if (fork() != 0) continue;
    own[0] = 2;
    pthread_barrier_wait(&c->barrier);
    for (int j = 0; j < 1000; j++) {
      pthread_mutex_lock(&c->mutex);
      c->sum += i;
      c->pages[(j % 5) * 4096 + i] += 1;
      pthread_mutex_unlock(&c->mutex);
      __atomic_fetch_add(&c->atomic, 1, __ATOMIC_SEQ_CST);
    }
    sem_post(&c->semaphore);
    _exit(0);
  }
  for (int i = 0; i < 4; i++) CHECK(sem_wait(&c->semaphore) == 0);
  await(4);
  CHECK(c->sum == 6000 && c->atomic == 4000 && own[0] == 1);
  for (int i = 0; i < 4; i++)
    for (int page = 0; page < 5; page++) CHECK((unsigned char)c->pages[page * 4096 + i] == 200);

  /* Turns, by condition variable. */
  c->turn = 0;
  for (int i = 0; i < 3; i++) {
    if (fork() != 0) continue;
    for (int round = 0; round < 20; round++) {
      pthread_mutex_lock(&c->mutex);
      while (c->turn % 3 != i) pthread_cond_wait(&c->condition, &c->mutex);
      c->turn++;
      pthread_cond_broadcast(&c->condition);
      pthread_mutex_unlock(&c->mutex);
    }
    _exit(0);
  }
  await(3);
  CHECK(c->turn == 60);

  /* A mutex whose owner died. */
  pid_t pid = fork();
  if (pid == 0) {
    pthread_mutex_lock(&c->robust);
    _exit(0);
  }
  await(1);
  CHECK(pthread_mutex_lock(&c->robust) == EOWNERDEAD);
  CHECK(pthread_mutex_consistent(&c->robust) == 0 && pthread_mutex_unlock(&c->robust) == 0);

  /* The kernel's own stores, and a child of a child. */
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  if (fork() == 0) {
    if (fork() == 0) {
      CHECK(read(pipes[0], c->pages + 4090, 12) == 12);
      _exit(0);
    }
    await(1);
    _exit(0);
  }
  CHECK(write(pipes[1], "across pages", 12) == 12);
  await(1);
  CHECK(memcmp(c->pages + 4090, "across pages", 12) == 0);
  close(pipes[0]), close(pipes[1]);

  /* Unmapped in one process, moved in another, protected in a third. */
  if (fork() == 0) {
    CHECK(munmap(c, sizeof *c) == 0);
    _exit(0);
  }
  if (fork() == 0) {
    struct common *d = mremap(c, sizeof *c, sizeof *c, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, sizeof *c, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(d != MAP_FAILED);
    while (__atomic_load_n(&d->turn, __ATOMIC_SEQ_CST) != 1000) usleep(10);
    d->turn = 1001;
    _exit(0);
  }
  if (fork() == 0) {
    CHECK(mprotect(c, 4096, PROT_READ) == 0 && mprotect(c, 4096, PROT_READ | PROT_WRITE) == 0);
    c->sum = 77;
    _exit(0);
  }
  c->turn = 1000;
  while (__atomic_load_n(&c->turn, __ATOMIC_SEQ_CST) != 1001) usleep(10);
  await(3);
  CHECK(c->sum == 77);
  munmap(c, sizeof *c), munmap(own, 4096);
}

static void files(void) {
  char path[] = "/tmp/shared-XXXXXX", byte;
  int fd = mkstemp(path);
  CHECK(fd >= 0 && ftruncate(fd, 3 * 4096) == 0);
  if (fork() == 0) {
    int again = open(path, O_RDWR);
    volatile char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 4096);
    CHECK(m != MAP_FAILED);
    m[5] = 'c';
    while (m[6] != 'p') usleep(10);
    CHECK(pwrite(again, "w", 1, 4096 + 7) == 1);
    while (m[8] != 'e') usleep(10);
    _exit(0);
  }
  volatile char *m = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(m != MAP_FAILED);
  while (m[4096 + 5] != 'c') usleep(10);
  CHECK(pread(fd, &byte, 1, 4096 + 5) == 1 && byte == 'c');
  m[4096 + 6] = 'p';
  while (m[4096 + 7] != 'w') usleep(10);
  CHECK(pwrite(fd, "e", 1, 4096 + 8) == 1);
  await(1);
  CHECK(pread(fd, &byte, 1, 4096 + 6) == 1 && byte == 'p');
  munmap((void *)m, 3 * 4096);

  /* One offset for parent and child, another for who opens anew. */
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  if (fork() == 0) {
    CHECK(write(fd, "abc", 3) == 3);
    int again = open(path, O_RDONLY);
    CHECK(read(again, &byte, 1) == 1 && byte == 'a');
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
    _exit(0);
  }
  await(1);
  CHECK(lseek(fd, 0, SEEK_CUR) == 3 && fcntl(fd, F_GETFL) & O_APPEND);
  close(fd), unlink(path);

  int memory = memfd_create("m", 0);
  CHECK(memory >= 0 && ftruncate(memory, 4096) == 0);
  char *shown = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (fork() == 0) {
    strcpy(shown, "from the child");
    _exit(0);
  }
  await(1);
  CHECK(strcmp(shown, "from the child") == 0);
  munmap(shown, 4096), close(memory);
}

static void locks(void) {
  char path[] = "/tmp/locks-XXXXXX", byte;
  int fd = mkstemp(path), to[2], from[2];
  CHECK(pipe(to) == 0 && pipe(from) == 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
  CHECK(fcntl(fd, F_SETLK, &lock) == 0);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    /* Not inherited. */
    struct flock mine = lock;
    FAILS(fcntl(fd, F_SETLK, &mine), EAGAIN);
    CHECK(fcntl(fd, F_GETLK, &mine) == 0 && mine.l_type == F_WRLCK && mine.l_pid == parent && mine.l_start == 10);
    mine = lock, mine.l_start = 20;
    CHECK(fcntl(fd, F_SETLK, &mine) == 0);
    CHECK(write(from[1], "1", 1) == 1);
    mine = lock;
    CHECK(fcntl(fd, F_SETLKW, &mine) == 0);
    CHECK(write(from[1], "2", 1) == 1 && read(to[0], &byte, 1) == 1);
    /* Closing any descriptor of the file lets all locks go. */
    close(open(path, O_RDONLY));
    CHECK(write(from[1], "3", 1) == 1 && read(to[0], &byte, 1) == 1);
    _exit(0);
  }
  CHECK(read(from[0], &byte, 1) == 1 && byte == '1');
  lock.l_start = 20;
  FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
  lock.l_start = 10, lock.l_type = F_UNLCK;
  CHECK(fcntl(fd, F_SETLK, &lock) == 0);
  CHECK(read(from[0], &byte, 1) == 1 && byte == '2');
  lock.l_type = F_RDLCK;
  FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
  CHECK(write(to[1], "x", 1) == 1 && read(from[0], &byte, 1) == 1 && byte == '3');
  CHECK(fcntl(fd, F_SETLK, &lock) == 0);
  CHECK(write(to[1], "x", 1) == 1);
  await(1);

  /* Two that would wait for each other. */
  struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1}, two = one;
  two.l_start = 200;
  CHECK(fcntl(fd, F_SETLK, &one) == 0);
  pid = fork();
  if (pid == 0) {
    CHECK(fcntl(fd, F_SETLK, &two) == 0);
    CHECK(write(from[1], "4", 1) == 1);
    CHECK(fcntl(fd, F_SETLKW, &one) == 0);
    _exit(0);
  }
  CHECK(read(from[0], &byte, 1) == 1);
  usleep(20000);
  FAILS(fcntl(fd, F_SETLKW, &two), EDEADLK);
  one.l_type = F_UNLCK;
  CHECK(fcntl(fd, F_SETLK, &one) == 0);
  await(1);

  /* flock belongs to what fork shares. */
  CHECK(flock(fd, LOCK_EX) == 0);
  if (fork() == 0) {
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    int other = open(path, O_RDWR);
    FAILS(flock(other, LOCK_SH | LOCK_NB), EAGAIN);
    CHECK(flock(fd, LOCK_UN) == 0 && flock(other, LOCK_EX | LOCK_NB) == 0);
    _exit(0);
  }
  await(1);
  CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
  close(fd), unlink(path);
  close(to[0]), close(to[1]), close(from[0]), close(from[1]);
}

static void advice(void) {
  char *copied = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *wiped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *dropped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  copied[0] = wiped[0] = dropped[0] = 5;
  CHECK(madvise(wiped, 4096, MADV_WIPEONFORK) == 0 && madvise(dropped, 4096, MADV_DONTFORK) == 0);
  unsigned char present;
  if (fork() == 0) {
    CHECK(copied[0] == 5 && wiped[0] == 0);
    FAILS(mincore(dropped, 4096, &present), ENOMEM);
    _exit(0);
  }
  await(1);
  CHECK(dropped[0] == 5 && wiped[0] == 5);
}

int main(void) {
  anonymous();
  files();
  locks();
  advice();
  puts("shared: ok");
  return 0;
}
