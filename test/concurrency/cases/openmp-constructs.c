/* More of OpenMP, after what the public collections of its races have; those that begin with `race_` have a data race. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define N 100
static int a[N + 1], b[N], c[N], idx[N];
static double m[20][20], d1[20][20], d2[20][20];
static int total;
static omp_lock_t lock;
static omp_nest_lock_t nest;
static void nest_add(int *x) { omp_set_nest_lock(&nest); *x += 1; omp_unset_nest_lock(&nest); }
static void f1(int *q) {
#pragma omp critical
  *q = 1;
#pragma omp flush
}
static void f1bad(int *q) {
  *q = 1;
#pragma omp flush
}
static int fib(int n) {
  int x, y;
  if (n < 2) return n;
#pragma omp task shared(x)
  x = fib(n - 1);
  y = fib(n - 2);
#pragma omp taskwait
  return x + y;
}
int main(int argc, char **argv) {
  (void)argc;
  const char *name = argv[1];
  int i, j, k, x = 0, y = 0, sum = 0, tmp = 0, len = N;
  omp_init_lock(&lock);
  omp_init_nest_lock(&nest);
  for (i = 0; i < N; i++) idx[i] = i % (N / 2), a[i] = i;
#define CASE(text) if (strcmp(name, text) == 0)
  CASE("race_indirect") {
#pragma omp parallel for
    for (i = 0; i < N; i++) b[idx[i]] += 1;
  }
  CASE("race_lastprivate_missing") {
#pragma omp parallel for private(i)
    for (i = 0; i < N; i++) x = i;
    printf("%d\n", x);
  }
  CASE("race_minusminus") {
#pragma omp parallel for
    for (i = 0; i < len; i++) if (a[i] > 0) total--;
  }
  CASE("race_nowait") {
    int err;
#pragma omp parallel shared(b, err)
    {
#pragma omp for nowait
      for (i = 0; i < N; i++) a[i] = a[i] + 5;
#pragma omp single
      err = a[99] + 1;
    }
    (void)err;
  }
  CASE("race_outofbounds") {
#pragma omp parallel for private(j)
    for (i = 1; i < 20; i++)
      for (j = 0; j < 20; j++) (&m[0][0])[i * 20 + j] = (&m[0][0])[i * 20 + j - 1];
  }
  CASE("race_outputdep") {
#pragma omp parallel for
    for (i = 0; i < N; i++) { a[i] = x; x = 10; }
  }
  CASE("race_inner_var") {
#pragma omp parallel for
    for (i = 0; i < 20; i++)
      for (j = 0; j < 20; j++) m[i][j] = m[i][j] + 1;
  }
  CASE("race_single_element") {
#pragma omp parallel for
    for (i = 0; i < N; i++) a[i] = a[i] + a[0];
  }
  CASE("race_flush") {
    int s = 0;
#pragma omp parallel reduction(+ : s) num_threads(10)
    { int q = 0; (void)q; f1bad(&tmp); s += tmp; }
    (void)s;
  }
  CASE("race_dynamic_storage") {
    int *p = malloc(4);
    *p = 0;
#pragma omp parallel
    (*p)++;
    free(p);
  }
  CASE("race_ordered_missing") {
#pragma omp parallel for ordered
    for (i = 0; i < N; i++) x++;
  }
  CASE("race_linear_missing") {
#pragma omp parallel for
    for (i = 0; i < N; i++) { b[j % N] += a[i]; j++; }
  }
  CASE("race_nestlock") {
#pragma omp parallel sections
    {
#pragma omp section
      { nest_add(&x); x++; }
#pragma omp section
      { nest_add(&x); }
    }
  }
  CASE("race_missing_lock") {
#pragma omp parallel for
    for (i = 0; i < 20; i++) {
      if (i % 2) { omp_set_lock(&lock); total++; omp_unset_lock(&lock); }
      else total++;
    }
  }
  CASE("race_atomic_plain") {
#pragma omp parallel num_threads(3)
    {
#pragma omp atomic
      total++;
      if (omp_get_thread_num() == 1) total = 0;
    }
  }
  CASE("race_barrier_missing") {
#pragma omp parallel num_threads(4)
    {
      int me = omp_get_thread_num();
      a[me] = me;
      b[me] = a[(me + 1) % 4];
    }
  }
  /* ------- clean ------- */
  CASE("matmul") {
#pragma omp parallel for private(j, k)
    for (i = 0; i < 20; i++)
      for (k = 0; k < 20; k++)
        for (j = 0; j < 20; j++) m[i][j] += d1[i][k] * d2[k][j];
  }
  CASE("first_last_private") {
    int q = 3;
#pragma omp parallel for firstprivate(q) lastprivate(x)
    for (i = 0; i < N; i++) { a[i] = q; x = i; }
    return x != N - 1;
  }
  CASE("prints_unordered") {
#pragma omp parallel for
    for (i = 0; i < 10; i++) printf("%d ", i);
  }
  CASE("sections_lock") {
#pragma omp parallel sections
    {
#pragma omp section
      { omp_set_lock(&lock); x += 1; omp_unset_lock(&lock); }
#pragma omp section
      { omp_set_lock(&lock); x += 2; omp_unset_lock(&lock); }
    }
    return x != 3;
  }
  CASE("target") {
#pragma omp target map(a[0:N])
#pragma omp parallel for
    for (i = 0; i < N; i++) a[i] = a[i] + 1;
  }
  CASE("taskdep") {
#pragma omp parallel
#pragma omp single
    {
#pragma omp task shared(x) depend(out : x)
      x = 1;
#pragma omp task shared(x) depend(out : x)
      x = 2;
#pragma omp task shared(x, y) depend(in : x) depend(out : y)
      y = x;
#pragma omp task shared(x) depend(in : x)
      tmp = x;
    }
    return x != 2 || y != 2;
  }
  CASE("flush_ok") {
    int s = 0;
#pragma omp parallel reduction(+ : s) num_threads(4)
    { int q = 0; f1(&q); s += q; }
    return s != 4;
  }
  CASE("copyprivate") {
    float q = 0;
#pragma omp parallel firstprivate(q)
    {
#pragma omp single copyprivate(q)
      q = 2;
      q += 1;
    }
  }
  CASE("ordered_threads") {
#pragma omp parallel for ordered private(j)
    for (i = 0; i < 20; i++)
#pragma omp ordered
      { x++; a[i] = x; }
    return x != 20;
  }
  CASE("ordered_depend") {
#pragma omp parallel for ordered(1)
    for (i = 1; i < 20; i++) {
#pragma omp ordered depend(sink : i - 1)
      a[i] = a[i - 1] + 1;
#pragma omp ordered depend(source)
    }
  }
  CASE("taskloop_collapse") {
#pragma omp parallel
#pragma omp single
#pragma omp taskloop collapse(2)
    for (i = 0; i < 20; i++)
      for (j = 0; j < 20; j++) m[i][j] += 1;
  }
  CASE("taskloop_reduction") {
    int s = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskloop reduction(+ : s)
    for (i = 0; i < 50; i++) s += i;
    return s != 1225;
  }
  CASE("task_reduction") {
    int s = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : s)
    for (int q = 0; q < 8; q++)
