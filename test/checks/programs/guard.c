/* A thread writes below an array of another thread's stack, onto its guard page. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char *volatile low;
static pthread_barrier_t meet;

static void *work(void *nothing)
{
    pthread_attr_t attributes;
    void *base;
    size_t size, guard;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &base, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    low = (char *)base;
    pthread_barrier_wait(&meet);
    pthread_barrier_wait(&meet);
    return nothing;
}

int main(void)
{
    pthread_t thread;
    pthread_barrier_init(&meet, 0, 2);
    pthread_create(&thread, 0, work, 0);
    pthread_barrier_wait(&meet);
    low[8] = 1;
#ifndef GOOD
    low[-8] = 1; //~ invalid-write
#endif
    pthread_barrier_wait(&meet);
    pthread_join(thread, 0);
    printf("done\n");
    return 0;
}
