// Virtual bases, members by pointer, templates, and an end that the program asks for: what somebody from elsewhere brings along.
#include <stdlib.h>
#include <string.h>

struct Base {
  virtual ~Base() {}
  virtual int area() const { return 0; }
  int id = 3;
};
struct Left : virtual Base { int left = 11; };
struct Right : virtual Base { int right = 22; };
struct Both : Left, Right {
  int both = 33;
  int area() const override { return both * id; }
};
template <class T, int N> struct Box { T items[N]; };
struct Point { int x, y; };
template <class T> T twice(T x) { return x + x; }

static Both both;
Base *base = &both;
Left *left = &both;
Box<Point, 2> box = {{{1, 2}, {3, 4}}};
int Point::*second = &Point::y;
int total;
alignas(32) char wide[32];

int add(int x) {
  total += twice(x);
  return total;
}

__attribute__((noinline)) static long sum(const Point *points, int n) {
  long all = 0;
  for (int i = 0; i < n; i++) all += points[i].x * points[i].y;
  return all;
}

int main() {
  const char *text = "some text";
  for (int i = 1; i < 6; i++) add(i);
  long all = sum(box.items, 2);
  if (total + all + base->area() + left->left + strlen(text) > 0) abort();
  return 0;
}
