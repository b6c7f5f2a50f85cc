/* Prints what a program can find out about its processor: CPUID, XCR0, the auxiliary vector, and the flags in /proc/cpuinfo. */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static void leaf(unsigned n, unsigned subleaf) {
  unsigned eax, ebx, ecx, edx;
  __cpuid_count(n, subleaf, eax, ebx, ecx, edx);
  printf("%#x.%u %#x %#x %#x %#x\n", n, subleaf, eax, ebx, ecx, edx);
}

int main(void) {
  leaf(0, 0);
  leaf(1, 0);
  leaf(7, 0);
  leaf(13, 0);
  leaf(0x80000001, 0);
  unsigned eax, ebx, ecx, edx;
  __cpuid(1, eax, ebx, ecx, edx);
  if (ecx >> 27 & 1) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    printf("xcr0 %#x\n", low);
  }
  /* The C library answers getauxval with values of its own. */
  unsigned long entry[2];
  FILE *vector = fopen("/proc/self/auxv", "r");
  while (fread(entry, sizeof entry, 1, vector) == 1) {
    if (entry[0] == AT_HWCAP) printf("hwcap %#lx\n", entry[1]);
    if (entry[0] == AT_HWCAP2) printf("second %#lx\n", entry[1]);
  }
  __builtin_cpu_init();
  printf("levels %d %d %d\n", !!__builtin_cpu_supports("x86-64"), !!__builtin_cpu_supports("x86-64-v2"), !!__builtin_cpu_supports("x86-64-v3"));
  char line[8192];
  FILE *info = fopen("/proc/cpuinfo", "r");
  while (fgets(line, sizeof line, info))
    if (!strncmp(line, "flags", 5)) {
      fputs(line, stdout);
      break;
    }
  return 0;
}
