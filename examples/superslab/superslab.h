/** Declares the superslab allocator, for programs that call it by name and for the harness's crash handler. */
#ifndef SUPERSLAB_H
#define SUPERSLAB_H

#include <stddef.h>

void *ss_malloc(size_t size);
void *ss_calloc(size_t count, size_t size);
void *ss_realloc(void *block, size_t size);
void *ss_memalign(size_t alignment, size_t size);
void ss_free(void *block);
size_t ss_usable_size(void *block);

/** Prints the calling thread's last slow-path events, oldest first, with printf. */
void ss_ring_dump(void);

#endif