#pragma omp task in_reduction(+ : s)
      s += q;
    return s != 28;
  }
  CASE("nowait_barrier") {
#pragma omp parallel
    {
#pragma omp for nowait
      for (i = 0; i < N; i++) a[i] = i;
#pragma omp barrier
#pragma omp single
      x = a[9] + 1;
    }
    return x != 10;
  }
  CASE("fib") {
#pragma omp parallel
#pragma omp single
    sum = fib(7);
    return sum != 13;
  }
  CASE("taskgroup") {
    int r = 0;
#pragma omp parallel
#pragma omp single
    {
#pragma omp taskgroup
      {
#pragma omp task
        {
#pragma omp task shared(r)
          r = 1;
        }
      }
#pragma omp task shared(r)
      r = 2;
    }
    return r != 2;
  }
  CASE("atomic_capture") {
#pragma omp parallel for
    for (i = 0; i < 20; i++) {
      int mine;
#pragma omp atomic capture
      mine = total++;
      b[mine] = i;
    }
    return total != 20;
  }
  CASE("atomic_double") {
    double s = 0;
#pragma omp parallel for
    for (i = 0; i < 20; i++)
#pragma omp atomic
      s += 0.5;
    return s != 10;
  }
  CASE("nestlock") {
#pragma omp parallel sections
    {
#pragma omp section
      { omp_set_nest_lock(&nest); nest_add(&x); x++; omp_unset_nest_lock(&nest); }
#pragma omp section
      nest_add(&x);
    }
  }
  CASE("master_barrier") {
#pragma omp parallel
    {
#pragma omp master
      x = 10;
#pragma omp barrier
      if (x != 10) abort();
    }
  }
  CASE("undeferred") {
#pragma omp parallel
#pragma omp single
    for (int q = 0; q < 10; q++)
#pragma omp task shared(x) if (0)
      x++;
  }
  CASE("mutexinoutset") {
    int p = 0;
#pragma omp parallel
#pragma omp single
    {
#pragma omp task depend(out : p) shared(p)
      p = 1;
#pragma omp task depend(mutexinoutset : p) shared(p)
      p += 2;
#pragma omp task depend(mutexinoutset : p) shared(p)
      p += 3;
#pragma omp task depend(in : p) shared(p)
      sum = p;
    }
    return sum != 6;
  }
  CASE("nested") {
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
    {
      int me = omp_get_thread_num();
#pragma omp parallel num_threads(2)
      a[me * 2 + omp_get_thread_num()] = 1;
      b[me] = a[me * 2] + a[me * 2 + 1];
    }
    return b[0] + b[1] != 4;
  }
  CASE("user_reduction") {
    int mx = 0;
#pragma omp parallel for reduction(max : mx) reduction(+ : c[:10])
    for (i = 0; i < N; i++) { if (i > mx) mx = i; c[i % 10]++; }
    return mx != N - 1 || c[0] != 10;
  }
  CASE("dynamic_schedules") {
#pragma omp parallel
    {
#pragma omp for schedule(dynamic) nowait
      for (i = 0; i < N; i++) a[i] = i;
#pragma omp for schedule(guided) nowait
      for (i = 0; i < N; i++) b[i] = i;
#pragma omp for schedule(runtime)
      for (i = 0; i < N; i++) c[i] = i;
#pragma omp for schedule(monotonic : dynamic, 3)
      for (i = 0; i < N; i++) a[i] += b[i] + c[i];
    }
    return a[7] != 21;
  }
  CASE("cancel") {
#pragma omp parallel
    {
#pragma omp for
      for (i = 0; i < N; i++) {
        a[i] = i;
#pragma omp cancel for if (i == 50)
      }
    }
  }
  CASE("scan") {
#pragma omp parallel for reduction(inscan, + : x)
    for (i = 0; i < N; i++) {
      x += a[i];
#pragma omp scan inclusive(x)
      b[i] = x;
    }
  }
  CASE("detach_priority") {
#pragma omp parallel
#pragma omp single
    {
      for (int q = 0; q < 6; q++)
#pragma omp task priority(q) firstprivate(q)
        a[q] = q;
#pragma omp taskwait
      for (int q = 0; q < 6; q++) sum += a[q];
    }
    return sum != 15;
  }
  CASE("two_regions") {
    for (int r = 0; r < 4; r++) {
#pragma omp parallel num_threads(r + 1)
      a[omp_get_thread_num()] = r;
      for (int q = 0; q <= r; q++) sum += a[q];
    }
    return sum != 0 + 2 + 6 + 12;
  }
  return 0;
}
