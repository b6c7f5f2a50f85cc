/*
 * Executes single x87 instructions on the processor: the oracle of the x87 tests.
 *
 * Reads records from standard input and writes one result for each to standard output, both as packed structs in native byte order.
 * A record gives the instruction's bytes (its memory operand, if any, is addressed by RDI), the first 160 bytes of an FXSAVE image
 * (control, status and tag words, ST0-ST7), EFLAGS and the memory. The result is the same state afterwards, and the signal raised or 0.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct record {
  uint8_t code[16];
  uint8_t fx[160];
  uint64_t flags;
  uint64_t rax;
  uint8_t memory[112];
};

struct result {
  uint8_t fx[160];
  uint64_t flags;
  uint64_t rax;
  uint8_t memory[112];
  uint64_t signal;
};

static sigjmp_buf recover;

static void on_signal(int number) { siglongjmp(recover, number); }

static uint8_t image[512] __attribute__((aligned(16)));
static uint8_t after[512] __attribute__((aligned(16)));
static uint8_t memory[112] __attribute__((aligned(16)));
/* Not on the stack: they must survive the longjmp. */
static uint64_t flags, rax;

int main(void) {
  uint8_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGFPE, on_signal);
  signal(SIGILL, on_signal);
  signal(SIGSEGV, on_signal);
  struct record in;
  struct result out;
  while (fread(&in, sizeof in, 1, stdin) == 1) {
    memcpy(code, in.code, 15);
    /* The instruction is followed by RET; the unused bytes are zero, and no x87 instruction needs its zero bytes kept. */
    int length = in.code[15];
    code[length] = 0xc3;
    memset(image, 0, sizeof image);
    memcpy(image, in.fx, 160);
    uint32_t mxcsr = 0x1f80;
    memcpy(image + 24, &mxcsr, 4);
    memcpy(memory, in.memory, sizeof memory);
    flags = in.flags;
    rax = in.rax;
    int number = sigsetjmp(recover, 1);
    if (number == 0) {
      __asm__ volatile(
          "fxrstor64 %[image]\n\t"
          "push %[flags]\n\tpopfq\n\t"
          "call *%[code]\n\t"
          "fxsave64 %[after]\n\t"
          "pushfq\n\tpop %[flags]\n\t"
          "fninit\n\t"
          : [flags] "+b"(flags), [after] "=m"(after), "+a"(rax)
          : [image] "m"(image), [code] "r"(code), "D"(memory)
          : "memory", "cc", "rcx", "rdx", "rsi");
    } else {
      __asm__ volatile("fxsave64 %0\n\tfninit" : "=m"(after));
    }
    memcpy(out.fx, after, 160);
    out.flags = flags;
    out.rax = rax;
    memcpy(out.memory, memory, sizeof memory);
    out.signal = number;
    fwrite(&out, sizeof out, 1, stdout);
  }
  return 0;
}
