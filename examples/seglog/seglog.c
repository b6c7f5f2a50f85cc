/* The store: an index in memory, and on disk the log from which it can be made again. See README.md. */
#define _GNU_SOURCE
#include "index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT 256
#define ALIGNMENT 8192
/* Sealed segments after which the flusher is asked for a snapshot. */
#define SNAPSHOT_SEGMENTS 24

enum kind { SET = 1, SET_BLOB, DELETE, PAD };

/* In front of every message. The checksum covers what follows it, header and payload. */
struct header {
    uint32_t crc;
    uint32_t length;
    uint64_t sequence;
    uint32_t kind;
    uint32_t key_length;
    uint64_t segment;
};
_Static_assert(sizeof(struct header) == 0x20, "the header has no holes");

/* A segment in memory: filled by writers up to `used`, in the file up to `written`. */
struct segment {
    struct segment *next;
    unsigned char *bytes;
    uint64_t number;
    size_t used;
    size_t written;
};

struct seglog {
    int fd;
    int directory;
    int bugs;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t done;
    pthread_t flusher;
    struct index index;
    struct segment *active;
    struct segment *sealed;
    struct segment **last_sealed;
    uint64_t sequence;
    uint64_t next_segment;
    uint64_t next_blob;
    uint64_t next_snapshot;
    /* Blobs that nothing refers to any more, once the log says so on disk. */
    uint64_t *dead;
    size_t dead_count;
    int segments_since_snapshot;
    int flush_wanted;
    int stopping;
    int failed;
};

