// Memory that one function made and another gives back.
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

struct alignas(64) Wide {
    char bytes[64];
};
struct Named {
    std::string name;
    ~Named() {}
};

int main(int argc, char **)
{
    int *volatile one = new int(argc);
    int *volatile many = new int[argc + 2];
    int *volatile plain = static_cast<int *>(std::malloc(8));
    int *volatile third = new (std::nothrow) int;
    Wide *volatile wide = new Wide;
    void *volatile sized = ::operator new(24);
    Named *volatile names = new Named[3];
    std::vector<std::string> strings(10, "a string that does not fit into its own bytes");
#ifndef GOOD
    delete[] one; //~ mismatched-free
    delete many; //~ mismatched-free
    delete plain; //~ mismatched-free
    std::free(third); //~ mismatched-free
    ::operator delete(static_cast<void *>(wide)); //~ mismatched-alignment
    ::operator delete(sized, 16); //~ mismatched-size
    std::free(reinterpret_cast<long *>(names) - 1); //~ mismatched-free
#else
    delete one;
    delete[] many;
    std::free(plain);
    delete third;
    delete wide;
    ::operator delete(sized, 24);
    delete[] names;
#endif
    try {
        ::operator new(static_cast<std::size_t>(1) << 45);
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return 1;
}
