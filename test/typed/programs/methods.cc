// Methods of all kinds, containers, and an exception; it crashes at its end.
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct Shape {
  virtual ~Shape() {}
  virtual double area() const = 0;
  int id = 7;
  int twice(int x) const { return id * x; }
};
struct Square : virtual Shape {
  double side;
  Square(double side) : side(side) {}
  double area() const override { return side * side; }
};
template <class T> struct Box {
  T held;
  T get() const { return held; }
  static int count() { return 5; }
};
static int depth = 0;
int risky(int n) {
  if (n > 2) throw std::runtime_error("n is " + std::to_string(n));
  return n;
}
int add(const int &a, int &b) { return a + b; }
std::vector<int> numbers{1, 2, 3};
std::map<std::string, int> ages{{"a", 1}};

int main() {
  Square square(3);
  Shape *shape = &square;
  Box<int> box{4};
  std::string name = "hello";
  auto owned = std::make_unique<int>(3);
  for (int i = 0; i < 4; i++) try {
      depth += risky(i);
    } catch (const std::exception &) {
    }
  int x = 2, y = 3;
  depth += add(x, y) + shape->twice(2) + box.get() + Box<int>::count();
  int *nothing = nullptr;
  return *nothing + shape->area() + ages["a"];
}
