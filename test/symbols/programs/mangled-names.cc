// Exists so that the compiler mangles what libraries rarely contain: expressions in signatures, exotic types, local and unnamed things.
#include <cstddef>
#include <initializer_list>
#include <new>
#include <utility>

struct A {
  int member;
  int method(int) const;
  template <class T> T get() const { return T(); }
  template <class T> operator T *() const { return nullptr; }
  A operator+(const A &) const { return *this; }
  int operator()(int, char) { return 0; }
  int operator[](int) && { return 0; }
  int quiet() noexcept { return 0; }
  int both() const volatile & { return 0; }
  void *operator new(std::size_t) { return nullptr; }
  void operator delete[](void *) {}
  A *operator->() { return this; }
  static int counter;
};
int A::method(int) const { return 0; }
int A::counter = 3;
bool operator""_suffix(unsigned long long) { return true; }
enum E { red, green };
enum class Colour : char { blue };
namespace {
int hidden(int x) { return x; }
struct Hidden { int f() { return 1; } };
} // namespace
static int internal(Hidden *h) { return h->f() + hidden(1); }
extern template class std::initializer_list<int>;

template <int N> int plain() { return N; }
template <unsigned long N> int wide() { return 0; }
template <bool B> int flag() { return 0; }
template <char C> int character() { return 0; }
template <E e> int enumerated() { return 0; }
template <Colour c> int coloured() { return 0; }
template <long long N> int negative() { return 0; }
template <int A::*M> int dataMember() { return 0; }
template <int (A::*M)(int) const> int functionMember() { return 0; }
template <int *P> int object() { return 0; }
template <int (*F)(int)> int function() { return 0; }
template <decltype(nullptr) N> int null() { return 0; }
template <template <class...> class T> int templated(T<int> *) { return 0; }
template <class...> struct Pack {};
template <class... T> int sizes(Pack<T...> *, char (*)[sizeof...(T) + 1]) { return 0; }
template <class... T> int pointers(T *...) { return 0; }
template <class... T, class... U> int two(Pack<T...>, Pack<U...>) { return 0; }
template <class... T> int rvalues(T &&...) { return 0; }
template <class F, class... T> auto invoke(F f, T &&...t) -> decltype(f(std::forward<T>(t)...)) { return f(std::forward<T>(t)...); }

template <class T> auto plus(T a, T b) -> decltype(a + b) { return a + b; }
template <class T> auto minus(T a, T b) -> decltype(-a - ~b) { return a; }
template <class T> auto compare(T a, T b) -> decltype(a < b && a > b || !(a <= b) != (a >= b)) { return true; }
template <class T> auto shift(T a, T b) -> decltype(a << b >> b % a / b ^ a & b | a) { return a; }
template <class T> auto assign(T a, T b) -> decltype(a += b, a -= b, a *= b, a <<= b) { return a; }
template <class T> auto increment(T a) -> decltype(++a, a++, --a, a--) { return a; }
template <class T> auto index(T *a) -> decltype(a[0]) { return *a; }
template <class T> auto dereference(T *a) -> decltype(*a) { return *a; }
template <class T> auto address(T a) -> decltype(&a) { return nullptr; }
template <class T> auto conditional(T a) -> decltype(a ? a : a + 1) { return a; }
template <class T> auto arrow(T *a) -> decltype(a->member) { return a->member; }
template <class T> auto dot(T a) -> decltype(a.member) { return a.member; }
template <class T> auto call(T a) -> decltype(a.method(3)) { return 0; }
template <class T> auto callTemplate(T a) -> decltype(a.template get<int>()) { return 0; }
template <class T> auto cast(T a) -> decltype(static_cast<long>(a) + (short)a + reinterpret_cast<char &>(a)) { return 0; }
template <class T> auto construct(T a) -> decltype(A{1}, T(a), T{a}) { return a; }
template <class T> auto fresh(T a) -> decltype(new T(a), new T, new (&a) T) { return nullptr; }
template <class T> auto remove(T *a) -> decltype(delete a, 0) { return 0; }
template <class T> auto size(T a) -> char (*)[sizeof(T) + sizeof(a) + alignof(T)] { return nullptr; }
template <class T> auto nested(T) -> typename T::template Rebind<typename T::Value>::Type { return 0; }
template <class T> auto constant(T) -> char (*)[T::size + T::template Rebind<int>::other] { return nullptr; }
template <class T> auto pointerToMember(T a, int T::*m) -> decltype(a.*m) { return a.*m; }
template <class T> auto thrower(T a) -> decltype(a ? a : throw 1) { return a; }
template <class... T> auto foldLeft(T... a) -> decltype((... + a)) { return 0; }
template <class... T> auto foldRight(T... a) -> decltype((a && ...)) { return false; }
template <class... T> auto foldBoth(T... a) -> decltype((a * ... * 1)) { return 0; }
template <class T> void quietly(T f) noexcept(noexcept(f())) {}
template <class T> void takesQuiet(void (*)(T) noexcept) {}
template <class T, int N> int array(T (&)[N]) { return N; }
template <class T, int N, int M> int matrix(const T (&)[N][M]) { return N; }
template <class T> int constantReference(const T &) { return 0; }
template <class T> int volatiles(volatile T *const *) { return 0; }

