/* Pages of sorted keys in a list: splits where a page is full, unlinks those that are empty. */
#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void index_init(struct index *index)
{
    index->pages = calloc(1, sizeof *index->pages);
    index->count = 0;
}

void index_free(struct index *index)
{
    for (struct page *page = index->pages; page != NULL;) {
        struct page *next = page->next;
        for (int i = 0; i < page->count; i++)
            free(page->entries[i].value);
        free(page);
        page = next;
    }
}

static struct page *page_of(struct index *index, const char *key)
{
    struct page *page = index->pages;
    while (page->next != NULL && strcmp(page->next->entries[0].key, key) <= 0)
        page = page->next;
    return page;
}

struct entry *index_find(struct index *index, const char *key)
{
    struct page *page = page_of(index, key);
    for (int i = 0; i < page->count; i++)
        if (strcmp(page->entries[i].key, key) == 0)
            return &page->entries[i];
    return NULL;
}

static void split(struct page *page)
{
    struct page *upper = calloc(1, sizeof *upper);
    int half = page->count / 2;
    upper->count = page->count - half;
    memcpy(upper->entries, page->entries + half, (size_t)upper->count * sizeof *upper->entries);
    page->count = half;
    upper->next = page->next;
    page->next = upper;
}

void index_set(struct index *index, const char *key, const void *value, uint32_t size, uint64_t blob)
{
    struct entry *entry = index_find(index, key);
    if (entry == NULL) {
        struct page *page = page_of(index, key);
        if (page->count == PAGE_KEYS) {
            split(page);
            page = page_of(index, key);
        }
        int at = page->count;
        while (at > 0 && strcmp(page->entries[at - 1].key, key) > 0)
            at--;
        memmove(page->entries + at + 1, page->entries + at, (size_t)(page->count - at) * sizeof *page->entries);
        entry = &page->entries[at];
        memset(entry, 0, sizeof *entry);
        snprintf(entry->key, sizeof entry->key, "%s", key);
        page->count++;
        index->count++;
    } else {
        free(entry->value);
    }
    entry->size = size;
    entry->blob = blob;
    entry->value = NULL;
    if (blob == 0) {
        entry->value = malloc(size ? size : 1);
        memcpy(entry->value, value, size);
    }
}

void index_delete(struct index *index, const char *key)
{
    struct entry *entry = index_find(index, key);
    if (entry == NULL)
        return;
    struct page *page = page_of(index, key);
    int at = (int)(entry - page->entries);
    free(entry->value);
    memmove(entry, entry + 1, (size_t)(page->count - at - 1) * sizeof *entry);
    page->count--;
    index->count--;
    if (page->count == 0 && page != index->pages) {
        struct page *before = index->pages;
        while (before->next != page)
            before = before->next;
        before->next = page->next;
        free(page);
    }
}
