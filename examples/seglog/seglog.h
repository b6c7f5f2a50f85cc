/* A log-structured key-value store: segments of 256 bytes, a background flusher, snapshots, recovery. */
#ifndef SEGLOG_H
#define SEGLOG_H

#include <stddef.h>

#define KEY_SIZE 16
/* Values up to this size are in the log; larger ones have a file of their own. */
#define INLINE_SIZE 80
#define VALUE_SIZE 1000

struct seglog;

/* What the environment variable BUG names; 0 is the repaired program. */
#define BUG_PAD 1
#define BUG_NO_FSYNC_RENAME 2

/* Opens the store in a directory, which is made if need be, and recovers what it holds. NULL with a message on standard error. */
struct seglog *seglog_open(const char *directory, int bugs);
/* 0, or -1 with errno. Keys are strings of less than KEY_SIZE bytes. */
int seglog_set(struct seglog *log, const char *key, const void *value, size_t size);
int seglog_delete(struct seglog *log, const char *key);
/* The size of the value, copied into `value` (VALUE_SIZE bytes); -1 when there is none. */
int seglog_get(struct seglog *log, const char *key, void *value);
/* Makes everything durable that was set or deleted before. */
int seglog_sync(struct seglog *log);
int seglog_snapshot(struct seglog *log);
size_t seglog_count(struct seglog *log);
int seglog_close(struct seglog *log);

#endif
