// Exists to stop in a destructor while an exception passes lambdas and templates of the standard library.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <vector>
struct Resource { ~Resource() { if (getenv("HOME")) abort(); } };
static void thrower(int x) { Resource resource; if (x > 2) throw std::runtime_error("x"); }
static int run(std::function<int(int)> f, int n) { return n ? run([f](int k) { return f(k + 1); }, n - 1) : f(1); }
int main() {
  std::vector<int> v{3, 1, 2};
  try {
    std::sort(v.begin(), v.end(), [](int a, int b) { run([](int k) { thrower(k); return k; }, 3); return a < b; });
  } catch (std::exception &) {}
}
