/* Maps and unmaps memory of all kinds as often as its argument says, makes and ends threads and children, then waits for ever. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *arg) { return arg; }

int main(int argc, char **argv) {
  int pairs = atoi(argv[1]);
  int file = memfd_create("pairs", 0);
  ftruncate(file, 65536);
  for (int i = 0; i < pairs; i++) {
    size_t length = 4096 * (1 + i % 16);
    char *p = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1;
    if (i % 4 == 0) p = mremap(p, length, length + 4096, MREMAP_MAYMOVE), length += 4096;
    mprotect(p, 4096, PROT_READ);
    munmap(p, length);
    char *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096 * (i % 16));
    s[5] = i;
    munmap(s, 4096);
    if (i % 50 == 0) {
      char *shared = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
      char *segment = shmat(id, 0, 0);
      shmctl(id, IPC_RMID, 0);
      segment[0] = shared[0] = 1;
      shmdt(segment);
      pthread_t thread;
      pthread_create(&thread, 0, nothing, 0);
      pthread_join(thread, 0);
      munmap(shared, 8192);
    }
    if (i % 200 == 0) {
      pid_t pid = fork();
      if (pid == 0) _exit(0);
      waitpid(pid, 0, 0);
    }
  }
  for (;;) pause();
}
