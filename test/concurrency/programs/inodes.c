/* A file system: an inode is given a block that a thread found free under another lock. */
#include <assert.h>
#include <pthread.h>

#define N 3
enum { BLOCKS = 3 };
static int block_of[N], busy[BLOCKS];
static pthread_mutex_t inode_locks[N], block_lock = PTHREAD_MUTEX_INITIALIZER;

static void *create(void *who) {
  long i = (long)who;
  pthread_mutex_lock(&inode_locks[i]);
#ifdef FIXED
  pthread_mutex_lock(&block_lock);
#endif
  for (int b = 0; b < BLOCKS; b++) {
    if (busy[b]) continue;
#ifndef FIXED
    pthread_mutex_lock(&block_lock);
    busy[b] = 1;
    pthread_mutex_unlock(&block_lock);
#else
    busy[b] = 1;
#endif
    block_of[i] = b + 1;
    break;
  }
#ifdef FIXED
  pthread_mutex_unlock(&block_lock);
#endif
  pthread_mutex_unlock(&inode_locks[i]);
  return 0;
}

int main(void) {
  pthread_t threads[N];
  for (long i = 0; i < N; i++) pthread_create(&threads[i], 0, create, (void *)i);
  for (int i = 0; i < N; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < i; k++) assert(block_of[i] != block_of[k]);
  return 0;
}
