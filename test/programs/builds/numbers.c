/* Arithmetic of every width and kind, and its conversion to and from text. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Numbers of all magnitudes, edges among them. */
static uint64_t number(void) {
  uint64_t r = next();
  switch (r & 7) {
    case 0: return next() & 3;
    case 1: return -(next() & 3);
    case 2: return 1ull << (next() & 63);
    case 3: return (1ull << (next() & 63)) - 1;
    default: return next() >> (next() & 63);
  }
}

static uint64_t sum;

static void mix(uint64_t x) { sum = (sum << 5 | sum >> 59) ^ x; }

#define INTEGERS(name, type, wide, bits)                              \
  static void name(type a, type b, unsigned n) {                      \
    n &= bits - 1;                                                    \
    mix((uint64_t)(type)(a + b)), mix((uint64_t)(type)(a - b));       \
    mix((uint64_t)(type)((wide)a * (wide)b)), mix(a < b), mix(a == b); \
    mix((uint64_t)(type)((wide)a << n)), mix((uint64_t)(type)(a >> n)); \
    mix((uint64_t)(type)(a & b)), mix((uint64_t)(type)(~a | b));      \
    if (b != 0 && b != (type)-1) mix((uint64_t)(a / b)), mix((uint64_t)(a % b)); \
  }
INTEGERS(u8, uint8_t, uint32_t, 8)
INTEGERS(s8, int8_t, uint32_t, 8)
INTEGERS(u16, uint16_t, uint32_t, 16)
INTEGERS(s16, int16_t, uint32_t, 16)
INTEGERS(u32, uint32_t, uint32_t, 32)
INTEGERS(s32, int32_t, uint32_t, 32)
INTEGERS(u64, uint64_t, uint64_t, 64)
INTEGERS(s64, int64_t, uint64_t, 64)

static void wide(unsigned __int128 a, unsigned __int128 b, unsigned n) {
  unsigned __int128 results[] = {a + b, a - b, a * b, b ? a / b : 0, b ? a % b : 0, a << (n & 127), a >> (n & 127), (unsigned __int128)((__int128)a >> (n & 127)),
                                 b ? (unsigned __int128)((__int128)a / (__int128)(b | 2)) : 0, a < b, (__int128)a < (__int128)b};
  for (unsigned i = 0; i < sizeof results / sizeof *results; i++) mix((uint64_t)results[i]), mix((uint64_t)(results[i] >> 64));
}

static void bits(uint64_t x, uint32_t y) {
  if (x != 0) mix((uint64_t)__builtin_clzll(x)), mix((uint64_t)__builtin_ctzll(x));
  if (y != 0) mix((uint64_t)__builtin_clz(y)), mix((uint64_t)__builtin_ctz(y));
  mix((uint64_t)__builtin_popcountll(x)), mix(__builtin_bswap64(x)), mix(__builtin_bswap32(y)), mix((uint64_t)__builtin_parityll(x));
  mix(x << (y & 63) | x >> (-y & 63)), mix(y << (x & 31) | y >> (-x & 31));
  int64_t signed_sum;
  uint32_t product;
  mix(__builtin_add_overflow((int64_t)x, (int64_t)y << 31, &signed_sum)), mix((uint64_t)signed_sum);
  mix(__builtin_mul_overflow(y, (uint32_t)x, &product)), mix(product);
}

static void floating(uint64_t a, uint64_t b) {
  double x = (double)(int64_t)a, y = (double)b / 3;
  float p = (float)a, q = (float)(int32_t)b / 7;
  long double u = (long double)a / 5, v = (long double)(int64_t)b + 0.25L;
  mix((uint64_t)(int64_t)(y * 0.3)), mix((uint64_t)(int32_t)(q * 0.001f)), mix((uint64_t)(y / 2)), mix((uint64_t)(v / 1024));
  printf("%a %a %a %.9g %La %La\n", x + y, x * y, y == 0 ? 0 : x / y, (double)(p - q), u * v, v == 0 ? 0 : u / v);
  printf("%.17g %d %d %d\n", sqrt(fabs(x)) + floor(y) - ceil((double)q) + fmod(x, 1000), x < y, p >= q, u != v);
}

int main(void) {
  for (int i = 0; i < 3000; i++) {
    uint64_t a = number(), b = number();
    unsigned n = (unsigned)next();
    u8((uint8_t)a, (uint8_t)b, n), s8((int8_t)a, (int8_t)b, n), u16((uint16_t)a, (uint16_t)b, n), s16((int16_t)a, (int16_t)b, n);
    u32((uint32_t)a, (uint32_t)b, n), s32((int32_t)a, (int32_t)b, n), u64(a, b, n), s64((int64_t)a, (int64_t)b, n);
    wide((unsigned __int128)a << 64 | number(), (unsigned __int128)(n & 1 ? number() : 0) << 64 | b, n), bits(a, (uint32_t)b);
    if (i % 60 == 0) floating(a, b);
  }
  printf("%016" PRIx64 "\n", sum);
  const char *texts[] = {"0.1", "1e308", "1e-320", "179769313486231580793e289", "0x1.8p-3", "inf", "nan", "123456789012345678901234567890", "2.2250738585072011e-308"};
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) printf("%.17g %.9g %.21Lg %a\n", strtod(texts[i], NULL), (double)strtof(texts[i], NULL), strtold(texts[i], NULL), atof(texts[i]));
  printf("%lld %llu %ld\n", strtoll("-9223372036854775808", NULL, 10), strtoull("ffffffffffffffff", NULL, 16), strtol("0777", NULL, 0));
  printf("%+.3e|%-12.4f|%012.2f|%#x|%#o|%'d|%5.1f%%|%s\n", 12345.678, 3.14159, -2.5, 255u, 8u, 1234567, 99.95, "end");
  return (int)(sum & 63);
}
