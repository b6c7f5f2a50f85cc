// Exists to have source lines of every kind: inlined calls, templates of the standard library, unnamed namespaces, lambdas, exceptions.
#include <vector>
#include <map>
#include <string>
#include <algorithm>
#include <cstdio>
namespace ns { struct S { int v; S(int x): v(x) {} int get() const; virtual ~S() {} };
int S::get() const { return v * 3; } 
template <class T> T tmax(T a, T b) { return a < b ? b : a; } }
namespace { int hidden(int x) { volatile int y = x; return y + 1; } }
static inline int inner(int x) { volatile int q = x; q += 2; return q; }
static inline __attribute__((always_inline)) int middle(int x) { return inner(x) + inner(x + 1); }
extern "C" int plain(int x) { return middle(x) * 2; }
int main(int argc, char **argv) {
  std::vector<int> v; std::map<std::string,int> m;
  for (int i = 0; i < argc * 10; i++) { v.push_back(i ^ 5); m[std::to_string(i)] = hidden(i); }
  std::sort(v.begin(), v.end(), [](int a, int b) { return a > b; });
  ns::S s(3); 
  printf("%d %d %zu\n", plain(ns::tmax(v[0], s.get())), v.back(), m.size());
  try { if (argc > 5) throw std::string("x"); } catch (std::string &e) { puts(e.c_str()); }
}
