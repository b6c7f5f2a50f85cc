/** Names what is measured: the programs, how each is built, and how its work grows with `--scale`. */
import { join } from 'node:path'

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
  /** The table it is in: kernels that show one thing each, or whole programs as the distribution has compiled them. */
  group: 'kernels' | 'programs' | 'short'
}

/** The heading of each table. Short programs, which are over before anything is worth optimising, are measured where checks are. */
export const groups = {
  kernels: 'Kernels',
  programs: 'Programs as Debian packages them',
  short: 'Short programs',
} as const

/** A kernel of ours, whose one argument is its size. */
function kernel(name: string, title: string, size: (scale: number) => number): Kernel {
  const args = (scale: number): string[] => [String(Math.max(1, Math.round(size(scale))))]
  return { name, title, sources: [`kernels/${name}.c`], args, env: {}, group: 'kernels' }
}

/** A program of the system. */
function packaged(name: string, title: string, program: string, args: Kernel['args']): Kernel {
  return { name, title, sources: [], program, args, env: {}, group: 'programs' }
}

/** A program of the system that does next to nothing, at every scale. */
function short(name: string, title: string, program: string, args: string[]): Kernel {
  return { name, title, sources: [], program, args: () => args, env: {}, group: 'short' }
}

/** A script of ours, which takes its size as its argument. */
const script = (name: string): string => join(import.meta.dirname, 'programs', name)
const whole = (size: number): string => String(Math.max(1, Math.round(size)))

/** SQL in the manner of SQLite's own speed test: inserts, an index, a join, an aggregate, updates. */
function sql(rows: number): string {
  return [
    'CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);',
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`,
    "INSERT INTO t SELECT i, i * 7919 % 10007, printf('%d-%x', i % 97, i * 31) FROM n;",
    'CREATE INDEX byb ON t(b);',
    'SELECT count(*), sum(x.a + y.b) FROM t x JOIN t y ON x.b = y.b + 1 WHERE x.a % 3 = 0;',
    "UPDATE t SET c = c || '!' WHERE b % 2 = 0;",
    'SELECT b % 10, count(*), max(length(c)), min(c) FROM t GROUP BY b % 10 ORDER BY 2, 1;',
    "DELETE FROM t WHERE c LIKE '%7%';",
    'SELECT count(*), total(b) FROM t;',
  ].join(' ')
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
    group: 'kernels',
  },
  {
    // Four threads on a custom allocator: shows atomic instructions, thread-local storage and switches between threads.
    // Seconds 0 make it a fixed amount of work, whose checksum depends on no schedule.
    name: 'larson',
    title: 'Larson on superslab, 4 threads, 20 M operations',
    sources: ['../examples/superslab/larson.c', '../examples/superslab/superslab.c'],
    args: (scale) => ['0', '8', '128', '1000', String(Math.max(1, Math.round(5000 * scale))), '12345', '4'],
    env: { SS_FIX: '1' },
    group: 'kernels',
  },
  packaged('bzip2', 'bzip2, 10 MB', '/bin/bzip2', (scale, input) => ['-c', '-k', input(Math.round(10e6 * scale))]),
  packaged('xz', 'xz -3, 10 MB', '/usr/bin/xz', (scale, input) => ['-3', '-c', '-k', input(Math.round(10e6 * scale))]),
  packaged('sqlite', 'sqlite3, 300,000 rows', '/usr/bin/sqlite3', (scale) => [
    ':memory:',
    sql(Math.round(3e5 * scale)),
  ]),
  packaged('lua', 'lua, strings, tables, calls', '/usr/bin/lua5.4', (scale) => [script('work.lua'), whole(10 * scale)]),
  packaged('python', 'python3, JSON, dictionaries, regular expressions', '/usr/bin/python3', (scale) => [
    script('work.py'),
    whole(10 * scale),
  ]),
  packaged('perl', 'perl, words of 10 MB', '/usr/bin/perl', (scale, input) => [
    script('work.pl'),
    input(Math.round(10e6 * scale)),
  ]),
  packaged('bash', 'bash, a loop of 40,000', '/bin/bash', (scale) => [
    '-c',
    `for ((i = 0; i < ${whole(40_000 * scale)}; i++)); do x=$((x + i)); y="a$x"; done; echo $x`,
  ]),
  short('true', 'true', '/bin/true', []),
  short('bash-line', "bash -c 'echo $((1 + 1))'", '/bin/bash', ['-c', 'echo $((1 + 1))']),
  short('sqlite-line', "sqlite3 :memory: 'select 1 + 1'", '/usr/bin/sqlite3', [':memory:', 'select 1 + 1']),
]
