/* A length is read, then as many characters are copied from a buffer that has become shorter in between. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

struct buffer {
  pthread_mutex_t lock;
  int length;
  char text[16];
};
static struct buffer source = {PTHREAD_MUTEX_INITIALIZER, 5, "hello"}, target = {PTHREAD_MUTEX_INITIALIZER, 0, ""};

static int length_of(struct buffer *b) {
  pthread_mutex_lock(&b->lock);
  int length = b->length;
  pthread_mutex_unlock(&b->lock);
  return length;
}

static void copy(struct buffer *b, int length, char *to) {
  pthread_mutex_lock(&b->lock);
  assert(length <= b->length);
  memcpy(to, b->text, (size_t)length);
  pthread_mutex_unlock(&b->lock);
}

static void *append(void *u) {
  pthread_mutex_lock(&target.lock);
#ifdef FIXED
  pthread_mutex_lock(&source.lock);
  memcpy(target.text, source.text, (size_t)source.length);
  target.length += source.length;
  pthread_mutex_unlock(&source.lock);
  (void)length_of;
  (void)copy;
#else
  int length = length_of(&source);
  copy(&source, length, target.text);
  target.length += length;
#endif
  pthread_mutex_unlock(&target.lock);
  return u;
}

static void *erase(void *u) {
  pthread_mutex_lock(&source.lock);
  source.length = 0;
  pthread_mutex_unlock(&source.lock);
  return u;
}

int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, append, 0);
  pthread_create(&b, 0, erase, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
