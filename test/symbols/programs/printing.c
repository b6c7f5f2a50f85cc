// Exists to crash inside the C library with functions of its own below.
#include <stdio.h>
__attribute__((noinline)) int inner(char *p) { return printf("%s %s", p, (char *)8L) + 1; }
__attribute__((noinline)) int outer(int n) { char b[64]; for (int i = 0; i < 63; i++) b[i] = 65 + n; b[63] = 0; return inner(b) + 1; }
int main(int count, char **arguments) { return outer(count) + 1; }
