/* Blocks that one thread makes and others give back. */
#include <pthread.h>
#include <stdlib.h>

static void *volatile shared;

static void *worker(void *argument)
{
    for (int i = 0; i < 200; i++) {
        void *p = malloc(10 + i);
        p = realloc(p, 300 + i);
        free(p);
    }
    free(argument);
    return NULL;
}

static void *again(void *argument)
{
#ifndef GOOD
    free(argument); //~ double-free
#endif
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, worker, shared = malloc(64));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    pthread_create(&threads[0], NULL, again, shared);
    pthread_join(threads[0], NULL);
    return 0;
}
