/* Strings, memory and the allocator: the C library's vector code on every alignment and length. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static unsigned seed = 1;

static unsigned next(void) { return seed = seed * 1103515245u + 12345u, seed >> 8; }

static unsigned long sum;

static void mix(unsigned long x) { sum = sum * 31 + x; }

static int by_value(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int sign(int x) { return (x > 0) - (x < 0); }

static void strings(void) {
  static char a[600], b[600];
  for (int round = 0; round < 400; round++) {
    unsigned at = next() % 64, to = next() % 64, length = next() % 400;
    for (unsigned i = 0; i < sizeof a; i++) a[i] = (char)('a' + next() % 20), b[i] = a[i];
    a[at + length] = 0, b[at + length] = 0;
    if (length > 0) b[at + next() % length] ^= (char)(next() & 1);
    mix(strlen(a + at)), mix((unsigned long)sign(strcmp(a + at, b + at))), mix((unsigned long)sign(memcmp(a + at, b + at, length)));
    mix((unsigned long)sign(strncmp(a + at, b + at, length / 2))), mix((unsigned long)sign(strcasecmp(a + at, b + at)));
    char *found = strchr(a + at, 'k'), *last = strrchr(a + at, 'k'), *byte = memchr(a + at, 'q', length), *back = memrchr(a + at, 'q', length);
    mix((unsigned long)(found ? found - a : -1)), mix((unsigned long)(last ? last - a : -1)), mix((unsigned long)(byte ? byte - a : -1)), mix((unsigned long)(back ? back - a : -1));
    found = strstr(a + at, "ab"), last = strpbrk(a + at, "xyzt"), mix((unsigned long)(found ? found - a : -1)), mix((unsigned long)(last ? last - a : -1));
    mix(strspn(a + at, "abcdefghijklm")), mix(strcspn(a + at, "st")), mix(strnlen(a + at, length / 3));
    memmove(b + to, b + at, length % 300), memcpy(a + to, b, length % 64), memset(b + at, (int)length, length % 97);
    strcpy(b, a + at), strncat(b, "tail", length % 5), mix(strlen(b)), mix((unsigned long)(stpcpy(b, "word") - b));
    for (unsigned i = 0; i < sizeof a; i++) mix((unsigned char)a[i] ^ (unsigned long)(unsigned char)b[i] << 8);
  }
  wchar_t wide[100];
  for (int i = 0; i < 99; i++) wide[i] = L'a' + i % 26;
  wide[99] = 0;
  mix(wcslen(wide)), mix((unsigned long)(wcschr(wide, L'z') - wide)), mix((unsigned long)sign(wcscmp(wide, wide + 26)));
}

static void allocations(void) {
  char *blocks[200] = {0};
  size_t sizes[200] = {0};
  for (int round = 0; round < 5000; round++) {
    unsigned i = next() % 200;
    if (blocks[i] != NULL)
      for (size_t j = 0; j < sizes[i]; j += 37) mix((unsigned char)blocks[i][j]);
    if (next() % 3 == 0) {
      free(blocks[i]), blocks[i] = NULL, sizes[i] = 0;
      continue;
    }
    size_t size = next() % 20 == 0 ? next() % 300000 : next() % 500, kept = size < sizes[i] ? size : sizes[i];
    blocks[i] = realloc(blocks[i], size + 1);
    memset(blocks[i] + kept, (int)round, size - kept), sizes[i] = size;
  }
  for (int i = 0; i < 200; i++) free(blocks[i]);
}

int main(void) {
  strings();
  allocations();
  int numbers[1000];
  char *words[300], line[100];
  for (int i = 0; i < 1000; i++) numbers[i] = (int)(next() % 5000) - 2500;
  qsort(numbers, 1000, sizeof *numbers, by_value);
  for (int i = 0; i < 1000; i++) mix((unsigned)numbers[i]);
  int key = numbers[500];
  mix(*(int *)bsearch(&key, numbers, 1000, sizeof *numbers, by_value) == key);
  for (int i = 0; i < 300; i++) snprintf(line, sizeof line, "%x-%s", next() % 1000, i % 2 ? "odd" : "even"), words[i] = strdup(line);
  qsort(words, 300, sizeof *words, by_text);
  for (int i = 0; i < 300; i += 50) puts(words[i]);
  for (int i = 0; i < 300; i++) free(words[i]);
  char copy[] = "one, two;three  four", *rest = copy;
  for (char *word; (word = strsep(&rest, ",; ")) != NULL;) printf("[%s]", word);
  int day, year;
  char month[10];
  double value;
  printf("\n%d", sscanf("14 March 1592 6.5e3", "%d %9s %d %lf", &day, month, &year, &value));
  printf(" %d %s %d %g %c%c\n", day, month, year, value, toupper('x'), isdigit('7') ? 'd' : '-');
  printf("%016lx\n", sum);
  return 0;
}
