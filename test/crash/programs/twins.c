/*
 * Ways to write files, each wrong or right, and what must be there after a loss of power:
 *
 *     twins WAY wrong|right     writes; once the file `promise` is synced, the result has been promised
 *     twins WAY check           ends with 0 if what is there keeps the promise, and is nothing that was never written
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE 9000

static char bytes[SIZE + 1000];
static int right;

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(9);
}

static int create(const char *name, int flags)
{
    int fd = open(name, O_RDWR | O_CREAT | flags, 0644);
    must(fd >= 0, name);
    return fd;
}

static void put(int fd, char letter, size_t size)
{
    memset(bytes, letter, size);
    must(write(fd, bytes, size) == (ssize_t)size, "write");
}

static void sync_directory(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    must(fd >= 0 && fsync(fd) == 0, "fsync of a directory");
    close(fd);
}

/* Says for good that everything before is there. */
static void promise(void)
{
    int fd = create("promise", O_DSYNC);
    put(fd, 'p', 1);
    close(fd);
    sync_directory(".");
}

static int is_promised(void)
{
    struct stat st;
    return stat("promise", &st) == 0 && st.st_size == 1;
}

/* What a file is made of: its one letter, '-' for an empty one, 0 for none, '?' for several letters. */
static char letter_of(const char *name, size_t *size)
{
    int fd = open(name, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    *size = (size_t)n;
    for (ssize_t i = 1; i < n; i++)
        if (bytes[i] != bytes[0])
            return '?';
    return n == 0 ? '-' : bytes[0];
}

static int holds(const char *name, char letter, size_t wanted)
{
    size_t size = 0;
    return letter_of(name, &size) == letter && size == wanted;
}

/* A file that is whole, if it was promised. */

static void write_plain(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    if (right)
        must(fsync(fd) == 0, "fsync");
    sync_directory(".");
    promise();
}

static int check_plain(void)
{
    return !is_promised() || holds("data", 'a', SIZE);
}

static void write_dsync(void)
{
    int fd = create("data", right ? O_DSYNC : 0);
    put(fd, 'a', SIZE);
    sync_directory(".");
    promise();
}

static void write_fdatasync(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE - 4000);
    struct iovec part = { bytes, 4000 };
    if (right)
        must(fdatasync(fd) == 0, "fdatasync");
    must(pwritev2(fd, &part, 1, SIZE - 4000, right ? RWF_DSYNC : 0) == 4000, "pwritev2");
    sync_directory(".");
    promise();
}

static void write_directory(void)
{
    must(mkdir("dir", 0755) == 0, "mkdir");
    int fd = create("dir/data", 0);
    put(fd, 'a', SIZE);
    must(fsync(fd) == 0, "fsync");
    if (right) {
        sync_directory("dir");
        sync_directory(".");
    }
    int own = create("../promise", O_DSYNC);
    put(own, 'p', 1);
    sync_directory("..");
}

static int check_directory(void)
{
    return access("../promise", F_OK) != 0 || holds("dir/data", 'a', SIZE);
}

/* The old contents or the new ones. */

static void old_file(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    must(fsync(fd) == 0, "fsync");
    close(fd);
    sync_directory(".");
    close(create("begun", 0));
    sync_directory(".");
}

static void write_rename(void)
{
    old_file();
    int fd = create("data.new", 0);
    put(fd, 'b', SIZE);
    if (right)
        must(fsync(fd) == 0, "fsync");
    close(fd);
    must(rename("data.new", "data") == 0, "rename");
    sync_directory(".");
    promise();
}

static int check_rename(void)
{
    if (is_promised())
        return holds("data", 'b', SIZE);
    /* Before it was first synced anything may be there; then the old contents, until the new ones are. */
    return access("begun", F_OK) != 0 || holds("data", 'a', SIZE) || holds("data", 'b', SIZE);
}

static void write_rename_directory(void)
{
    old_file();
    int fd = create("data.new", 0);
    put(fd, 'b', SIZE);
    must(fsync(fd) == 0, "fsync");
    close(fd);
    must(rename("data.new", "data") == 0, "rename");
    if (right)
        sync_directory(".");
    int own = create("../promise", O_DSYNC);
    put(own, 'p', 1);
    sync_directory("..");
}

static int check_rename_directory(void)
{
    return access("../promise", F_OK) != 0 || holds("data", 'b', SIZE);
}

/* A record of 4096 bytes is overwritten in place: without a copy (right) it may be torn. */

static void write_torn(void)
{
    size_t size = right ? 512 : 4096;
    int fd = create("record", 0);
    put(fd, 'a', size);
    must(fsync(fd) == 0, "fsync");
    sync_directory(".");
    promise();
    must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
    put(fd, 'b', size);
    must(fsync(fd) == 0, "fsync");
}