struct Traits {
  using Value = char;
  static constexpr int size = 3;
  template <class T> struct Rebind {
    using Type = T;
    static constexpr int other = 4;
  };
};

int (*functionPointer(int (*)(char)))(long) { return nullptr; }
int (&referenceToArray(int (&)[3][4]))[5] {
  static int a[5];
  return a;
}
void memberPointers(int A::*, int (A::*)(int) const, int (A::**)(char), int (A::*const)()) {}
void qualifiers(const char *const *, volatile int &, char *__restrict, const volatile void *) {}
void functions(void (*)(int, ...), void (*(*)(int))(char), int *(*)(), int &(&)(), void (*const *)()) {}
void builtins(signed char, unsigned char, wchar_t, char16_t, char32_t, __int128, unsigned __int128, float, long double, bool, ...) {}
void complexes(_Complex double, decltype(nullptr), float __attribute__((vector_size(16)))) {}
template <class T> T variable = T();
template <class T> struct Outer {
  Outer();
  ~Outer();
  template <class U> struct Inner {
    Inner(U);
    template <class V> V both(T, U);
    friend int friendly(Inner) { return 1; }
  };
  struct { int x; } unnamed;
  enum { first };
  virtual int virtually() { return 1; }
};
template <class T> Outer<T>::Outer() {}
template <class T> Outer<T>::~Outer() {}
template <class T> template <class U> Outer<T>::Inner<U>::Inner(U) {}
template <class T> template <class U> template <class V> V Outer<T>::Inner<U>::both(T, U) { return V(); }
struct Base1 { virtual int one() { return 1; } virtual ~Base1() {} };
struct Base2 { virtual int two() { return 2; } };
struct Virtual : virtual Base1, Base2 {
  int one() override { return 3; }
  int two() override { return 4; }
};
struct Further : Virtual {};
thread_local A perThread;
inline int locals(int n) {
  static int counter = n;
  struct Local { int f() { static int deep = 1; return deep++; } };
  auto lambda = [n](int x, auto y) { static int inside = n; return x + y + inside++; };
  auto second = []<class T, int N>(T (&)[N]) { return N; };
  int array3[3];
  struct { int g() { return 1; } } anonymous;
  return counter + Local().f() + lambda(1, 2L) + second(array3) + anonymous.g();
}
template <class T> int inDefault(T t = [] { return T(); }()) { return 0; }
int usesAll(A a, Traits t) {
  static const A &reference = A();
  static int zero;
  int x = 0, array2[2], matrix2[2][3];
  A *pointer = a;
  auto generic = [](auto... values) { return sizeof...(values); };
  Pack<int, char> *pack = nullptr;
  char sized[3];
  return plain<3>() + plain<-3>() + wide<7>() + flag<true>() + character<'a'>() + enumerated<green>() + coloured<Colour::blue>() +
         negative<-5>() + dataMember<&A::member>() + functionMember<&A::method>() + object<&A::counter>() + function<hidden>() + null<nullptr>() +
         templated<Pack>(nullptr) + sizes(pack, &sized) + pointers(&x, "x") + pointers() + two(Pack<int>(), Pack<>()) + rvalues(x, 1, a) +
         invoke(a, 1, 'c') + plus(1, 2) + minus(1, 2) + compare(1, 2) + shift(1, 2) + assign(1, 2) + increment(1) + index(&x) + dereference(&x) +
         (address(x) != nullptr) + conditional(1) + arrow(pointer) + dot(a) + call(a) + callTemplate(a) + (int)cast(1) + (int)construct(1) +
         (fresh(1) != nullptr) + remove(&x) + (size(1) != nullptr) + nested(t) + (constant(t) != nullptr) +
         pointerToMember(a, &A::member) + thrower(1) + foldLeft(1, 2) + foldRight(true, false) + foldBoth(1, 2) + array(array2) + matrix(matrix2) +
         constantReference(array2) + volatiles((volatile int *const *)nullptr) + (int)variable<long> + locals(2) + (int)generic(1, 'c') + inDefault(1) +
         internal(nullptr) + reference.member + zero + perThread.member + a(1, 'c') + A()[1] + a.quiet() + a.both() + 1_suffix;
}
void usesMore() {
  quietly([] {});
  takesQuiet<int>(nullptr);
  Outer<int> outer;
  Outer<int>::Inner<char> inner('c');
  inner.both<long>(1, 'c');
  friendly(inner);
  Further further;
  outer.virtually();
}
