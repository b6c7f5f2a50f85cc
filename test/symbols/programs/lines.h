// Exists because inlined functions of a header bring lines of another file.
static inline __attribute__((always_inline)) int twice(int x) {
  volatile int y = x;
  y += x;
  return y;
}
static inline __attribute__((always_inline)) int thrice(int x) { return twice(x) + x; }
