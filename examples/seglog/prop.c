/*
 * A property test: random operations on a store and on a model, which must agree after every restart.
 *
 *     prop [DIRECTORY [OPERATIONS [SEED]]]
 *
 * Without SEED it draws one, as property tests do. BUG=pad and BUG=no-fsync-rename bring old bugs back.
 */
#define _GNU_SOURCE
#include "seglog.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEYS 40

struct value {
    int size; /* -1: there is none */
    unsigned char bytes[VALUE_SIZE];
};

static struct value model[KEYS];
static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static void name_of(int key, char *name)
{
    snprintf(name, KEY_SIZE, "key-%c%d", 'a' + key % 7, key);
}

static void check(struct seglog *log, const char *when)
{
    unsigned char bytes[VALUE_SIZE];
    size_t count = 0;
    for (int key = 0; key < KEYS; key++) {
        char name[KEY_SIZE];
        name_of(key, name);
        int size = seglog_get(log, name, bytes);
        if (size != model[key].size || (size > 0 && memcmp(bytes, model[key].bytes, (size_t)size) != 0)) {
            fprintf(stderr, "%s: %s has %d bytes, expected %d\n", when, name, size, model[key].size);
            exit(1);
        }
        count += size >= 0;
    }
    if (seglog_count(log) != count) {
        fprintf(stderr, "%s: %zu keys, expected %zu\n", when, seglog_count(log), count);
        exit(1);
    }
}

/* Sizes as programs have them: most values are records of one size, few are anything. */
static int size_drawn(void)
{
    switch (draw(16)) {
    case 0:
        return (int)draw(INLINE_SIZE + 1);
    case 1:
        return INLINE_SIZE + 1 + (int)draw(VALUE_SIZE - INLINE_SIZE);
    default:
        return 24;
    }
}

static void empty(const char *directory)
{
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return;
    for (struct dirent *one; (one = readdir(dir)) != NULL;)
        if (one->d_name[0] != '.')
            unlinkat(dirfd(dir), one->d_name, 0);
    closedir(dir);
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "seglog.data";
    int operations = argc > 2 ? atoi(argv[2]) : 200;
    const char *bug = getenv("BUG");
    int bugs = bug == NULL ? 0 : strcmp(bug, "pad") == 0 ? BUG_PAD : strcmp(bug, "no-fsync-rename") == 0 ? BUG_NO_FSYNC_RENAME : -1;
    if (bugs < 0) {
        fprintf(stderr, "BUG=%s: there are pad and no-fsync-rename\n", bug);
        return 2;
    }
    if (argc > 3)
        state = strtoull(argv[3], NULL, 10);
    else if (getrandom(&state, sizeof state, 0) != sizeof state)
        return 2;
    printf("seed %llu\n", (unsigned long long)state);
    state = state * 0x9e3779b97f4a7c15ull + 1;
    for (int key = 0; key < KEYS; key++)
        model[key].size = -1;
    empty(directory);
    struct seglog *log = seglog_open(directory, bugs);
    for (int i = 0; i < operations; i++) {
        int key = (int)draw(KEYS);
        char name[KEY_SIZE];
        name_of(key, name);
        switch (draw(20)) {
        case 0:
            seglog_close(log);
            log = seglog_open(directory, bugs);
            check(log, "after a restart");
            break;
        case 1:
            seglog_sync(log);
            break;
        case 2:
        case 3:
        case 4:
            seglog_delete(log, name);
            model[key].size = -1;
            break;
        default:
            model[key].size = size_drawn();
            for (int at = 0; at < model[key].size; at++)
                model[key].bytes[at] = (unsigned char)draw(256);
            if (seglog_set(log, name, model[key].bytes, (size_t)model[key].size) != 0) {
                perror("seglog_set");
                return 1;
            }
        }
    }
    check(log, "at the end");
    if (seglog_close(log) != 0) {
        fprintf(stderr, "the log cannot be closed\n");
        return 1;
    }
    printf("%d operations\n", operations);
    return 0;
}
