/* What C++'s library offers to threads, one case for each name: those that begin with `race_` have a data race, the others order all that they do. */
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

static int data;

static void both(std::function<void()> f, std::function<void()> g) {
  std::thread a(f), b(g);
  a.join();
  b.join();
}

static const std::map<std::string, void (*)()> CASES = {
    {"join", [] {
       std::thread t([] { data = 1; });
       t.join();
       data++;
     }},
    {"race_join", [] {
       std::thread t([] { data = 1; });
       data++;
       t.join();
     }},
    {"call_once", [] {
       std::once_flag once;
       auto f = [&] {
         std::call_once(once, [] { data = 1; });
         if (data != 1) abort();
       };
       both(f, f);
     }},
    {"static_local", [] {
       auto f = [] {
         static std::vector<int> values(3, 7);
         if (values[1] != 7) abort();
       };
       both(f, f);
     }},
    {"condition", [] {
       std::mutex m;
       std::condition_variable c;
       bool ready = false;
       both(
           [&] {
             std::lock_guard l(m);
             data = 1;
             ready = true;
             c.notify_one();
           },
           [&] {
             std::unique_lock l(m);
             c.wait(l, [&] { return ready; });
             data++;
           });
     }},
    {"race_condition", [] {
       std::mutex m;
       std::condition_variable c;
       bool ready = false;
       both(
           [&] {
             std::unique_lock l(m);
             ready = true;
             c.notify_one();
             l.unlock();
             data = 1;
           },
           [&] {
             std::unique_lock l(m);
             c.wait(l, [&] { return ready; });
             data++;
           });
     }},
    {"shared_mutex", [] {
       std::shared_mutex m;
       both(
           [&] {
             std::unique_lock l(m);
             data++;
           },
           [&] {
             std::shared_lock l(m);
             if (data > 1) abort();
           });
     }},
    {"race_shared_mutex", [] {
       std::shared_mutex m;
       auto f = [&] {
         std::shared_lock l(m);
         data++;
       };
       both(f, f);
     }},
    {"scoped_lock", [] {
       std::mutex m, n;
       auto f = [&] {
         std::scoped_lock l(m, n);
         data++;
       };
       both(f, f);
     }},
    {"recursive_timed", [] {
       std::recursive_timed_mutex m;
       auto f = [&] {
         std::lock_guard l(m);
         if (m.try_lock_for(std::chrono::milliseconds(5))) {
           data++;
           m.unlock();
         }
       };
       both(f, f);
     }},
    {"latch", [] {
       std::latch l(1);
       both(
           [&] {
             data = 1;
             l.count_down();
           },
           [&] {
             l.wait();
             data++;
           });
     }},
    {"race_latch", [] {
       std::latch l(1);
       both(
           [&] {
             l.count_down();
             data = 1;
           },
           [&] {
             l.wait();
             data++;
           });
     }},
    {"barrier", [] {
       std::barrier b(2);
       both(
           [&] {
             data = 1;
             b.arrive_and_wait();
             b.arrive_and_wait();
             data++;
           },
           [&] {
             b.arrive_and_wait();
             data++;
             b.arrive_and_wait();
           });
     }},
    {"semaphore", [] {
       std::binary_semaphore s(0);
       both(
           [&] {
             data = 1;
             s.release();
           },
           [&] {
             s.acquire();
             data++;
           });
     }},
    {"jthread", [] {
       std::atomic<int> seen = 0;
       std::jthread t([&](std::stop_token stop) {
         while (!stop.stop_requested()) std::this_thread::yield();
         seen = data;
       });
       data = 1;
       t.request_stop();
       t.join();
       data = 2;
     }},
    {"future", [] {
       std::promise<int> p;
       auto f = p.get_future();
       both(
           [&] {
             data = 1;
             p.set_value(3);
           },
           [&] { data += f.get(); });
     }},
    {"async", [] {
       auto f = std::async(std::launch::async, [] {
         data = 1;
         return std::string("some words that take more than the room inside");
       });
       if (f.get().size() < 10) abort();
       data++;
     }},
    {"race_async", [] {
       auto f = std::async(std::launch::async, [] { data = 1; });
       data++;
       f.get();
     }},
    {"wait_notify", [] {
       std::atomic<int> a = 0;
       both(
           [&] {
             data = 1;
             a.store(1, std::memory_order_release);
             a.notify_one();
           },
           [&] {
             a.wait(0, std::memory_order_acquire);
             data++;
           });
     }},
    {"atomic_ref", [] {
       int n = 0;
       auto f = [&] {
         for (int i = 0; i < 4; i++) std::atomic_ref(n)++;
       };
       both(f, f);
       data = n;
     }},
    {"shared_ptr", [] {
       auto p = std::make_shared<int>(1);
       auto q = p;
       both([p = std::move(p)]() mutable { p.reset(); }, [q = std::move(q)]() mutable { q.reset(); });
     }},
    {"race_shared_ptr", [] {
       auto p = std::make_shared<int>(1);
       both([&] { p = std::make_shared<int>(2); }, [&] { auto q = p; });
     }},
    {"atomic_shared_ptr", [] {
       auto p = std::make_shared<int>(1);
       both([&] { std::atomic_store(&p, std::make_shared<int>(2)); }, [&] { auto q = std::atomic_load(&p); });
     }},
    {"spin", [] {
       std::atomic_flag f;
       auto g = [&] {
         while (f.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
         data++;
         f.clear(std::memory_order_release);
       };
       both(g, g);
     }},
    {"race_vector", [] {
       std::vector<int> v;
       v.reserve(8);
       auto f = [&] { v.push_back(1); };
       both(f, f);
     }},
    {"vector_elements", [] {
       std::vector<int> v(2);
       both([&] { v[0] = 1; }, [&] { v[1] = 1; });
     }},
    {"race_vector_bool", [] {
       std::vector<bool> v(2);
       both([&] { v[0] = true; }, [&] { v[1] = true; });
     }},
    {"streams", [] {
       auto f = [] {
         std::ostringstream words;
         words << 3.5 << ' ' << std::hex << 255 << std::endl;
         double back = 0;
         std::istringstream(words.str()) >> back;
         if (back != 3.5) abort();
       };
       both(f, f);
     }},
    {"thread_local", [] {
       static thread_local std::string own;
       auto f = [] { own += "some words that take more than the room inside"; };
       both(f, f);
     }},
};

int main(int argc, char **argv) {
  if (argc > 1) CASES.at(argv[1])();
  return 0;
}
