/* Programs that write code and run it: into writable and executable pages, by toggling rights, through a second mapping, into themselves; and one page at two addresses as data. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

typedef int (*function)(int);
enum { PAGE = 4096 };

/* The compiler does not know that two addresses may be one place. */
#define SEEN __asm__ volatile("" ::: "memory")

/* mov eax, imm32; add eax, edi; ret */
static void emit(unsigned char *at, int value) {
  at[0] = 0xb8;
  memcpy(at + 1, &value, 4);
  memcpy(at + 5, "\x01\xf8\xc3", 3);
}

static void writable_and_executable(void) {
  unsigned char *code = mmap(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 300; i++) {
    emit(code + 16 * (i % 4), i);
    CHECK(((function)(code + 16 * (i % 4)))(7) == i + 7);
  }
  munmap(code, PAGE);
}

static void toggled(void) {
  unsigned char *code = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 50; i++) {
    emit(code, i);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(((function)code)(1) == i + 1);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
  }
  munmap(code, PAGE);
}

/* A loop that counts up an immediate of its own: inc dword [rip - 9] would be in the way of disassemblers, so the address comes in rsi. */
static void modifies_itself(void) {
  unsigned char *code = mmap(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  /* 0: mov eax, 0 ; 5: inc dword [rsi] ; 7: dec edi ; 9: jnz 0 ; 11: ret   with rsi = code + 1 */
  memcpy(code, "\xb8\0\0\0\0\xff\x06\xff\xcf\x75\xf5\xc3", 12);
  int last = ((int (*)(int, void *))code)(20, code + 1);
  CHECK(last == 19);
  CHECK(code[1] == 20);
  munmap(code, PAGE);
}

static void two_views(void) {
  int fd = memfd_create("views", 0);
  CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
  unsigned char *write = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char *execute = mmap(0, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  CHECK(write != MAP_FAILED && execute != MAP_FAILED && write != execute);
  for (int i = 0; i < 100; i++) {
    emit(write + 16 * (i % 3), i);
    CHECK(((function)(execute + 16 * (i % 3)))(3) == i + 3);
    CHECK(memcmp(write, execute, 64) == 0);
  }
  /* Code that patches itself through the other view. */
  memcpy(write + 512, "\xb8\0\0\0\0\xff\x06\xff\xcf\x75\xf5\xc3", 12);
  CHECK(((int (*)(int, void *))(execute + 512))(20, write + 513) == 19);
  CHECK(execute[513] == 20);
  munmap(write, 2 * PAGE);
  CHECK(((function)execute)(0) == 99);
  munmap(execute, 2 * PAGE);
  close(fd);
}

/* A ring buffer whose end is followed by its start. */
static void ring(void) {
  enum { SIZE = 4 * PAGE };
  int fd = memfd_create("ring", 0);
  CHECK(ftruncate(fd, SIZE) == 0);
  unsigned char *room = mmap(0, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mmap(room, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == room);
  CHECK(mmap(room + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == room + SIZE);
  uint32_t written = 0, taken = 0;
  unsigned head = 0, tail = 0;
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < 350; i++, head = (head + 4) % SIZE) memcpy(room + head, &written, 4), written++;
    for (int i = 0; i < 350; i++, tail = (tail + 4) % SIZE, taken++) CHECK(*(uint32_t *)(room + tail + SIZE) == taken);
  }
  memset(room + SIZE - 10, 'x', 20);
  SEEN;
  CHECK(!memcmp(room, "xxxxxxxxxx", 10) && !memcmp(room + 2 * SIZE - 10, "xxxxxxxxxx", 10));
  /* Across the border at once. */
  *(volatile uint64_t *)(room + SIZE - 4) = 0x1122334455667788;
  CHECK(*(volatile uint32_t *)room == 0x11223344 && *(volatile uint32_t *)(room + 2 * SIZE - 4) == 0x55667788);
  /* The kernel sees one page, whatever the address. */
  room[5] = 'k'; SEEN;
  int ends[2];
  CHECK(pipe(ends) == 0 && write(ends[1], room + SIZE + 5, 1) == 1 && read(ends[0], room + 6, 1) == 1);
  CHECK(room[SIZE + 6] == 'k');
  unsigned char byte;
  CHECK(pread(fd, &byte, 1, 6) == 1 && byte == 'k');
  CHECK(pwrite(fd, "w", 1, 7) == 1 && room[7] == 'w' && room[SIZE + 7] == 'w');
  /* A child shares all views. */
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(room[SIZE + 7] == 'w');
    room[SIZE + 8] = 'c'; SEEN;
    CHECK(room[8] == 'c');
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(room[8] == 'c' && room[SIZE + 8] == 'c');
  /* Rights are those of each view. */
  CHECK(mprotect(room + SIZE, SIZE, PROT_READ) == 0);
  room[9] = 'r'; SEEN;
  CHECK(room[SIZE + 9] == 'r');
  CHECK(munmap(room, SIZE) == 0 && room[SIZE + 9] == 'r');
  CHECK(mprotect(room + SIZE, SIZE, PROT_READ | PROT_WRITE) == 0);
  unsigned char *second = mremap(room + SIZE + PAGE, 0, PAGE, MREMAP_MAYMOVE);
  CHECK(second != MAP_FAILED && second != room + SIZE + PAGE);
  second[1] = 's'; SEEN;
  CHECK(room[SIZE + PAGE + 1] == 's');
  munmap(second, PAGE);
  munmap(room + SIZE, SIZE);
  close(fd);
}

static volatile unsigned char *guarded;

static void repair(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  CHECK(info->si_addr == (void *)(guarded + 3) && info->si_code == SEGV_ACCERR);
  CHECK(mprotect((void *)guarded, PAGE, PROT_READ | PROT_WRITE) == 0);
}

/* A view that may not be written still says so. */
static void read_only_view(void) {
  int fd = memfd_create("guard", 0);
  CHECK(ftruncate(fd, PAGE) == 0);
  unsigned char *view = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  guarded = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  view[3] = 1; SEEN;
  struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, 0);
  guarded[3] = 2; SEEN;
  CHECK(view[3] == 2);
  close(fd);
}

int main(void) {
  writable_and_executable();
  toggled();
  modifies_itself();
  two_views();
  ring();
  read_only_view();
  puts("writtencode: ok");
  return 0;
}