static int check_torn(void)
{
    size_t size;
    if (!is_promised())
        return 1;
    char letter = letter_of("record", &size);
    return letter == 'a' || letter == 'b';
}

/* A log of records, each synced: the wrong reader takes whatever has a length. */

struct record {
    uint32_t sum;
    uint32_t number;
    char text[1016];
};

static uint32_t sum_of(const struct record *record)
{
    uint32_t sum = record->number * 31 + 7;
    for (size_t i = 0; i < sizeof record->text; i++)
        sum = sum * 31 + (unsigned char)record->text[i];
    return sum;
}

static void write_log(void)
{
    int fd = create("log", O_APPEND);
    sync_directory(".");
    int last = create("last", O_DSYNC);
    sync_directory(".");
    int how = create("how", O_DSYNC);
    put(how, right ? 'r' : 'w', 1);
    sync_directory(".");
    for (uint32_t number = 1; number <= 6; number++) {
        struct record record = { .number = number };
        memset(record.text, 'a' + (int)number, sizeof record.text);
        record.sum = sum_of(&record);
        must(write(fd, &record, sizeof record) == sizeof record, "write");
        must(fdatasync(fd) == 0, "fdatasync");
        must(pwrite(last, &number, sizeof number, 0) == sizeof number, "pwrite");
    }
}

static int check_log(void)
{
    size_t size = 0;
    uint32_t least = 0;
    struct record record;
    int careful = letter_of("how", &size) != 'w';
    int last = open("last", O_RDONLY);
    int fd = open("log", O_RDONLY);
    if (last >= 0 && read(last, &least, sizeof least) < 0)
        return 0;
    if (fd < 0)
        return least == 0;
    uint32_t count = 0;
    while (read(fd, &record, sizeof record) == sizeof record) {
        int good = record.number == count + 1 && record.sum == sum_of(&record);
        if (!good && careful)
            break;
        if (!good)
            return 0;
        count++;
    }
    return count >= least;
}

static void write_mapped(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    must(fsync(fd) == 0, "fsync");
    sync_directory(".");
    char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(at != MAP_FAILED, "mmap");
    memset(at, 'b', SIZE);
    must(msync(at, SIZE, right ? MS_SYNC : MS_ASYNC) == 0, "msync");
    promise();
}

static int check_mapped(void)
{
    return !is_promised() || holds("data", 'b', SIZE);
}

static void write_mapped_fsync(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    must(fsync(fd) == 0, "fsync");
    sync_directory(".");
    char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(at != MAP_FAILED, "mmap");
    memset(at, 'b', SIZE);
    if (right)
        must(fsync(fd) == 0, "fsync");
    promise();
}

/* One part is written with O_DSYNC, which says nothing about the other. */
static void write_mixed(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE - 3000);
    int own = create("data", O_DSYNC);
    must(pwrite(own, bytes, 3000, SIZE - 3000) == 3000, "pwrite");
    if (right)
        must(fdatasync(own) == 0, "fdatasync");
    sync_directory(".");
    promise();
}

static void write_shrunk(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    must(fsync(fd) == 0, "fsync");
    sync_directory(".");
    must(ftruncate(fd, 100) == 0, "ftruncate");
    if (right)
        must(fsync(fd) == 0, "fsync");
    promise();
}

static int check_shrunk(void)
{
    return !is_promised() || holds("data", 'a', 100);
}

static void write_everything(void)
{
    int fd = create("data", 0);
    put(fd, 'a', SIZE);
    must(link("data", "other") == 0 && rename("other", "last") == 0, "link");
    if (right)
        sync();
    promise();
}

static int check_everything(void)
{
    return !is_promised() || (holds("data", 'a', SIZE) && holds("last", 'a', SIZE) && access("other", F_OK) != 0);
}

static const struct {
    const char *name;
    void (*write)(void);
    int (*check)(void);
} ways[] = {
    { "plain", write_plain, check_plain },
    { "dsync", write_dsync, check_plain },
    { "fdatasync", write_fdatasync, check_plain },
    { "directory", write_directory, check_directory },
    { "rename", write_rename, check_rename },
    { "rename-directory", write_rename_directory, check_rename_directory },
    { "torn", write_torn, check_torn },
    { "log", write_log, check_log },
    { "mapped", write_mapped, check_mapped },
    { "mapped-fsync", write_mapped_fsync, check_mapped },
    { "mixed", write_mixed, check_plain },
    { "shrunk", write_shrunk, check_shrunk },
    { "everything", write_everything, check_everything },
};

int main(int argc, char **argv)
{
    if (argc != 3)
        return 8;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].name, argv[1]) != 0)
            continue;
        if (strcmp(argv[2], "check") == 0) {
            int kept = ways[i].check();
            printf("%s\n", kept ? "kept" : "broken");
            return kept ? 0 : 1;
        }
        right = strcmp(argv[2], "right") == 0;
        ways[i].write();
        return 0;
    }
    return 8;
}
