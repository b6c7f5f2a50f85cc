/** Names what is measured: the programs, how each is built, and how its work grows with `--scale`. */

/** One program of the benchmark. Its source begins with a sentence on what it shows. */
export interface Kernel {
  /** What `--only` takes. */
  name: string
  /** The row's title in the table, with the size at scale 1. */
  title: string
  /** C sources relative to bench/; empty for a program of the system, which `program` names. */
  sources: string[]
  program?: string
  /** Arguments at a scale, 1 being the size of the title. `input` makes a file of that many bytes and gives its path. */
  args: (scale: number, input: (bytes: number) => string) => string[]
  env: Record<string, string>
}

/** A kernel of ours, whose one argument is its size. */
function kernel(name: string, title: string, size: (scale: number) => number): Kernel {
  const args = (scale: number): string[] => [String(Math.max(1, Math.round(size(scale))))]
  return { name, title, sources: [`kernels/${name}.c`], args, env: {} }
}

const goldenRatio = (1 + Math.sqrt(5)) / 2

/** All of them, in the order of the table. */
export const kernels: Kernel[] = [
  kernel('sha256', 'sha256, 64 MB', (scale) => 64 * scale),
  kernel('quicksort', 'quicksort with a callback, 5 M ints', (scale) => 5e6 * scale),
  kernel('heapsort', 'heapsort with a callback, 5 M ints', (scale) => 5e6 * scale),
  kernel('malloc_churn', 'malloc and free, 50 M times', (scale) => 50e6 * scale),
  // The work is proportional to the result.
  kernel('fib', 'recursive fib(38)', (scale) => 38 + Math.log(scale) / Math.log(goldenRatio)),
  kernel('hashtable', 'open-addressing hash table, 10 M operations', (scale) => 10e6 * scale),
  kernel('scan', 'byte-wise string scanning, 256 MB', (scale) => 256 * scale),
  kernel('nbody', 'n-body in doubles, 10 M steps', (scale) => 10e6 * scale),
  kernel('matmul', 'matrix multiply in floats, 1024 × 1024', (scale) => 1024 * Math.cbrt(scale)),
  {
    // A program as the distribution compiled it, on text: shows what a run costs that nobody prepared for it.
    name: 'gzip',
    title: 'gzip, 20 MB',
    sources: [],
    program: '/bin/gzip',
    args: (scale, input) => ['-n', '-c', input(Math.round(20e6 * scale))],
    env: {},
  },
  {
    // Four threads on a custom allocator: shows atomic instructions, thread-local storage and switches between threads.
    // Seconds 0 make it a fixed amount of work, whose checksum depends on no schedule.
    name: 'larson',
    title: 'Larson on superslab, 4 threads, 20 M operations',
    sources: ['../examples/superslab/larson.c', '../examples/superslab/superslab.c'],
    args: (scale) => ['0', '8', '128', '1000', String(Math.max(1, Math.round(5000 * scale))), '12345', '4'],
    env: { SS_FIX: '1' },
  },
]
