// Exceptions that leave one thread and are caught in another, streams, futures, and atomics of 16 bytes.
#include <atomic>
#include <cstdint>
#include <exception>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct alignas(16) Pair {
  uint64_t count, twice;
  bool operator==(const Pair &) const = default;
};

static std::atomic<Pair> pair{Pair{0, 0}};

static int deep(int level) {
  struct Guard {
    std::ostream &out;
    ~Guard() { out << '.'; }
  };
  std::ostringstream dots;
  Guard guard{dots};
  if (level == 0) throw std::runtime_error("from the bottom");
  return deep(level - 1) + 1;
}

int main() {
  std::exception_ptr caught;
  std::thread thrower([&] {
    try {
      deep(20);
    } catch (...) {
      caught = std::current_exception();
    }
  });
  thrower.join();
  try {
    std::rethrow_exception(caught);
  } catch (const std::exception &e) {
    std::cout << "rethrown: " << e.what() << std::endl;
  }

  auto failing = std::async(std::launch::async, [](int n) -> int { throw std::out_of_range("future " + std::to_string(n)); }, 7);
  try {
    failing.get();
  } catch (const std::out_of_range &e) {
    std::cout << "future: " << e.what() << '\n';
  }

  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([] {
      for (int n = 0; n < 300; n++) {
        Pair before = pair.load();
        while (!pair.compare_exchange_weak(before, Pair{before.count + 1, before.twice + 2})) {}
      }
    });
  for (auto &thread : threads) thread.join();
  Pair now = pair.load();
  std::cout << "pairs: " << now.count << ' ' << now.twice << '\n';

  std::mutex mutex;
  std::map<std::string, double> sums;
  std::vector<std::future<void>> futures;
  for (int i = 0; i < 3; i++)
    futures.push_back(std::async(std::launch::async, [&, i] {
      std::vector<double> values(100);
      std::iota(values.begin(), values.end(), i);
      std::lock_guard lock(mutex);
      sums["part " + std::to_string(i)] = std::accumulate(values.begin(), values.end(), 0.5);
    }));
  for (auto &future : futures) future.get();
  for (const auto &[name, sum] : sums) std::cout << std::setw(10) << name << std::fixed << std::setprecision(3) << std::setw(12) << sum << '\n';
  std::istringstream in("12 0x1f 3.5e2 word");
  int decimal, hex;
  double real;
  std::string word;
  in >> decimal >> std::hex >> hex >> real >> word;
  std::cout << decimal << ' ' << hex << ' ' << std::scientific << real << ' ' << word << std::endl;
  try {
    std::thread([] {}).detach();
    std::cout.exceptions(std::ios::failbit);
    std::cout.setstate(std::ios::failbit);
  } catch (const std::ios_base::failure &) {
    std::cout.clear();
    std::cout << "stream: failure\n";
  }
}
