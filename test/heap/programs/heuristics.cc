// Pointers into the middle of blocks that C++ makes: nothing is lost, with GOOD or without, but what is dropped.
#include <cstdlib>
#include <string>

struct First {
    virtual ~First() {}
    long a = 1;
};
struct Second {
    virtual ~Second() {}
    long b = 2;
};
struct Both : First, Second {
    long c = 3;
};
struct Named {
    std::string name;
    ~Named() {}
};

static Second *second;
static Named *array;
static char *counted;

int main()
{
    second = new Both;
    array = new Named[3];
    // The length of what follows in the first eight bytes.
    long *block = static_cast<long *>(std::malloc(72));
    block[0] = 64;
    counted = reinterpret_cast<char *>(block + 1);
#ifndef GOOD
    new Both; //~ leak-definite
    new std::string("a string that is much too long for its own bytes"); //~ leak-definite
#endif
    volatile char clean[4096];
    for (unsigned i = 0; i < sizeof clean; i++)
        clean[i] = 0;
    return 0;
}
