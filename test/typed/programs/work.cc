/** Computes with classes, templates, references and inlined members, so that variables of C++ live in all sorts of places. */
#include <csignal>
#include <cstring>
#include <memory>

char scratch[8192];

namespace geometry {

struct Point {
  double x = 0, y = 0;
  Point operator+(const Point &other) const { return {x + other.x, y + other.y}; }
};

class Shape {
 public:
  explicit Shape(int id) : id(id) {}
  virtual ~Shape() {}
  virtual double area() const = 0;
  int number() const { return id; }

 private:
  int id;
};

class Rect : public Shape {
 public:
  Rect(int id, Point corner, double w, double h) : Shape(id), corner(corner), w(w), h(h) {}
  double area() const override {
    double result = w * h;
    return result > limit ? limit : result;
  }
  static double limit;

 private:
  Point corner;
  double w, h;
};
double Rect::limit = 1000;

template <typename T, int N>
struct Ring {
  T items[N];
  int head = 0;
  void push(const T &item) {
    int at = head % N;
    items[at] = item;
    head++;
  }
  template <typename F>
  T fold(T start, F f) const {
    T total = start;
    for (const T &item : items) total = f(total, item);
    return total;
  }
};

__attribute__((noinline)) double total(Shape *const *shapes, int count, Point &sum) {
  double result = 0;
  for (int i = 0; i < count; i++) {
    const Shape &shape = *shapes[i];
    double area = shape.area();
    Point step{area, double(shape.number())};
    sum = sum + step;
    result += area;
  }
  return result;
}

}  // namespace geometry

enum class Mode : short { Slow = 1, Fast = 2 };

__attribute__((noinline)) static long search(const long *values, unsigned count, long wanted, Mode mode) {
  unsigned low = 0, high = count;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    long found = values[middle];
    if (found == wanted && mode == Mode::Fast) return middle;
    if (found < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int main(int argc, char **argv) {
  using namespace geometry;
  Rect first(1, Point{1, 2}, 3, 4), second(2, Point{5, 6}, 70, argc);
  Shape *shapes[] = {&first, &second};
  Point sum;
  double all = total(shapes, 2, sum);
  Ring<long, 4> ring{};
  for (long i = 0; i < 9; i++) ring.push(i * argc);
  long folded = ring.fold(0, [&](long a, long b) {
    long both = a * 3 + b;
    return both % 1000003;
  });
  std::unique_ptr<Point> owned(new Point{all, 1.5});
  long sorted[] = {1, 4, 9, 16, 25, folded};
  long at = search(sorted, 6, 16, argc > 5 ? Mode::Slow : Mode::Fast);
  memset(scratch, 'x', 64);
  raise(SIGABRT);
  return int(at + owned->x) + (argv == nullptr);
}
