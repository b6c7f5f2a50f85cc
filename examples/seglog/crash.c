/*
 * A test for losses of power: operations that follow from their numbers, and a check of what is left of them.
 *
 *     crash DIRECTORY OPERATIONS      performs them; DIRECTORY.acked has the number of the last one that was synced
 *     crash DIRECTORY check           the store must be as it was after that one, or after a later one, and must work
 *
 * BUG=no-fsync-rename brings an old bug back.
 */
#define _GNU_SOURCE
#include "seglog.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS 12
#define MOST 100000

struct value {
    int size; /* -1: there is none */
    unsigned char bytes[VALUE_SIZE];
};

static struct value model[KEYS];
static struct value found[KEYS];

static uint32_t drawn(uint32_t number, uint32_t salt)
{
    uint64_t x = ((uint64_t)number << 32 | salt) * 0x9e3779b97f4a7c15ull;
    x ^= x >> 29;
    return (uint32_t)((x * 0xbf58476d1ce4e5b9ull) >> 33);
}

static void name_of(int key, char *name)
{
    snprintf(name, KEY_SIZE, "key-%d", key);
}

/* What operation `number`, from 1 on, makes of the model; its key. */
static int operate(uint32_t number)
{
    int key = (int)(drawn(number, 1) % KEYS);
    uint32_t how = drawn(number, 2) % 16;
    struct value *value = &model[key];
    if (how < 2) {
        value->size = -1;
        return key;
    }
    value->size = how == 2 ? INLINE_SIZE + 1 + (int)(drawn(number, 3) % (VALUE_SIZE - INLINE_SIZE)) : 24;
    for (int at = 0; at < value->size; at++)
        value->bytes[at] = (unsigned char)drawn(number, 4 + (uint32_t)at);
    return key;
}

static int is_found(void)
{
    for (int key = 0; key < KEYS; key++)
        if (found[key].size != model[key].size ||
            (model[key].size > 0 && memcmp(found[key].bytes, model[key].bytes, (size_t)model[key].size) != 0))
            return 0;
    return 1;
}

static int perform(struct seglog *log, uint32_t operations, int acked)
{
    for (uint32_t number = 1; number <= operations; number++) {
        char name[KEY_SIZE];
        int key = operate(number);
        name_of(key, name);
        int ret = model[key].size < 0 ? seglog_delete(log, name)
                                      : seglog_set(log, name, model[key].bytes, (size_t)model[key].size);
        if (ret == 0 && drawn(number, 0) % 8 == 0) {
            ret = seglog_sync(log);
            if (ret == 0 && pwrite(acked, &number, sizeof number, 0) != sizeof number)
                ret = -1;
        }
        if (ret != 0) {
            perror("seglog");
            return 1;
        }
    }
    return 0;
}

static int check(struct seglog *log, int acked)
{
    uint32_t least = 0;
    if (acked >= 0 && pread(acked, &least, sizeof least, 0) < 0)
        return 2;
    for (int key = 0; key < KEYS; key++) {
        char name[KEY_SIZE];
        name_of(key, name);
        found[key].size = seglog_get(log, name, found[key].bytes);
    }
    uint32_t number = 0;
    while (number < MOST && (number < least || !is_found()))
        operate(++number);
    if (number == MOST) {
        fprintf(stderr, "the store is as it never was after operation %u, which was synced\n", least);
        return 1;
    }
    printf("as after operation %u, synced was %u\n", number, least);
    if (seglog_set(log, "key-0", "again", 5) != 0) {
        perror("seglog_set after recovery");
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: crash DIRECTORY OPERATIONS|check\n");
        return 2;
    }
    const char *bug = getenv("BUG");
    int bugs = bug != NULL && strcmp(bug, "no-fsync-rename") == 0 ? BUG_NO_FSYNC_RENAME : 0;
    int is_check = strcmp(argv[2], "check") == 0;
    char name[4096];
    snprintf(name, sizeof name, "%s.acked", argv[1]);
    int acked = open(name, is_check ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC, 0644);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    mkdirat(here, argv[1], 0755);
    if (here < 0 || (!is_check && fsync(here) != 0))
        return 2;
    for (int key = 0; key < KEYS; key++)
        model[key].size = -1;
    struct seglog *log = seglog_open(argv[1], bugs);
    int ret = is_check ? check(log, acked) : perform(log, (uint32_t)atoi(argv[2]), acked);
    if (seglog_close(log) != 0 && ret == 0) {
        fprintf(stderr, "the log cannot be closed\n");
        ret = 1;
    }
    return ret;
}
