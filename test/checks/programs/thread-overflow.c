/* A thread with a small stack and a large array. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int sum(const char *bytes, int size)
{
    int total = 0;
    for (int i = 0; i < size; i++)
        total += bytes[i];
    return total;
}

static void *work(void *size)
{
    char array[(long)size];
    memset(array, 1, (long)size); //~ stack-overflow
    printf("%d\n", sum(array, (int)(long)size));
    return 0;
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
#ifdef GOOD
    long size = 30000;
#else
    long size = 66000;
#endif
    pthread_create(&thread, &attributes, work, (void *)size);
    pthread_join(thread, 0);
    return 0;
}
