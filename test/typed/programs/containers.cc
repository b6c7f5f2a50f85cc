// Containers of the C++ library in all their states, for what gdb's printers say of them.
#include <string>
#include <vector>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <set>
#include <list>
#include <forward_list>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <stack>
#include <queue>
#include <string_view>
#include <atomic>
#include <any>
#include <bitset>
#include <cstdlib>
struct P { int x, y; bool operator<(const P &o) const { return x < o.x; } };
struct E {};
static void stop() { std::abort(); }
using Big = std::map<std::string, std::vector<std::pair<int, std::optional<std::string>>>>;
struct Holder { std::string name; std::vector<int> numbers; std::unique_ptr<P> owner; };
__attribute__((noinline)) static int work(const std::string &text, std::vector<int> numbers, const Holder &holder, P plain) {
  stop();
  return (int)(text.size() + numbers.size() + holder.numbers.size()) + plain.x;
}
int main() {
  std::vector<P> vp{{1, 2}, {3, 4}};
  std::vector<int> ve;
  std::vector<char> vc{'a', 'b'};
  std::vector<int> vl(500, 7);
  std::vector<std::vector<int>> vv{{1}, {2, 3}, {}};
  std::map<int, P> mp{{1, {1, 2}}};
  std::map<P, int> pm{{{1, 2}, 3}, {{5, 6}, 7}};
  std::map<int, int> big; for (int i = 0; i < 300; i++) big[i * 7 % 300] = i;
  std::set<std::string> ss{"b", "a"};
  std::set<int> es;
  std::multimap<int, char> mm{{1, 'a'}, {1, 'b'}};
  std::unordered_set<std::string> us{"u"};
  std::unordered_map<std::string, double> um{{"k", 1.5}};
  std::list<std::string> ls{"p", "q"}; std::list<int> le;
  std::forward_list<int> fl{1, 2, 3}, fe;
  std::deque<int> dq; for (int i = 0; i < 300; i++) dq.push_back(i); dq.pop_front(); dq.push_front(-1); dq.push_front(-2);
  std::deque<int> de;
  std::stack<int> stk; stk.push(1); stk.push(2);
  std::queue<int> que; que.push(9);
  std::priority_queue<int> pq; pq.push(3);
  std::string_view sv = "view"; 
  std::string emb("a\0b", 3), empty, longer(300, 'z'), mixed = std::string(30, 'y') + "tail";
  std::wstring ws = L"wide"; std::u16string u16 = u"sixteen"; std::u32string u32 = U"thirty";
  std::unique_ptr<int[]> ua(new int[3]{1, 2, 3}); std::unique_ptr<P> un;
  auto sh = std::make_shared<P>(P{7, 8}); std::weak_ptr<P> wk = sh; std::shared_ptr<int> sn; auto sh2 = sh;
  std::variant<int, P> va = P{1, 2}; std::optional<P> op = P{3, 4};
  Big b{{"key", {{1, "one"}, {2, std::nullopt}}}};
  std::atomic<long> al{7}; std::atomic<bool> ab{true}; std::atomic<P *> ap{&vp[0]};
  std::initializer_list<int> il{1, 2, 3};
  std::pair<std::string, int> pr{"first", 2};
  std::tuple<> te; std::tuple<std::string, P> tp{"t", {1, 2}};
  std::shared_ptr<int> al2(sn);
  P arrp[3] = {{1, 2}, {1, 2}, {1, 2}}; std::string arrs[2] = {"x", "y"};
  auto vi = vp.begin() + 1; auto mi = mp.begin(); auto si = ss.begin(); auto di = dq.begin(); auto ui = um.begin();
  std::any an = 5, ae, as = std::string("in any"); std::bitset<70> bs(5); bs.set(69); std::bitset<3> none;
  Holder holder{"holder", {4, 5}, std::make_unique<P>()};
  return work(mixed, ve, holder, vp[0]) + (int)(vp.size() + il.size() + ab + (ap != nullptr) + al);
}
