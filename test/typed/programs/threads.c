/** Two threads with variables of their own, in the program and in a library. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
int *library_touch(void);
__thread char padding[3] = "pa";
__thread int own = 5;
static __thread double zero;
static pthread_barrier_t barrier;
static void *work(void *argument) {
  own = (int)(size_t)argument;
  zero = own * 2.5;
  for (int i = 0; i < own; i++) library_touch();
  pthread_barrier_wait(&barrier);
  if (own == 100) raise(SIGABRT);
  for (;;) pthread_barrier_wait(&barrier);
  return argument;
}
int main(void) {
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, work, (void *)200);
  work((void *)100);
  return (int)padding[0];
}
