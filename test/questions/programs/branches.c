// All kinds of branches and loops, for counts of lines and outcomes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int classify(int n) {
  switch (n % 5) {
  case 0:
    return 1;
  case 1:
  case 2:
    return n > 10 ? 2 : 3;
  default:
    break;
  }
  if (n < 20 && (n & 1))
    return 4;
  return 5;
}

static inline long triangle(int n) {
  long sum = 0;
  for (int i = 1; i <= n; i++)
    sum += i;
  return sum;
}

int main(int argc, char **argv) {
  int seen[6] = {0};
  int limit = argc > 1 ? atoi(argv[1]) : 37;
  for (int i = 0; i < limit; i++)
    seen[classify(i)]++;
  int i = 0;
  while (i < 6) {
    if (seen[i] == 0) {
      i++;
      continue;
    }
    printf("%d: %d\n", i, seen[i]);
    i++;
  }
  do {
    i--;
  } while (i > 0);
  if (triangle(limit) == 0)
    abort();
  printf("%ld\n", triangle(3) + triangle(4));
  return 0;
}
