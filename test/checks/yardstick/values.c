/* Values that are undefined in part, and what is made of them. */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <stdint.h>
#include <emmintrin.h>
static volatile int zero;
static void vec(void)
{
    float *p = malloc(16);
    __m128 v = _mm_loadu_ps(p);
    float out[4];
    _mm_storeu_ps(out, v);
    if (out[zero + 1] > 1) puts("v");
    __m128i i = _mm_loadu_si128((__m128i *)p);
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(i, _mm_setzero_si128())) == 0xffff) puts("z");
    char *c = malloc(20);
    memset(c, 1, 20);
    __m128i j = _mm_loadu_si128((__m128i *)(c + 5));
    if (_mm_cvtsi128_si32(j) == 3) puts("3");
    free(p);
    free(c);
}
static void big(void)
{
    char *p = malloc(300000);
    if (p[299999] == 5) puts("5");
    p[300000] = 1;
    p[-1] = 1;
    p = realloc(p, 600000);
    if (p[599999]) puts("x");
    free(p);
    p[100000] = 4;
}
static void bits(void)
{
    uint32_t *u = malloc(8);
    uint32_t x = u[0];
    if ((x & 0) == 1) puts("no");
    if ((x | 0xffffffff) == 1) puts("no");
    if ((x & 1) == 1) puts("bit");
    x = (x << 16) | 5;
    if ((x & 0xff) == 5) puts("five");
    if (x > 0x10000000) puts("big");
    if ((x >> 20) == 3) puts("three");
    uint64_t y = ((uint64_t)u[1] << 32) | 7;
    if ((uint32_t)y == 7) puts("seven");
    if (y >> 40) puts("high");
    free(u);
}
static int table[256];
static void look(void)
{
    unsigned char *c = malloc(1);
    if (table[*c] == 7) puts("7");
    free(c);
}
static void (*fp[4])(void) = {vec, big, bits, look};
static void target(void)
{
    unsigned *c = malloc(4);
    fp[*c & 3 & zero]();
    void (**g)(void) = malloc(8);
    *g = look;
    (*g)();
    free(g);
    free(c);
}
static void pass(int a, int b) { if (b == 4) puts("b"); }
static void args(void) { int x; pass(1, *(&x + zero)); }
static void sw(void) { int *s = malloc(4); switch (*s & 7) { case 0: puts("0"); break; case 1: puts("one"); break; case 2: puts("two!"); break; case 3: puts("3333"); break; case 4: puts("four."); break; case 5: puts("555555"); } free(s); }
static void loop(void) { int *n = malloc(4); for (int i = 0; i < (*n & 3); i++) zero = 0; free(n); }
static void mul(void) { int *n = malloc(4); int r = *n * 3 + 1; if (r == 7) puts("7"); r = *n / 3; if (r == 9) puts("9"); free(n); }
static void strs(void) { char *s = malloc(10); memset(s, 'a', 5); if (strlen(s) == 5) puts("5"); char t[20]; strcpy(t, s); if (t[3] == 'a') puts("a"); if (t[7] == 'a') puts("x"); free(s); }
int main(void) { vec(); big(); bits(); look(); target(); args(); sw(); loop(); mul(); strs(); return 0; }