/* Made when it is first needed, and kept until the program ends. */
static uint32_t *crc_table;
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_table(void)
{
    crc_table = malloc(256 * sizeof *crc_table);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc(const void *data, size_t length)
{
    const unsigned char *p = data;
    uint32_t c = 0xffffffffu;
    pthread_once(&crc_once, make_crc_table);
    while (length--)
        c = crc_table[(c ^ *p++) & 255] ^ (c >> 8);
    return ~c;
}

static int write_all(int fd, const void *data, size_t length)
{
    const char *p = data;
    while (length > 0) {
        ssize_t n = write(fd, p, length);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            p += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

static int read_all(int fd, void *data, size_t length)
{
    char *p = data;
    size_t done = 0;
    while (done < length) {
        ssize_t n = read(fd, p + done, length - done);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
    }
    return (int)done;
}

static void blob_name(uint64_t blob, char *name, size_t size)
{
    snprintf(name, size, "blob.%llu", (unsigned long long)blob);
}

static void drop_blob(struct seglog *log, uint64_t blob)
{
    if (blob == 0)
        return;
    log->dead = realloc(log->dead, (log->dead_count + 1) * sizeof *log->dead);
    log->dead[log->dead_count++] = blob;
}

/* The log has been synced: what it does not refer to can go. */
static void bury_blobs(struct seglog *log)
{
    for (size_t i = 0; i < log->dead_count; i++) {
        char name[32];
        blob_name(log->dead[i], name, sizeof name);
        unlinkat(log->directory, name, 0);
    }
    free(log->dead);
    log->dead = NULL;
    log->dead_count = 0;
}

/* The log. The lock is held. */

static unsigned char *iobuf_new(void)
{
    return aligned_alloc(ALIGNMENT, SEGMENT);
}

static struct segment *segment_new(struct seglog *log)
{
    struct segment *segment = calloc(1, sizeof *segment);
    segment->bytes = iobuf_new();
    segment->number = log->next_segment++;
    return segment;
}

static void put_message(struct seglog *log, struct segment *segment, enum kind kind, const char *key,
                        const void *payload, size_t size)
{
    struct header header;
    size_t key_length = strlen(key);
    unsigned char *at = segment->bytes + segment->used;
    memset(&header, 0, sizeof header);
    header.length = (uint32_t)(key_length + size);
    header.sequence = log->sequence++;
    header.kind = kind;
    header.key_length = (uint32_t)key_length;
    header.segment = segment->number;
    memcpy(at + sizeof header, key, key_length);
    if (payload != NULL)
        memcpy(at + sizeof header + key_length, payload, size);
    else
        memset(at + sizeof header + key_length, 0, size);
    memcpy(at, &header, sizeof header);
    header.crc = crc(at + sizeof header.crc, sizeof header - sizeof header.crc + header.length);
    memcpy(at, &header.crc, sizeof header.crc);
    segment->used += sizeof header + header.length;
}

/* No message fits any more: what is left becomes padding, and the segment waits for the flusher. */
static void seal(struct seglog *log)
{
    struct segment *segment = log->active;
    size_t left = SEGMENT - segment->used;
    if (left >= sizeof(struct header))
        put_message(log, segment, PAD, "", NULL, left - sizeof(struct header));
    else if (!(log->bugs & BUG_PAD))
        memset(segment->bytes + segment->used, 0, left);
    segment->used = SEGMENT;
    segment->next = NULL;
    *log->last_sealed = segment;
    log->last_sealed = &segment->next;
    log->active = segment_new(log);
    log->segments_since_snapshot++;
    pthread_cond_signal(&log->work);
}

static int append(struct seglog *log, enum kind kind, const char *key, const void *payload, size_t size)
{
    if (log->failed) {
        errno = EIO;
        return -1;
    }
    if (log->active->used + sizeof(struct header) + strlen(key) + size > SEGMENT)
        seal(log);
    put_message(log, log->active, kind, key, payload, size);
    return 0;
}

/* The flusher: the only one who writes to the file. */

static int log_write(struct seglog *log, struct segment *segment, size_t end)
{
    unsigned char *buf = segment->bytes;
    size_t start = segment->written;
    size_t total_len = end - start;
    int ret = write_all(log->fd, buf + start, total_len);
    if (ret == 0)
        segment->written = end;
    return ret;
}

static void segment_free(struct segment *segment)
{
    free(segment->bytes);
    free(segment);
}

/* Takes and returns with the lock held; gives it up while it writes. */
static void flush_sealed(struct seglog *log)
{
    while (log->sealed != NULL) {
        struct segment *segment = log->sealed;
        log->sealed = segment->next;
        if (log->sealed == NULL)
            log->last_sealed = &log->sealed;
        pthread_mutex_unlock(&log->lock);
        int ret = log_write(log, segment, SEGMENT);
        segment_free(segment);
        pthread_mutex_lock(&log->lock);
        if (ret != 0)
            log->failed = 1;
    }
}

static int snapshot(struct seglog *log);

static void *flusher(void *argument)
{
    struct seglog *log = argument;
    pthread_setname_np(pthread_self(), "flusher");
    pthread_mutex_lock(&log->lock);
    for (;;) {
        while (!log->stopping && !log->flush_wanted && log->sealed == NULL)
            pthread_cond_wait(&log->work, &log->lock);
        flush_sealed(log);
        if (log->flush_wanted) {
            /* Part of the segment at hand: the rest follows when it is sealed. */
            if (log->active->used > log->active->written && log_write(log, log->active, log->active->used) != 0)
                log->failed = 1;
            if (fdatasync(log->fd) != 0)
                log->failed = 1;
            if (!log->failed)
                bury_blobs(log);
            log->flush_wanted = 0;
            pthread_cond_broadcast(&log->done);
        }
        if (log->segments_since_snapshot >= SNAPSHOT_SEGMENTS && snapshot(log) != 0)
            log->failed = 1;
        if (log->stopping && log->sealed == NULL)
            break;
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* Snapshots: all entries, and the first sequence number that they do not have. */

struct snapshot_header {
    uint32_t crc;
    uint32_t count;
    uint64_t sequence;
    uint64_t next_blob;
};

struct snapshot_entry {
    char key[KEY_SIZE];
    uint64_t blob;
    uint64_t size;
    unsigned char value[INLINE_SIZE];
};

static void snapshot_name(uint64_t number, const char *suffix, char *name, size_t size)
{
    snprintf(name, size, "snap.%llu%s", (unsigned long long)number, suffix);
}

/* The lock is held. */
static int snapshot(struct seglog *log)
{
    char generating[48];
    char name[48];
    size_t length = sizeof(struct snapshot_header) + log->index.count * sizeof(struct snapshot_entry);
    unsigned char *bytes = calloc(1, length);
    struct snapshot_header *header = (struct snapshot_header *)bytes;
    struct snapshot_entry *out = (struct snapshot_entry *)(header + 1);
    header->count = (uint32_t)log->index.count;
    header->sequence = log->sequence;
    header->next_blob = log->next_blob;
    for (struct page *page = log->index.pages; page != NULL; page = page->next)
        for (int i = 0; i < page->count; i++, out++) {
            memcpy(out->key, page->entries[i].key, KEY_SIZE);
            out->blob = page->entries[i].blob;
            out->size = page->entries[i].size;
            if (out->blob == 0)
                memcpy(out->value, page->entries[i].value, out->size);
        }
    header->crc = crc(bytes + sizeof header->crc, length - sizeof header->crc);
    snapshot_name(log->next_snapshot, ".generating", generating, sizeof generating);
    snapshot_name(log->next_snapshot, "", name, sizeof name);
    int fd = openat(log->directory, generating, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    int ret = fd < 0 ? -1 : write_all(fd, bytes, length);
    if (ret == 0 && !(log->bugs & BUG_NO_FSYNC_RENAME))
        ret = fsync(fd);
    if (fd >= 0 && close(fd) != 0)
        ret = -1;
    free(bytes);
    if (ret == 0)
        ret = renameat(log->directory, generating, log->directory, name);
    if (ret == 0)
        ret = fsync(log->directory);
    if (ret == 0 && log->next_snapshot > 1) {
        snapshot_name(log->next_snapshot - 1, "", name, sizeof name);
        unlinkat(log->directory, name, 0);
    }
    log->next_snapshot++;
    log->segments_since_snapshot = 0;
    return ret;
}

/* Recovery. */

static int load_snapshot(struct seglog *log, const char *name)
{
    struct stat stat;
    int fd = openat(log->directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0)
        return -1;
    unsigned char *bytes = malloc((size_t)stat.st_size + 1);
    int length = read_all(fd, bytes, (size_t)stat.st_size);
    close(fd);
    struct snapshot_header *header = (struct snapshot_header *)bytes;
    struct snapshot_entry *entry = (struct snapshot_entry *)(header + 1);
    int good = length >= (int)sizeof *header &&
               (size_t)length == sizeof *header + header->count * sizeof *entry &&
               crc(bytes + sizeof header->crc, (size_t)length - sizeof header->crc) == header->crc;
    if (good) {
        for (uint32_t i = 0; i < header->count; i++, entry++)
            index_set(&log->index, entry->key, entry->value, (uint32_t)entry->size, entry->blob);
        log->sequence = header->sequence;
        log->next_blob = header->next_blob;
    }
    free(bytes);
    return good ? 0 : -1;
}

static void load_newest_snapshot(struct seglog *log)
{
    char name[48];
    uint64_t newest = 0;
    DIR *dir = fdopendir(dup(log->directory));
    rewinddir(dir);
    for (struct dirent *one; (one = readdir(dir)) != NULL;) {
        unsigned long long number;
        char rest[24] = "";
        if (sscanf(one->d_name, "snap.%llu%23s", &number, rest) < 1)
            continue;
        if (rest[0] != 0)
            unlinkat(log->directory, one->d_name, 0);
        else if (number > newest)
            newest = number;
    }
    closedir(dir);
    log->next_snapshot = newest + 1;
    if (newest == 0)
        return;
    snapshot_name(newest, "", name, sizeof name);
    if (load_snapshot(log, name) != 0) {
        fprintf(stderr, "seglog: %s is damaged\n", name);
        log->failed = 1;
    }
}

static void apply(struct seglog *log, const struct header *header, const unsigned char *payload)
{
    char key[KEY_SIZE] = "";
    size_t size = header->length - header->key_length;
    if (header->kind == PAD)
        return;
    memcpy(key, payload, header->key_length);
    payload += header->key_length;
    if (header->kind == DELETE)
        index_delete(&log->index, key);
    else if (header->kind == SET)
        index_set(&log->index, key, payload, (uint32_t)size, 0);
    else {
        uint64_t blob[2];
        memcpy(blob, payload, sizeof blob);
        index_set(&log->index, key, NULL, (uint32_t)blob[1], blob[0]);
        if (blob[0] >= log->next_blob)
            log->next_blob = blob[0] + 1;
    }
}

/* Reads the log from its beginning, applies what the snapshot does not have, and cuts what is torn. */
static int recover(struct seglog *log)
{
    unsigned char bytes[SEGMENT];
    uint64_t number = 0;
    for (;; number++) {
        size_t at = 0;
        int length = read_all(log->fd, bytes, SEGMENT);
        if (length < 0)
            return -1;
        while (at + sizeof(struct header) <= (size_t)length) {
            struct header header;
            memcpy(&header, bytes + at, sizeof header);
            if (header.length > SEGMENT || at + sizeof header + header.length > (size_t)length)
                break;
            if (header.segment != number || header.key_length >= KEY_SIZE || header.key_length > header.length)
                break;
            if (crc(bytes + at + sizeof header.crc, sizeof header - sizeof header.crc + header.length) != header.crc)
                break;
            if (header.sequence >= log->sequence) {
                apply(log, &header, bytes + at + sizeof header);
                log->sequence = header.sequence + 1;
            }
            at += sizeof header + header.length;
        }
        if (length == SEGMENT && SEGMENT - at < sizeof(struct header))
            continue;
        /* A torn tail: the segment is completed as if it had been sealed here. */
        if (ftruncate(log->fd, (off_t)(number * SEGMENT + at)) != 0 || lseek(log->fd, 0, SEEK_END) < 0)
            return -1;
        log->next_segment = number;
        log->active = segment_new(log);
        memcpy(log->active->bytes, bytes, at);
        log->active->used = log->active->written = at;
        return 0;
    }
}

struct seglog *seglog_open(const char *directory, int bugs)
{
    struct seglog *log = calloc(1, sizeof *log);
    mkdir(directory, 0755);
    log->bugs = bugs;
    log->next_blob = 1;
    log->last_sealed = &log->sealed;
    index_init(&log->index);
    log->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    log->fd = log->directory < 0 ? -1 : openat(log->directory, "log", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        fprintf(stderr, "seglog: %s: %s\n", directory, strerror(errno));
        exit(1);
    }
    fsync(log->directory);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->work, NULL);
    pthread_cond_init(&log->done, NULL);
    load_newest_snapshot(log);
    if (recover(log) != 0)
        log->failed = 1;
    pthread_create(&log->flusher, NULL, flusher, log);
    return log;
}

int seglog_set(struct seglog *log, const char *key, const void *value, size_t size)
{
    int ret;
    if (size > VALUE_SIZE || strlen(key) >= KEY_SIZE) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&log->lock);
    struct entry *before = index_find(&log->index, key);
    uint64_t old = before == NULL ? 0 : before->blob;
    if (size <= INLINE_SIZE) {
        ret = append(log, SET, key, value, size);
        if (ret == 0)
            index_set(&log->index, key, value, (uint32_t)size, 0);
    } else {
        char name[32];
        uint64_t blob[2] = { log->next_blob++, size };
        blob_name(blob[0], name, sizeof name);
        int fd = openat(log->directory, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
        ret = fd < 0 ? -1 : write_all(fd, value, size);
        if (fd >= 0 && (fsync(fd) != 0 || close(fd) != 0 || fsync(log->directory) != 0))
            ret = -1;
        if (ret == 0)
            ret = append(log, SET_BLOB, key, blob, sizeof blob);
        if (ret == 0)
            index_set(&log->index, key, NULL, (uint32_t)size, blob[0]);
    }
    if (ret == 0)
        drop_blob(log, old);
    pthread_mutex_unlock(&log->lock);
    return ret;
}

int seglog_delete(struct seglog *log, const char *key)
{
    pthread_mutex_lock(&log->lock);
    struct entry *entry = index_find(&log->index, key);
    uint64_t blob = entry == NULL ? 0 : entry->blob;
    int ret = entry == NULL ? 0 : append(log, DELETE, key, NULL, 0);
    if (ret == 0) {
        index_delete(&log->index, key);
        drop_blob(log, blob);
    }
    pthread_mutex_unlock(&log->lock);
    return ret;
}

int seglog_get(struct seglog *log, const char *key, void *value)
{
    int size = -1;
    pthread_mutex_lock(&log->lock);
    struct entry *entry = index_find(&log->index, key);
    if (entry != NULL && entry->blob == 0) {
        size = (int)entry->size;
        memcpy(value, entry->value, entry->size);
    } else if (entry != NULL) {
        char name[32];
        blob_name(entry->blob, name, sizeof name);
        int fd = openat(log->directory, name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            size = read_all(fd, value, VALUE_SIZE);
            close(fd);
        }
    }
    pthread_mutex_unlock(&log->lock);
    return size;
}

int seglog_sync(struct seglog *log)
{
    pthread_mutex_lock(&log->lock);
    log->flush_wanted = 1;
    pthread_cond_signal(&log->work);
    while (log->flush_wanted)
        pthread_cond_wait(&log->done, &log->lock);
    int ret = log->failed ? -1 : 0;
    pthread_mutex_unlock(&log->lock);
    return ret;
}

int seglog_snapshot(struct seglog *log)
{
    pthread_mutex_lock(&log->lock);
    int ret = snapshot(log);
    pthread_mutex_unlock(&log->lock);
    return ret;
}

size_t seglog_count(struct seglog *log)
{
    pthread_mutex_lock(&log->lock);
    size_t count = log->index.count;
    pthread_mutex_unlock(&log->lock);
    return count;
}

int seglog_close(struct seglog *log)
{
    int ret = seglog_sync(log);
    pthread_mutex_lock(&log->lock);
    log->stopping = 1;
    pthread_cond_signal(&log->work);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->flusher, NULL);
    segment_free(log->active);
    index_free(&log->index);
    close(log->fd);
    close(log->directory);
    free(log->dead);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->work);
    pthread_cond_destroy(&log->done);
    free(log);
    return ret;
}
