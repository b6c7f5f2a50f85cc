/* Loops that compilers vectorise: widening, narrowing, minima, absolute values, rounding, blends, dot products, searches in text. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 1031

static int8_t bytes[N];
static uint8_t unsignedBytes[N];
static int16_t words[N];
static uint16_t unsignedWords[N];
static int32_t ints[N], others[N];
static int64_t longs[N];
static float floats[N];
static double doubles[N];

static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t hash = 1469598103934665603u;
static void add(const void *data, size_t size) {
  for (size_t i = 0; i < size; i++) hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
}
static void report(const char *what) { printf("%s %016lx\n", what, hash); }

static void fill(void) {
  for (int i = 0; i < N; i++) {
    uint64_t r = next();
    bytes[i] = (int8_t)r;
    unsignedBytes[i] = (uint8_t)(r >> 8);
    words[i] = (int16_t)(r >> 16);
    unsignedWords[i] = (uint16_t)(r >> 24);
    ints[i] = (int32_t)(r >> 20);
    others[i] = (int32_t)(r >> 12);
    longs[i] = (int64_t)next();
    floats[i] = (float)((int64_t)(r & 0xfffff) - 0x80000) / 64.0f;
    doubles[i] = (double)((int64_t)(r >> 30 & 0xffffff) - 0x800000) / 256.0;
  }
}

static void integers(void) {
  int32_t wide[N];
  int64_t widest[N];
  for (int i = 0; i < N; i++) wide[i] = bytes[i] * 3 + unsignedBytes[i];
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) wide[i] = words[i] * unsignedWords[i];
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) wide[i] = ints[i] * others[i];
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) widest[i] = (int64_t)ints[i] * others[i];
  add(widest, sizeof widest);
  for (int i = 0; i < N; i++) wide[i] = ints[i] < others[i] ? ints[i] : others[i];
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) wide[i] = (uint32_t)ints[i] > (uint32_t)others[i] ? ints[i] : others[i];
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) wide[i] = abs(ints[i] >> 1) + abs(bytes[i]);
  add(wide, sizeof wide);
  for (int i = 0; i < N; i++) widest[i] = longs[i] > 0 ? longs[i] : -(longs[i] >> 1);
  add(widest, sizeof widest);
  for (int i = 0; i < N; i++) widest[i] = longs[i] == (int64_t)ints[i] * 2 ? 1 : bytes[i];
  add(widest, sizeof widest);
  uint16_t narrow[N];
  for (int i = 0; i < N; i++) narrow[i] = (uint16_t)(ints[i] < 0 ? 0 : ints[i] > 65535 ? 65535 : ints[i]);
  add(narrow, sizeof narrow);
  int8_t reversed[N];
  for (int i = 0; i < N; i++) reversed[i] = bytes[N - 1 - i];
  add(reversed, sizeof reversed);
  unsigned count = 0;
  for (int i = 0; i < N; i++) count += (unsigned)__builtin_popcountll((uint64_t)longs[i]) + (unsigned)(unsignedBytes[i] == 17);
  add(&count, sizeof count);
  report("integers");
}

/* Every result is exact, so that no order of additions can change it. */
static void floating(void) {
  float rounded[N];
  double results[N];
  for (int i = 0; i < N; i++) rounded[i] = floorf(floats[i]) + ceilf(floats[i] * 0.5f);
  add(rounded, sizeof rounded);
  for (int i = 0; i < N; i++) results[i] = trunc(doubles[i]) - nearbyint(doubles[i] * 0.5);
  add(results, sizeof results);
  for (int i = 0; i < N; i++) results[i] = doubles[i] < 0 ? -doubles[i] : doubles[i] * 2;
  add(results, sizeof results);
  float sum = 0;
  for (int i = 0; i < N; i++) sum += floorf(floats[i]) * (float)(i & 3);
  add(&sum, sizeof sum);
  double complexes[N + 1];
  for (int i = 0; i + 1 < N; i += 2) {
    complexes[i] = doubles[i] * 2 - doubles[i + 1] * 4;
    complexes[i + 1] = doubles[i] * 4 + doubles[i + 1] * 2;
  }
  complexes[N - 1] = complexes[N] = 0;
  add(complexes, sizeof complexes);
  report("floating");
}

static void text(void) {
  char line[512];
  size_t total = 0;
  for (int round = 0; round < 200; round++) {
    size_t length = next() % 300;
    for (size_t i = 0; i < length; i++) line[i] = (char)("abcdefgh ,;:\nXYZ"[next() & 15]);
    line[length] = 0;
    total = total * 31 + strspn(line, "abcdefghXYZ ,");
    total = total * 31 + strcspn(line, ":\n");
    total = total * 31 + strcspn(line, "Z");
    char *found = strpbrk(line, ";:XYZ\n");
    total = total * 31 + (found ? (size_t)(found - line) : 999);
    found = strstr(line, "ab");
    total = total * 31 + (found ? (size_t)(found - line) : 999);
    char copy[512];
    strcpy(copy, line);
    if (length > 3) copy[length - 2] ^= 32;
    total = total * 31 + (size_t)(strcasecmp(line, copy) == 0) + 2 * (size_t)(strncasecmp(line, copy, length / 2) == 0);
    total = total * 31 + (size_t)((strcmp(line, copy) > 0) + 2 * (strncmp(line, copy, length) > 0) + 4 * (memcmp(line, copy, length) > 0));
    for (char *token = strtok(copy, " ,;:\n"); token; token = strtok(NULL, " ,;:\n")) total = total * 31 + strlen(token);
  }
  add(&total, sizeof total);
  report("text");
}

int main(void) {
  for (int round = 0; round < 3; round++) {
    fill();
    integers();
    floating();
    text();
  }
  return 0;
}
