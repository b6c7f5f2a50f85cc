// Operators that are mixed up, and some that are not.
#include <cstdlib>
#include <new>
#include <string>

struct Thing { int x; ~Thing() {} };

int main()
{
    int *one = new int;
    int *many = new int[10];
    Thing *things = new Thing[3];
    int *none = new (std::nothrow) int[5];
    std::string text(100, 'x');
    void *volatile p = one;
    free(p);
    delete many;
    delete[] things;
    delete[] none;
    p = malloc(8);
    delete (int *)p;
    p = new char[8];
    free(p);
    one = new int(4);
    delete one;
    delete one;
    return (int)text.size() == 1;
}
