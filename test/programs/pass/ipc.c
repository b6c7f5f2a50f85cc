/* System V IPC: shared memory between processes, semaphores that wait, undo and come in sets, message queues that wait; ids, keys, rights, removal. */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
};

static void wait_for(pid_t pid) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void shared_memory(void) {
  key_t key = 0x6c656d00 | (getpid() & 255);
  int id = shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(id >= 0);
  CHECK(shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0600) == -1 && errno == EEXIST);
  CHECK(shmget(key, 5000, 0) == id);
  CHECK(shmget(key, 20000, 0) == -1 && errno == EINVAL);
  CHECK(shmget(key + 256, 100, 0) == -1 && errno == ENOENT);
  CHECK(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600) == -1 && errno == EINVAL);
  struct shmid_ds ds;
  CHECK(shmctl(id, IPC_STAT, &ds) == 0);
  CHECK(ds.shm_segsz == 10000 && ds.shm_nattch == 0 && ds.shm_cpid == getpid() && ds.shm_lpid == 0);
  CHECK(ds.shm_perm.__key == key && (ds.shm_perm.mode & 0777) == 0600 && ds.shm_ctime > 0 && ds.shm_atime == 0);
  int *p = shmat(id, 0, 0);
  CHECK(p != (void *)-1);
  for (int i = 0; i < 12288 / 4; i++) CHECK(p[i] == 0);
  p[0] = 1, p[2500] = 2;
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(p[0] == 1 && p[2500] == 2);
    CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 2);
    int *q = shmat(shmget(key, 0, 0), 0, SHM_RDONLY);
    CHECK(q != (void *)-1 && q[2500] == 2);
    p[1] = 77;
    CHECK(shmdt(p) == 0);
    CHECK(q[1] == 77);
    _exit(0);
  }
  wait_for(pid);
  CHECK(p[1] == 77);
  CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1);
  ds.shm_perm.mode = 0644;
  CHECK(shmctl(id, IPC_SET, &ds) == 0);
  CHECK(shmctl(id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & 0777) == 0644);
  CHECK(shmdt((char *)p + 4096) == -1 && errno == EINVAL);
  CHECK(shmctl(id, IPC_RMID, 0) == 0);
  CHECK(shmget(key, 0, 0) == -1 && errno == ENOENT);
  CHECK(shmctl(id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & SHM_DEST));
  CHECK(shmdt(p) == 0);
  CHECK(shmdt(p) == -1 && errno == EINVAL);
  CHECK(shmctl(id, IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM));
  /* At a place of one's choice. */
  id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  char *room = mmap(0, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(shmat(id, room + 4096, 0) == (void *)-1 && errno == EINVAL);
  CHECK(shmat(id, room + 4097, SHM_REMAP) == (void *)-1 && errno == EINVAL);
  CHECK(shmat(id, room + 5000, SHM_REMAP | SHM_RND) == room + 4096);
  room[4096] = 1;
  CHECK(shmdt(room + 4096) == 0);
  CHECK(shmctl(id, IPC_RMID, 0) == 0);
  CHECK(shmat(id, 0, 0) == (void *)-1 && (errno == EINVAL || errno == EIDRM));
}

static int set;

static void *grow_later(void *unused) {
  (void)unused;
  while (semctl(set, 1, GETNCNT) != 1 || semctl(set, 0, GETZCNT) != 0) sched_yield();
  struct sembuf up[] = {{1, 3, 0}};
  CHECK(semop(set, up, 1) == 0);
  return 0;
}

static void nothing(int signal) { (void)signal; }

