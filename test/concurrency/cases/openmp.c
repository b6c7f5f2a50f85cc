/* OpenMP, one construct for each name: those that begin with `race_` have a data race. */
#include <omp.h>
#include <string.h>

static int a[100], b[100], v[8], w[8], total, other;
static omp_lock_t lock;
static int own;
#pragma omp threadprivate(own)

static int fib(int n) {
  int x, y;
  if (n < 2) return n;
#pragma omp task shared(x)
  x = fib(n - 1);
#pragma omp task shared(y)
  y = fib(n - 2);
#pragma omp taskwait
  return x + y;
}

int main(int argc, char **argv) {
  (void)argc;
  const char *name = argv[1];
  int sum = 0, temporary = 0;
  omp_init_lock(&lock);
#define CASE(text) if (strcmp(name, text) == 0)
  CASE("loops") {
#pragma omp parallel for
    for (int i = 0; i < 100; i++) b[i] = i;
#pragma omp parallel for schedule(dynamic, 7)
    for (int i = 0; i < 99; i++) a[i] = b[i + 1];
#pragma omp parallel for schedule(guided)
    for (int i = 0; i < 99; i++) a[i] += b[i];
  }
  CASE("updates") {
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < 100; i++) {
      sum += i;
#pragma omp atomic
      total += i;
#pragma omp critical
      other += i;
    }
    return sum != 4950 || total != 4950 || other != 4950;
  }
  CASE("phases") {
#pragma omp parallel num_threads(4)
    for (int round = 0; round < 9; round++) {
      int me = omp_get_thread_num();
      v[me] = round;
#pragma omp barrier
      w[me] = v[(me + 1) % 4];
#pragma omp barrier
#pragma omp single
      total = w[0];
      b[me] = total;
#pragma omp barrier
    }
    return total != 8;
  }
  CASE("sections") {
#pragma omp parallel sections
    {
#pragma omp section
      total = 1;
#pragma omp section
      other = 1;
    }
    return total + other != 2;
  }
  CASE("ordered") {
#pragma omp parallel for ordered
    for (int i = 0; i < 20; i++) {
#pragma omp ordered
      total++;
    }
    return total != 20;
  }
  CASE("locks") {
#pragma omp parallel for
    for (int i = 0; i < 20; i++) {
      omp_set_lock(&lock);
      total++;
      omp_unset_lock(&lock);
    }
    return total != 20;
  }
  CASE("tasks") {
#pragma omp parallel
#pragma omp single
    {
      sum = fib(6);
#pragma omp taskgroup
      {
#pragma omp task depend(out : total)
        total = 1;
#pragma omp task depend(in : total)
        other = total;
      }
      sum += other;
    }
    return sum != 9;
  }
  CASE("race_neighbours") {
#pragma omp parallel for
    for (int i = 0; i < 99; i++) a[i] = a[i + 1] + 1;
  }
  CASE("race_sum") {
#pragma omp parallel for shared(sum)
    for (int i = 0; i < 100; i++) sum += i;
  }
  CASE("race_temporary") {
#pragma omp parallel for shared(temporary)
    for (int i = 0; i < 100; i++) {
      temporary = a[i];
      a[i] = temporary + i;
    }
  }
  CASE("race_criticals") {
#pragma omp parallel
    {
#pragma omp critical(one)
      total++;
#pragma omp critical(two)
      total++;
    }
  }
  CASE("race_master") {
#pragma omp parallel
    {
#pragma omp master
      total = 7;
      b[omp_get_thread_num()] = total;
    }
  }
  CASE("race_tasks") {
#pragma omp parallel
#pragma omp single
    {
#pragma omp task
      total = 1;
#pragma omp task
      total = 2;
    }
  }
  CASE("race_truedep") {
#pragma omp parallel for simd
    for (int i = 1; i < 100; i++) a[i] = a[i - 1] + 1;
  }
  CASE("race_sections") {
#pragma omp parallel sections
    {
#pragma omp section
      total = 1;
#pragma omp section
      total = 2;
    }
  }
  CASE("race_doacross") {
#pragma omp parallel for ordered(1) schedule(static, 1)
    for (int i = 2; i < 100; i++) {
#pragma omp ordered depend(sink : i - 2)
      a[i] = a[i - 1] + 1;
#pragma omp ordered depend(source)
    }
  }
  CASE("race_depend") {
#pragma omp parallel
#pragma omp single
    {
#pragma omp task depend(out : v)
      total = 1;
#pragma omp task depend(in : w)
      other = total;
    }
  }
  CASE("race_group") {
#pragma omp parallel
#pragma omp single
    {
#pragma omp taskgroup
      {
#pragma omp task
        v[0] = 1;
      }
#pragma omp task
      total = v[0];
      other = total;
    }
  }
  CASE("race_own") {
#pragma omp parallel
    {
      int *mine = &own;
#pragma omp single copyprivate(mine)
      mine = &own;
      *mine += 1;
    }
  }
  CASE("race_workshare") {
#pragma omp parallel num_threads(4)
    for (int i = 0; i < 8; i++) v[i]++;
  }
  CASE("doacross") {
#pragma omp parallel for ordered(1) schedule(static, 1)
    for (int i = 1; i < 100; i++) {
#pragma omp ordered depend(sink : i - 1)
      a[i] = a[i - 1] + 1;
#pragma omp ordered depend(source)
    }
    return a[99] != 99;
  }
  CASE("private_ones") {
    own = 3;
#pragma omp parallel copyin(own)
    own++;
#pragma omp parallel for firstprivate(temporary) lastprivate(sum)
    for (int i = 0; i < 100; i++) {
      temporary += i;
      sum = temporary - temporary + i;
    }
    return sum != 99;
  }
  CASE("lanes") {
#pragma omp simd safelen(4)
    for (int i = 4; i < 100; i++) a[i] = a[i - 4] + 1;
#pragma omp parallel for simd reduction(+ : sum)
    for (int i = 0; i < 100; i++) sum += a[i];
    return sum == 0;
  }
  return 0;
}
