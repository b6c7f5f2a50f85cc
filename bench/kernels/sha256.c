/** SHA-256 over 64 MB: shows integer arithmetic in registers, with rotations, in long straight code. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MEGABYTE (1 << 20)

/* The round constants are the fractions of the cube roots of the first 64 primes, FIPS 180-4, section 4.2.2. */
static uint32_t constants[64];
static uint8_t data[MEGABYTE];

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* floor(2^32 * frac(root(prime))) by bisection in integers: the largest r with r^power <= prime << (32 * power). */
static uint32_t root_fraction(unsigned prime, int power)
{
    unsigned __int128 goal = (unsigned __int128)prime << (power == 2 ? 64 : 96);
    uint64_t low = 0, high = (uint64_t)20 << 32;
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        unsigned __int128 product = (unsigned __int128)mid * mid;
        /* A cube does not fit into 128 bits for large `mid`: divide instead. */
        int fits = power == 2 ? product <= goal : product <= goal / mid;
        if (fits)
            low = mid;
        else
            high = mid;
    }
    return (uint32_t)low;
}

static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int main(int argc, char **argv)
{
    uint64_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
    uint32_t state[8];
    for (unsigned n = 0, candidate = 2; n < 64; candidate++) {
        unsigned divisor = 2;
        while (divisor < candidate && candidate % divisor)
            divisor++;
        if (divisor < candidate)
            continue;
        if (n < 8)
            state[n] = root_fraction(candidate, 2);
        constants[n++] = root_fraction(candidate, 3);
    }
    for (uint32_t i = 0; i < MEGABYTE; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint64_t m = 0; m < megabytes; m++)
        for (uint32_t at = 0; at < MEGABYTE; at += 64)
            compress(state, data + at);
    uint8_t last[64] = {0x80};
    uint64_t bits = megabytes * MEGABYTE * 8;
    for (int i = 0; i < 8; i++)
        last[63 - i] = (uint8_t)(bits >> 8 * i);
    compress(state, last);
    for (int i = 0; i < 8; i++)
        printf("%08x", state[i]);
    putchar('\n');
    return 0;
}