static void semaphores(void) {
  union semun arg;
  set = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
  CHECK(set >= 0);
  CHECK(semget(IPC_PRIVATE, 0, IPC_CREAT | 0600) == -1 && errno == EINVAL);
  arg.val = 5;
  CHECK(semctl(set, 0, SETVAL, arg) == 0);
  CHECK(semctl(set, 0, GETVAL) == 5 && semctl(set, 0, GETPID) == getpid() && semctl(set, 1, GETPID) == 0);
  arg.val = 40000;
  CHECK(semctl(set, 0, SETVAL, arg) == -1 && errno == ERANGE);
  CHECK(semctl(set, 3, GETVAL) == -1 && errno == EINVAL);
  /* All or nothing. */
  struct sembuf both[] = {{0, -5, 0}, {1, -1, IPC_NOWAIT}};
  CHECK(semop(set, both, 2) == -1 && errno == EAGAIN);
  CHECK(semctl(set, 0, GETVAL) == 5);
  struct sembuf far[] = {{7, 1, 0}};
  CHECK(semop(set, far, 1) == -1 && errno == EFBIG);
  CHECK(semop(set, far, 0) == -1 && errno == EINVAL);
  CHECK(semop(set, far, 501) == -1 && errno == E2BIG);
  struct sembuf high[] = {{0, 32767, 0}};
  CHECK(semop(set, high, 1) == -1 && errno == ERANGE);
  unsigned short values[3] = {1, 2, 3}, back[3];
  arg.array = values;
  CHECK(semctl(set, 0, SETALL, arg) == 0);
  arg.array = back;
  CHECK(semctl(set, 0, GETALL, arg) == 0 && back[0] == 1 && back[1] == 2 && back[2] == 3);
  struct semid_ds ds;
  arg.buf = &ds;
  CHECK(semctl(set, 0, IPC_STAT, arg) == 0 && ds.sem_nsems == 3 && ds.sem_ctime > 0 && ds.sem_otime == 0);
  /* Waiting for another thread. */
  pthread_t thread;
  CHECK(pthread_create(&thread, 0, grow_later, 0) == 0);
  struct sembuf down[] = {{1, -5, 0}};
  CHECK(semop(set, down, 1) == 0);
  CHECK(pthread_join(thread, 0) == 0);
  CHECK(semctl(set, 1, GETVAL) == 0);
  CHECK(semctl(set, 0, IPC_STAT, arg) == 0 && ds.sem_otime > 0);
  /* A time limit, and a signal. */
  struct timespec limit = {0, 20000000};
  CHECK(semtimedop(set, down, 1, &limit) == -1 && errno == EAGAIN);
  struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, 0);
  timer_t timer;
  struct itimerspec soon = {{0, 20000000}, {0, 20000000}};
  CHECK(timer_create(CLOCK_MONOTONIC, 0, &timer) == 0 && timer_settime(timer, 0, &soon, 0) == 0);
  CHECK(semop(set, down, 1) == -1 && errno == EINTR);
  CHECK(timer_delete(timer) == 0);
  /* What a process undoes by ending. */
  pid_t pid = fork();
  if (pid == 0) {
    struct sembuf undone[] = {{2, -2, SEM_UNDO}, {1, 4, SEM_UNDO}, {0, 1, 0}};
    CHECK(semop(set, undone, 3) == 0);
    CHECK(semctl(set, 2, GETVAL) == 1 && semctl(set, 1, GETVAL) == 4);
    _exit(0);
  }
  wait_for(pid);
  CHECK(semctl(set, 2, GETVAL) == 3 && semctl(set, 1, GETVAL) == 0 && semctl(set, 0, GETVAL) == 2);
  /* Processes that wait for zero go on together. */
  pid_t children[3];
  for (int i = 0; i < 3; i++)
    if ((children[i] = fork()) == 0) {
      struct sembuf zero[] = {{0, 0, 0}, {2, 1, 0}};
      CHECK(semop(set, zero, 2) == 0);
      _exit(0);
    }
  while (semctl(set, 0, GETZCNT) != 3) usleep(1000);
  struct sembuf take[] = {{0, -2, 0}};
  CHECK(semop(set, take, 1) == 0);
  for (int i = 0; i < 3; i++) wait_for(children[i]);
  CHECK(semctl(set, 2, GETVAL) == 6);
  /* Removed under somebody who waits. */
  if ((pid = fork()) == 0) {
    CHECK(semop(set, down, 1) == -1 && errno == EIDRM);
    _exit(0);
  }
  while (semctl(set, 1, GETNCNT) != 1) usleep(1000);
  CHECK(semctl(set, 0, IPC_RMID) == 0);
  wait_for(pid);
  CHECK(semop(set, down, 1) == -1 && (errno == EINVAL || errno == EIDRM));
}

struct message {
  long type;
  char text[100];
};

static void messages(void) {
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  CHECK(id >= 0);
  struct message m = {1, "one"};
  CHECK(msgsnd(id, &m, 4, 0) == 0);
  m = (struct message){3, "three"};
  CHECK(msgsnd(id, &m, 6, 0) == 0);
  m = (struct message){2, "two"};
  CHECK(msgsnd(id, &m, 4, 0) == 0);
  struct msqid_ds ds;
  CHECK(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 3 && ds.__msg_cbytes == 14 && ds.msg_lspid == getpid());
  CHECK(msgrcv(id, &m, 100, 3, 0) == 6 && m.type == 3 && !strcmp(m.text, "three"));
  CHECK(msgrcv(id, &m, 2, 0, 0) == -1 && errno == E2BIG);
  CHECK(msgrcv(id, &m, 100, -2, 0) == 4 && m.type == 1);
  m = (struct message){9, "nine"};
  CHECK(msgsnd(id, &m, 5, 0) == 0);
  CHECK(msgrcv(id, &m, 100, 2, MSG_EXCEPT) == 5 && m.type == 9);
  CHECK(msgrcv(id, &m, 2, 0, MSG_NOERROR) == 2 && m.type == 2 && !memcmp(m.text, "tw", 2));
  CHECK(msgrcv(id, &m, 100, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
  m.type = 0;
  CHECK(msgsnd(id, &m, 1, 0) == -1 && errno == EINVAL);
  m.type = 1;
  CHECK(msgsnd(id, &m, 10000, 0) == -1 && errno == EINVAL);
  /* A receiver that waits, then a sender that waits. */
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(msgrcv(id, &m, 100, 7, 0) == 3 && m.type == 7 && !strcmp(m.text, "hi"));
    m.type = 8;
    CHECK(msgsnd(id, &m, 3, 0) == 0);
    _exit(0);
  }
  m = (struct message){7, "hi"};
  CHECK(msgsnd(id, &m, 3, 0) == 0);
  CHECK(msgrcv(id, &m, 100, 8, 0) == 3);
  wait_for(pid);
  int sent = 0;
  while (msgsnd(id, &m, 100, IPC_NOWAIT) == 0) sent++;
  CHECK(errno == EAGAIN && sent == 163);
  if ((pid = fork()) == 0) {
    m.type = 5;
    CHECK(msgsnd(id, &m, 100, 0) == 0);
    _exit(0);
  }
  usleep(10000);
  for (int i = 0; i < sent; i++) CHECK(msgrcv(id, &m, 100, 8, 0) == 100);
  CHECK(msgrcv(id, &m, 100, 5, 0) == 100);
  wait_for(pid);
  if ((pid = fork()) == 0) {
    /* EINVAL when it comes too late. */
    CHECK(msgrcv(id, &m, 100, 0, 0) == -1 && (errno == EIDRM || errno == EINVAL));
    _exit(0);
  }
  usleep(10000);
  CHECK(msgctl(id, IPC_RMID, 0) == 0);
  wait_for(pid);
  CHECK(msgctl(id, IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM));
}

int main(void) {
  shared_memory();
  semaphores();
  messages();
  printf("ipc: ok\n");
  return 0;
}
