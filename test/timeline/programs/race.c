// Two threads add without a lock: how many additions are lost depends on the schedule, and so does the exit code.
#include <pthread.h>

static volatile long sum;

static void *add(void *arg) {
  (void)arg;
  for (int i = 0; i < 300; i++) {
    long now = sum;
    for (volatile int j = 0; j < 20; j++) {
    }
    sum = now + 1;
  }
  return 0;
}

int main(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, add, 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
  return sum == 600 ? 0 : 1 + (int)(sum & 1);
}
