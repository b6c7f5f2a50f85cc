// Exists to have source lines in several functions, files and sections, with inlined calls and code that the linker discards.
#include <stdio.h>
#include "lines.h"
static int first(int x) { return twice(x) + 1; }
static inline __attribute__((always_inline)) int second(int x) {
  int y = first(x);
  return thrice(y) + first(y + 1);
}
__attribute__((section(".text.elsewhere"), noinline)) int elsewhere(int x) { return second(x) * 2; }
__attribute__((noinline)) int unused(int x) { return second(x) * 3; }
__attribute__((cold, noinline)) static void rare(int x) { printf("%d\n", thrice(x)); }
int main(int count, char **arguments) {
  if (count > 7) rare(count);
  return elsewhere(count) + second((int)(long)arguments[0]) > 5;
}
