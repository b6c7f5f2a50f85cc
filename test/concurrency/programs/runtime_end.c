/* Use after free by race: the last one out tears the runtime down, while the next one has found it there and is on its way in. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct runtime {
  int users, alive;
};
static struct runtime *current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct runtime *enter(void) {
  pthread_mutex_lock(&lock);
  struct runtime *found = current;
#ifndef FIXED
  pthread_mutex_unlock(&lock);
  pthread_mutex_lock(&lock);
#endif
  if (found != 0) {
    assert(found->alive);
    found->users++;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

static void leave(struct runtime *runtime) {
  pthread_mutex_lock(&lock);
  if (--runtime->users == 0) {
    runtime->alive = 0;
    current = 0;
  }
  pthread_mutex_unlock(&lock);
}

static void *script(void *unused) {
  struct runtime *runtime = enter();
  if (runtime != 0) leave(runtime);
  return unused;
}

int main(void) {
  current = calloc(1, sizeof *current);
  current->alive = 1;
  pthread_t a, b;
  pthread_create(&a, 0, script, 0);
  pthread_create(&b, 0, script, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
