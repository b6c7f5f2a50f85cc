/** Holds objects of all sorts of C++ for questions about them, and stops inside of a member function. */
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

namespace shapes {

int counter = 7;
namespace {
int hidden = 8;
}
inline namespace v2 {
int versioned = 9;
}

enum class Color { Red, Green = 4, Blue };
enum Plain { PlainA, PlainB };
enum Bits : unsigned char { BitA = 1, BitB = 2 };

struct Base {
  int id = 1;
  static int count;
  virtual ~Base() {}
  virtual int area() const { return id; }
};
int Base::count = 3;

struct Named {
  const char *name = "named";
  int tag = 5;
};

class Square : public Base, private Named {
 public:
  Square(int side) : side(side) {}
  int area() const override;
  int tagOf() { return tag; }
  static int made(int n) { return n + instances; }
  typedef int Unit;
  Unit unit = 11;
  static const int limit = 42;

 protected:
  int side;
  static int instances;

 private:
  Color color = Color::Green;
  int &reference = counter;
};
int Square::instances = 12;

struct VirtualBase {
  int v = 21;
};
struct Left : virtual VirtualBase {
  int left = 22;
};
struct Right : virtual VirtualBase {
  int right = 23;
};
struct Diamond : Left, Right {
  int bottom = 24;
};

template <typename T, int N>
struct Box {
  T items[N];
  T first() const { return items[0]; }
};

struct Empty {};
struct Derived : Empty {
  int x = 1;
};

int Square::area() const {
  int local = side * side;
  const Base &self = *this;
  Box<int, 2> box = {{1, 2}};
  raise(SIGABRT);
  return local + self.id + box.first();
}

}  // namespace shapes

using shapes::Color;
shapes::Box<double, 3> doubles = {{1.5, 2.5, 3.5}};
shapes::Box<shapes::Named, 1> nested;
int shapes::Named::*member = &shapes::Named::tag;
int (shapes::Square::*method)(void) = &shapes::Square::tagOf;
int (shapes::Square::*virtualMethod)(void) const = &shapes::Square::area;
Color color = Color::Blue;
shapes::Plain plain = shapes::PlainB;
shapes::Bits bits = shapes::Bits(3);
shapes::Diamond diamond;
shapes::Derived derived;
shapes::Empty empty;
bool yes = true;
decltype(nullptr) nothing = nullptr;
char32_t wide = U'x';
auto lambda = [](int x) { return x + 1; };
int overloaded(int x) { return x; }
int overloaded(double x) { return (int)x; }

static int use(shapes::Base &base, shapes::Square &&moved, const int &number, shapes::Base *pointer) {
  int array[3] = {1, 2, 3};
  int(&view)[3] = array;
  return base.area() + moved.area() + number + pointer->id + view[1];
}

int main() {
  shapes::Square square(6);
  int number = 17;
  int sum = use(square, shapes::Square(2), number, &square);
  return sum + lambda(1) + overloaded(1) + overloaded(2.0) + shapes::hidden + shapes::versioned + (nested.items[0].tag) + (member != nullptr) + (method != nullptr) + (virtualMethod != nullptr);
}
