/** 10 million operations on an open-addressing hash table: shows loads at random addresses and short probe loops. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS (1u << 20)
#define KEYS 800000u

/* Linear probing; key 0 is an empty slot. A deletion moves later entries of the run back, so that no gap is left. */
static struct { uint32_t key, value; } table[SLOTS];

static uint32_t home(uint32_t key) { return (key * 2654435761u) >> 12; }

static uint32_t find(uint32_t key)
{
    uint32_t at = home(key);
    while (table[at].key && table[at].key != key)
        at = (at + 1) % SLOTS;
    return at;
}

static void erase(uint32_t hole)
{
    for (uint32_t at = (hole + 1) % SLOTS; table[at].key; at = (at + 1) % SLOTS)
        if ((at - home(table[at].key)) % SLOTS >= (at - hole) % SLOTS) {
            table[hole] = table[at];
            hole = at;
        }
    table[hole].key = 0;
}

int main(int argc, char **argv)
{
    size_t operations = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    uint64_t random = 88172645463325252u, sum = 0;
    for (size_t n = 0; n < operations; n++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint32_t key = 1 + (uint32_t)(random >> 32) % KEYS, at = find(key);
        if (random % 8 == 0 && table[at].key) {
            erase(at);
        } else if (random % 2) {
            table[at].key = key;
            table[at].value = (uint32_t)n;
        } else if (table[at].key) {
            sum = sum * 31 + table[at].value;
        }
    }
    printf("%016lx\n", (unsigned long)sum);
    return 0;
}
