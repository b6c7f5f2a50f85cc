/* Strings in blocks that are larger: what their functions read behind the ends is undefined, and what they find out is not, but where a character that counts is undefined. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long sum;

static void look(const char *one, const char *other, int letter) {
  sum += strlen(one);
  sum += strchr(one, letter) != 0;
  sum += strcmp(one, other) < 0;
  sum += strncmp(one, other, 5) < 0;
  sum += strcoll(one, other) < 0;
  sum += memchr(one, letter, 4) != 0;
  sum += strspn(one, "abc");
  sum += strrchr(one, letter) != 0;
}

int main(int argc, char **argv) {
  char *one = malloc(100), *other = malloc(100), *bad = malloc(100);
  char text[64];
  for (int i = 0; i < 250; i++) {
    free(one);
    one = malloc(40 + i % 50);
    snprintf(one, 40, "abcab%d", i);
    snprintf(other, 40, "abcab%d%d", i, i);
    strcpy(text, other);
    strcat(text, one);
    look(one, other, 'b');
    look(one, one + 2, '1');
    look(text, one, 'x');
  }
  /* The third character counts. */
  strcpy(bad, "ab");
  bad[3] = 'd';
  bad[2] = malloc(4) ? ((char *)malloc(8))[3] : 0;
  if (argc > 1) look(bad, bad + 1, 'd');
  free(bad);
  return sum == 0;
}
