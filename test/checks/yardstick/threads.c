/* Threads that use, free and lose each other's blocks. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char *shared;
static __thread char *own;
static char *result;

static void *work(void *text)
{
    own = malloc(30);
    strcpy(own, text);
    shared[2] = 'x';
    free(shared);
    result = own;
    return malloc(77);
}

int main(void)
{
    pthread_t thread;
    void *lost = 0;
    shared = malloc(20);
    shared[0] = 'a';
    pthread_create(&thread, 0, work, "thread");
    pthread_join(thread, &lost);
    lost = 0;
    shared[0] = 'b';
    if (result[20] == 'z')
        return 1;
    free(shared);
    shared = 0;
    return 0;
}
