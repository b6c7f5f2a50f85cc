/* The index in memory: pages of sorted keys in a list. */
#ifndef INDEX_H
#define INDEX_H

#include "seglog.h"

#include <stdint.h>

/* Keys in a page; one more splits it. */
#define PAGE_KEYS 8

struct entry {
    char key[KEY_SIZE];
    uint32_t size;
    /* Of the file with the value; 0 for one that is in `value`. */
    uint64_t blob;
    unsigned char *value;
};

struct page {
    struct page *next;
    int count;
    struct entry entries[PAGE_KEYS];
};

struct index {
    struct page *pages;
    size_t count;
};

void index_init(struct index *index);
void index_free(struct index *index);
/* NULL when there is none. */
struct entry *index_find(struct index *index, const char *key);
/* With a blob, the value is in its file. */
void index_set(struct index *index, const char *key, const void *value, uint32_t size, uint64_t blob);
void index_delete(struct index *index, const char *key);

#endif
