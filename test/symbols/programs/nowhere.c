// Exists to call a null pointer.
typedef int (*F)(int);
__attribute__((noinline)) int caller(F f, int x) { return f(x) + 1; }
int main(int count, char **arguments) { return caller((F)(long)(count - 1), 3); }
