#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>
#include <map>
#include <list>
#include <stdexcept>
struct two { int a, b; };
struct owner {
    char *name;
    owner(const char *n) : name(new char[strlen(n) + 1]) { strcpy(name, n); }
    owner &operator=(const owner &o) { delete[] name; name = new char[strlen(o.name) + 1]; strcpy(name, o.name); return *this; }
    ~owner() { delete[] name; }
};
struct shallow { char *p; shallow() : p(new char[5]) {} ~shallow() { delete[] p; } };
struct base { virtual ~base() {} int x = 1; };
struct other { virtual void f() {} int y = 2; };
struct both : base, other { int z = 3; };
struct alignas(64) wide { char c[64]; };
static void leak_new() { two *d = new two; d->a = 1; }
static void leak_array() { int *d = new int[100]; d[0] = 1; }
static void leak_string() { auto *s = new std::string("a string that is too long to be kept within"); printf("%zu\n", s->size()); }
static void leak_objects() { std::string *d = new std::string[3]; d[1] = "long enough to be on the heap by itself"; }
static void leak_throw() { try { char *d = new char[77]; throw std::runtime_error("x"); } catch (std::exception &e) { puts(e.what()); } }
static std::string *many;
static void reachable_array() { many = new std::string[4]; }
static void double_delete() { two *d = new two; delete d; delete d; }
static void double_array() { char *d = new char[10]; delete[] d; delete[] d; }
static void double_shallow() { shallow a; shallow b = a; b.p = new char[6]; }
static void uaf_new() { two *d = new two{1, 2}; delete d; printf("%d\n", d->a); }
static void uaf_array() { char *d = new char[20]; strcpy(d, "abc"); delete[] d; puts(d); }
static void uaf_string() { const char *p; { std::string s("a string that is too long to be kept within"); p = s.c_str(); } puts(p); }
static void uaf_vector() { std::vector<int> v{1, 2, 3}; int &r = v[0]; v.reserve(1000); printf("%d\n", r); }
static void uaf_assign() { owner a("one"), b("two"); a = b; puts(a.name); }
static void uaf_self() { owner a("one"); a = a; }
static void uaf_list() { std::list<int> l{1, 2, 3}; auto it = l.begin(); l.erase(it); printf("%d\n", *it); }
static void mis_1() { char *d = (char *)malloc(10); delete d; }
static void mis_2() { char *d = new char[10]; delete d; }
static void mis_3() { char *d = new char; free(d); }
static void mis_4() { two *d = new two; delete[] d; }
static void mis_5() { char *d = (char *)calloc(1, 10); delete[] d; }
static void mis_6() { char *d = new char[10]; d = (char *)realloc(d, 20); free(d); }
static void aligned() { wide *w = new wide; delete w; wide *v = new wide[3]; delete[] v; }
static void overflow_new() { int *d = new int[10]; for (int i = 0; i <= 10; i++) d[i] = i; delete[] d; }
static void overflow_vector() { std::vector<char> v(10); v.data()[10] = 1; }
static void overflow_string() { std::string s(40, 'a'); volatile char c = s.c_str()[42]; }
static void uninit_new() { int *d = new int; if (*d == 4) puts("4"); delete d; }
static void uninit_member() { struct m { int a; m() {} } x; if (x.a == 3) puts("3"); }
static void nothrow() { char *d = new (std::nothrow) char[10]; delete[] d; two *e = new (std::nothrow) two; operator delete(e, std::nothrow); }
static void sized() { two *d = new two; operator delete(d, sizeof(two)); char *c = new char[9]; operator delete[](c, 9); }
static void good()
{
    std::map<std::string, std::vector<int>> m;
    for (int i = 0; i < 100; i++) m[std::string(i % 30, 'x')].push_back(i);
    auto s = std::make_shared<both>();
    std::weak_ptr<both> w = s;
    std::unique_ptr<owner> o(new owner("x"));
    int sum = 0;
    for (auto &[k, v] : m) for (int x : v) sum += x + k.size();
    printf("%d %d\n", sum, (int)w.use_count());
    std::string t = "abc";
    for (int i = 0; i < 50; i++) t += t.substr(0, 10) + std::to_string(i);
    printf("%zu %zu %zu\n", t.size(), t.find("9"), t.rfind("zz"));
}
int main()
{
    leak_new(); leak_array(); leak_string(); leak_objects(); leak_throw(); reachable_array();
    double_delete(); double_array(); double_shallow();
    uaf_new(); uaf_array(); uaf_string(); uaf_vector(); uaf_assign(); uaf_self(); uaf_list();
    mis_1(); mis_2(); mis_3(); mis_4(); mis_5(); mis_6(); aligned();
    overflow_new(); overflow_vector(); overflow_string(); uninit_new(); uninit_member(); nothrow(); sized();
    good();
}
