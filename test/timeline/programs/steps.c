// Lines to step through: calls within calls, loops, recursion, a function pointer, a function of the C library, several calls in a line.
#include <stdio.h>
#include <string.h>

static int depth;

static int leaf(int x) {
  int y = x * 2;
  return y + 1;
}

static int twice(int x) {
  int a = leaf(x);
  int b = leaf(a);
  return a + b;
}

static int down(int n) {
  depth++;
  if (n == 0) return 0;
  int below = down(n - 1);
  return below + n;
}

static int many(int (*f)(int), int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) {
    sum += f(i);
  }
  return sum;
}

int main(void) {
  char text[32];
  int total = twice(3);
  total += leaf(1) + leaf(2);
  total += down(3);
  total += many(leaf, 3);
  strcpy(text, "steps");
  total += (int)strlen(text);
  printf("%d %d\n", total, depth);
  return 0;
}
