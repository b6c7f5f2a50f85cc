/**
 * The Larson benchmark (Larson and Krishnan, "Memory Allocation for Long-Running Server Applications", ISMM 1998): a
 * server's threads free and allocate blocks of random sizes, and each thread, after its share of the work, hands its
 * blocks over to a successor and ends, so that blocks are freed by other threads than those that allocated them.
 *
 *   larson SECONDS MIN MAX CHUNKS ROUNDS SEED THREADS
 *
 * SECONDS may be a fraction. With 0 there is no clock and no successor: each thread does its share once, and a checksum
 * over the blocks that are left is printed instead of the throughput.
 */
#define _GNU_SOURCE
#include "superslab.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 64

/* A thread and all its successors, one after the other. */
struct chain {
    uint64_t random;
    unsigned char **blocks;
    size_t *sizes;
    unsigned long operations;
    unsigned long threads;
    unsigned char fill;
};

static size_t min_size, max_size, chunks, rounds;
static bool timed;
static struct chain chains[MAX_THREADS];
static atomic_bool stop;
static pthread_attr_t detached;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static unsigned running;

#pragma weak ss_ring_dump /* absent when the allocator is preloaded into a program that was linked without it */

static void on_segv(int signal, siginfo_t *info, void *context)
{
    (void)context;
    printf("signal %d at address %p\n", signal, info->si_addr);
    if (ss_ring_dump)
        ss_ring_dump();
    /* SA_RESETHAND: the instruction faults once more, and the process dies of the signal where it struck. */
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t random_size(uint64_t *state) { return min_size + next_random(state) % (max_size - min_size + 1); }

/* Allocates a block and uses all of it. */
static void allocate(struct chain *chain, size_t at, size_t size)
{
    chain->blocks[at] = malloc(size);
    if (!chain->blocks[at]) {
        fprintf(stderr, "larson: out of memory\n");
        exit(1);
    }
    chain->sizes[at] = size;
    memset(chain->blocks[at], chain->fill, size);
}

static void *work(void *arg)
{
    struct chain *chain = arg;
    chain->threads++;
    for (size_t n = 0; n < chunks * rounds; n++) {
        size_t victim = next_random(&chain->random) % chunks;
        free(chain->blocks[victim]);
        allocate(chain, victim, random_size(&chain->random));
        chain->operations++;
        if (atomic_load_explicit(&stop, memory_order_relaxed))
            break;
    }
    pthread_t successor;
    if (timed && !atomic_load_explicit(&stop, memory_order_relaxed) &&
        pthread_create(&successor, &detached, work, chain) == 0)
        return NULL;
    pthread_mutex_lock(&lock);
    if (--running == 0)
        pthread_cond_signal(&finished);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* FNV-1a over every byte of every block that is left. */
static uint64_t checksum(unsigned threads)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned c = 0; c < threads; c++)
        for (size_t k = 0; k < chunks; k++)
            for (size_t b = 0; b < chains[c].sizes[k]; b++)
                hash = (hash ^ chains[c].blocks[k][b]) * 0x100000001b3u;
    return hash;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: larson SECONDS MIN MAX CHUNKS ROUNDS SEED THREADS\n");
        return 2;
    }
    double seconds = strtod(argv[1], NULL);
    min_size = strtoul(argv[2], NULL, 10);
    max_size = strtoul(argv[3], NULL, 10);
    chunks = strtoul(argv[4], NULL, 10);
    rounds = strtoul(argv[5], NULL, 10);
    uint64_t seed = strtoul(argv[6], NULL, 10);
    unsigned threads = strtoul(argv[7], NULL, 10);
    if (!(seconds >= 0) || min_size < 1 || max_size < min_size || !chunks || !rounds || !threads ||
        threads > MAX_THREADS) {
        fprintf(stderr, "larson: SECONDS must be 0 or more, MIN 1 or more, MAX MIN or more, CHUNKS and ROUNDS 1 or "
                        "more, THREADS 1 to %d\n", MAX_THREADS);
        return 2;
    }
    timed = seconds > 0;

    struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_RESETHAND};
    sigaction(SIGSEGV, &action, NULL);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 256 << 10);
    printf("%u threads, %zu blocks each of %zu to %zu bytes, %zu rounds, seed %lu\n", threads, chunks, min_size,
           max_size, rounds, (unsigned long)seed);

    /* The main thread allocates the first blocks of all chains. */
    for (unsigned c = 0; c < threads; c++) {
        struct chain *chain = &chains[c];
        chain->random = (seed + c + 1) * 0x9e3779b97f4a7c15u | 1;
        chain->fill = 'a' + c % 26;
        chain->blocks = malloc(chunks * sizeof *chain->blocks);
        chain->sizes = malloc(chunks * sizeof *chain->sizes);
        if (!chain->blocks || !chain->sizes) {
            fprintf(stderr, "larson: out of memory\n");
            return 1;
        }
        for (size_t k = 0; k < chunks; k++)
            allocate(chain, k, random_size(&chain->random));
    }

    double begin = now();
    running = threads;
    for (unsigned c = 0; c < threads; c++) {
        pthread_t thread;
        if (pthread_create(&thread, &detached, work, &chains[c]) != 0) {
            fprintf(stderr, "larson: cannot create thread %u\n", c);
            return 1;
        }
    }
    if (timed) {
        struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
        nanosleep(&pause, NULL);
        atomic_store_explicit(&stop, true, memory_order_relaxed);
    }
    pthread_mutex_lock(&lock);
    while (running)
        pthread_cond_wait(&finished, &lock);
    pthread_mutex_unlock(&lock);
    double duration = now() - begin;

    unsigned long operations = 0, created = 0;
    for (unsigned c = 0; c < threads; c++) {
        operations += chains[c].operations;
        created += chains[c].threads;
    }
    if (timed)
        printf("Throughput = %8.0f operations per second, %lu operations by %lu threads.\n", operations / duration,
               operations, created);
    else
        printf("%lu operations, checksum %016lx\n", operations, (unsigned long)checksum(threads));
    return 0;
}
