/*
 * Threads that meet in every way: mutexes, a condition variable, atomics, data races, signals, timers, each other's malloc blocks. The
 * order in which they came is printed, so that another schedule is another output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef ROUNDS
#define ROUNDS 200
#endif
enum { THREADS = 4 };

struct node {
    struct node *next;
    long owner;
    char payload[40];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t threads[THREADS];
static _Atomic(struct node *) stack;
static atomic_ulong order = 5381;
static atomic_int ticks, pokes, spinning;
static volatile long racy;
static long stage;
static unsigned long results[THREADS];

static void on_signal(int signal)
{
    atomic_fetch_add(signal == SIGALRM ? &ticks : &pokes, 1);
}

static void came(long id)
{
    unsigned long old = atomic_load(&order);
    while (!atomic_compare_exchange_weak(&order, &old, old * 33 + (unsigned long)id))
        ;
}

/* Gives a block to whoever comes next, and takes what is there. */
static void exchange(long id, int round)
{
    struct node *node = malloc(sizeof *node + (size_t)(round * 37 % 900));
    node->owner = id;
    memset(node->payload, (int)id, sizeof node->payload);
    node->next = atomic_load(&stack);
    while (!atomic_compare_exchange_weak(&stack, &node->next, node))
        ;
    if (round % 3 == 0) {
        struct node *all = atomic_exchange(&stack, NULL);
        while (all) {
            struct node *next = all->next;
            came(all->owner + 10);
            free(all);
            all = next;
        }
    }
}

static void *work(void *arg)
{
    long id = (long)arg;
    double x = (double)id + 0.25;
    /* One thread rounds upwards. */
    if (id == 2)
        __asm__ volatile("ldmxcsr %0" : : "m"((unsigned){0x5f80}));
    atomic_fetch_add(&spinning, 1);
    while (atomic_load(&spinning) < THREADS)
        sched_yield();
    for (int i = 0; i < ROUNDS; i++) {
        exchange(id, i);
        racy = racy + 1;
        pthread_mutex_lock(&mutex);
        came(id);
        stage++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
        x = x * 1.000123 + 1 / x;
        if (i % 16 == (int)id)
            pthread_kill(threads[(id + 1) % THREADS], SIGUSR1);
        if (i % 20 == 5 + (int)id)
            nanosleep(&(struct timespec){0, 2000 * (id + 1)}, NULL);
    }
    memcpy(&results[id], &x, sizeof x);
    return x > 0 ? arg : NULL;
}

int main(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 250}, {0, 250}}, NULL);
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    while (stage < THREADS * ROUNDS / 2)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    printf("half way, order %lx\n", order);
    fflush(stdout);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000;
    pthread_mutex_lock(&mutex);
    while (stage < THREADS * ROUNDS && pthread_cond_timedwait(&changed, &mutex, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("order %lx, %d ticks, %d pokes, racy %ld\n", order, ticks, pokes, racy);
    printf("results %lx %lx %lx %lx\n", results[0], results[1], results[2], results[3]);
    return 0;
}
