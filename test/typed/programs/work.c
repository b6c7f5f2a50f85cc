/** Computes with structures, loops, inlined helpers and floating-point numbers, so that variables live in all sorts of places. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

char scratch[8192];

struct pair {
  long first;
  int second;
};
struct tree {
  struct tree *left, *right;
  int key;
  char label[8];
};
enum order { LESS = -1, EQUAL, MORE };
typedef double vector[3];

static int limit = 100;
__thread int per_thread = 4;

static inline struct pair make(long first, int second) {
  struct pair result = {first, second};
  return result;
}

static inline enum order compare(int a, int b) {
  enum order order = a < b ? LESS : a == b ? EQUAL : MORE;
  return order;
}

static inline int clamp(int value, int low, int high) {
  int result = value;
  if (compare(result, low) == LESS) result = low;
  if (compare(result, high) == MORE) result = high;
  return result;
}

static struct tree *insert(struct tree *tree, int key, struct tree *fresh) {
  if (tree == NULL) {
    fresh->key = key;
    fresh->left = fresh->right = NULL;
    memset(fresh->label, 'a' + key % 26, sizeof fresh->label - 1);
    return fresh;
  }
  enum order order = compare(key, tree->key);
  switch (order) {
    case LESS:
      tree->left = insert(tree->left, key, fresh);
      break;
    case MORE:
      tree->right = insert(tree->right, key, fresh);
      break;
    default:;
  }
  return tree;
}

__attribute__((noinline)) static double norm(const vector v, int power) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    double term = v[i];
    for (int k = 1; k < power; k++) term *= v[i];
    sum += term;
  }
  float narrow = (float)sum;
  return sum + narrow;
}

__attribute__((noinline)) static long sum_pairs(const struct pair *pairs, size_t count) {
  long total = 0;
  for (const struct pair *end = pairs + count; pairs < end; pairs++) {
    long product = pairs->first * pairs->second;
    total += product;
    if (total > 1000000) {
      int shift = 3;
      unsigned long masked = (unsigned long)total >> shift;
      total = (long)masked;
    }
  }
  return total;
}

__attribute__((noinline)) static int parse(const char *text, uint8_t *out, int room) {
  int written = 0;
  int state = 0;
  unsigned value = 0;
  while (*text != 0 && written < room) {
    char c = *text++;
    if (c >= '0' && c <= '9') {
      value = value * 10 + (unsigned)(c - '0');
      state = 1;
    } else if (state == 1) {
      out[written++] = (uint8_t)value;
      value = 0;
      state = 0;
    }
  }
  return written;
}

__attribute__((noinline)) static uint32_t hash(const void *data, size_t length) {
  const unsigned char *at = data;
  uint32_t value = 2166136261u;
  while (length-- > 0) {
    value ^= *at++;
    value *= 16777619u;
  }
  return value;
}

static int fill(int count) {
  int table[count + 1];
  int best = 0;
  for (int i = 0; i <= count; i++) {
    table[i] = clamp(i * i - 3 * i, -limit, limit);
    if (table[i] > table[best]) best = i;
  }
  return table[best] + per_thread;
}

__attribute__((noinline)) int deep(int depth, struct pair passed, double scale) {
  static int calls;
  calls++;
  if (depth == 0) return (int)(passed.first * scale);
  struct pair next = make(passed.first + depth, clamp(passed.second - 1, 0, 50));
  int result = deep(depth - 1, next, scale * 1.5);
  return result + next.second;
}

int main(int argc, char **argv) {
  struct pair pairs[6];
  struct tree nodes[8];
  struct tree *root = NULL;
  for (int i = 0; i < 6; i++) pairs[i] = make(i * 1000L * argc, i);
  for (int i = 0; i < 8; i++) root = insert(root, (i * 5) % 8, &nodes[i]);
  vector v = {1.5, 2.5, argc};
  uint8_t bytes[16];
  int parsed = parse("12,34 56;", bytes, sizeof bytes);
  long total = sum_pairs(pairs, 6) + (long)norm(v, 3) + parsed + fill(argc + 6) + root->key;
  total += deep(5, pairs[2], 2.0) + (long)hash(bytes, (size_t)parsed) + (argv == NULL);
  memset(scratch, 'x', 64);
  raise(SIGABRT);
  return (int)(total & 0xff);
}
