/** `--check race`: what Helgrind calls a race is one, what it passes is none; lock-free code is quiet; reports name both sides. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { RaceCheck } from '../../src/checks/race.ts'
import { Place } from '../e2e/lemming.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'
import { compile, patterns } from './patterns.ts'

const engine = newEngine()
const directory = scratch()
const place = new Place({ check: 'none' })
afterAll(() => place.remove())

/** Places of races in some schedules. */
function races(path: string, seeds: number): Set<string> {
  const found = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) {
    const { machine } = machineFor(path, [], { seed, strategy: 'mix', processor: engine })
    const check = new RaceCheck()
    machine.addObserver(check)
    machine.advance(20_000_000)
    machine.release()
    for (const { earlier, later } of check.facts) found.add(`${earlier.pc} ${later.pc}`)
  }
  return found
}

const HELGRIND_FOUND = 9

function helgrind(path: string): number {
  const { status } = spawnSync('valgrind', ['--tool=helgrind', '-q', `--error-exitcode=${HELGRIND_FOUND}`, path], {
    timeout: 50_000,
  })
  return status!
}

describe.each(['wronglock', 'inodes', 'account'])('%s as Helgrind sees it', (name) => {
  const pattern = patterns.find((one) => one.name === name)!
  test.each([false, true])('corrected: %s', { timeout: 60_000 }, (fixed) => {
    const path = compile(directory, pattern, fixed)
    expect(races(path, 4).size > 0).toBe(helgrind(path) === HELGRIND_FOUND)
  })
})

test('no corrected program has a race', () => {
  for (const pattern of patterns.filter(({ n }) => n === null)) {
    const path = compile(directory, pattern, true)
    expect([pattern.name, ...races(path, 1)]).toEqual([pattern.name])
  }
})

const SPSC = `
#include <pthread.h>
#include <stdatomic.h>
static int slots[8];
static atomic_uint head, tail;
static int sum;
static void *give(void *u) {
  for (int i = 1; i <= 40; i++) {
    while (atomic_load_explicit(&head, memory_order_relaxed) - atomic_load_explicit(&tail, memory_order_acquire) == 8) ;
    slots[head % 8] = i;
    atomic_store_explicit(&head, head + 1, memory_order_release);
  }
  return u;
}
static void *take(void *u) {
  for (int i = 1; i <= 40; i++) {
    while (atomic_load_explicit(&head, memory_order_acquire) == atomic_load_explicit(&tail, memory_order_relaxed)) ;
    sum += slots[tail % 8];
    atomic_store_explicit(&tail, tail + 1, memory_order_release);
  }
  return u;
}
int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, give, 0);
  pthread_create(&b, 0, take, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return sum != 820;
}
`

test('lock-free code is quiet: acquire and release are plain instructions', () => {
  const prog = place.compile('spsc', SPSC)
  for (const seed of ['0', '1', '2'])
    expect(place.json('run', ['--check', 'race', '--seed', seed, '--', prog]).findings).toEqual([])
})

const FLAGS = `
#include <pthread.h>
static int flags;
static void *set(void *u) { __atomic_fetch_or(&flags, 2, __ATOMIC_SEQ_CST); return u; }
static void *reset(void *u) {
  int old = flags;
  flags = old & ~1;
  return u;
}
int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, set, 0);
  pthread_create(&b, 0, reset, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
`

test('a plain store to what others change atomically is named as such', () => {
  const prog = place.compile('flags', FLAGS, ['-g', '-O0'])
  const told = ['0', '1', '2', '3'].flatMap(
    (seed) => place.json('run', ['--check', 'race', '--seed', seed, '--', prog]).findings,
  )
  expect(told.length).toBeGreaterThan(0)
  const { race } = told[0]!
  expect(new Set([race!.later.atomic, race!.earlier.atomic])).toEqual(new Set([false, true]))
})

const PRAGMA = `
#include <omp.h>
static int data, ready;
int main(int argc, char **argv) {
  (void)argv;
  int seen = 0;
#pragma omp parallel num_threads(2)
  if (omp_get_thread_num() == 0) {
    data = 10;
#pragma omp atomic write release
    ready = 1;
    if (argc > 1) data = 11;
  } else {
    for (int now = 0; now == 0;) {
#pragma omp atomic read acquire
      now = ready;
    }
    seen = data;
  }
  return seen < 10;
}
`

/** Statements of one thread of a team, and whether tasks race. */
const TASKS: [string, boolean, string][] = [
  ['two tasks', true, 'task x = 1; task x = 2;'],
  ['a task and its maker', true, 'task x = 1; x = 2;'],
  ['one after the other has been waited for', false, 'task x = 1; wait x = 2; task x = 3;'],
  ['the task of a task, for which its maker has not waited', true, 'task { task x = 1; } wait x = 2;'],
  ['a group waits for all', false, 'group { task { task x = 1; } } x = 2;'],
  ['dependences', false, 'after(out) x = 1; after(inout) x++; after(in) z = x; after(out) x = 3;'],
  ['two that only read what they depend on', true, 'after(in) z = 1; after(in) z = 2;'],
  ['a lock', false, 'for (int i = 0; i < 6; i++) task { critical x++; }'],
  ['not deferred', false, 'for (int i = 0; i < 4; i++) now x++;'],
  [
    'stacks and blocks that are used again',
    false,
    'for (int i = 0; i < 9; i++) task { char b[2000], *p = malloc(40); memset(b, i, 2000); p[3] = b[7]; free(p); }',
  ],
]

test.each(TASKS)('tasks of OpenMP are ordered by what they depend on, not by the queue: %s', (name, isRace, body) => {
  const words: Record<string, string> = {
    task: 'task',
    wait: 'taskwait',
    group: 'taskgroup',
    critical: 'critical',
    now: 'task if(0)',
  }
  const text = body
    .replaceAll(/\b(task|wait|group|critical|now)\b/g, (word) => `\n#pragma omp ${words[word]}\n`)
    .replaceAll(/\bafter\((\w+)\)/g, '\n#pragma omp task depend($1: x)\n')
  const source = `#include <stdlib.h>\n#include <string.h>\nint x, z;\nint main(void) {\n#pragma omp parallel num_threads(3)\n#pragma omp single\n{ ${text} }\n  return 0;\n}\n`
  const path = join(directory, `tasks-${TASKS.findIndex(([other]) => other === name)}`)
  writeFileSync(`${path}.c`, source)
  execFileSync('gcc', ['-g', '-O0', '-fopenmp', '-o', path, `${path}.c`])
  expect(races(path, 2).size > 0).toBe(isRace)
})

test('OpenMP says on the line above that a plain instruction is atomic; what is not behind it races', () => {
  const prog = place.compile('pragma', PRAGMA, ['-g', '-O0', '-fopenmp'])
  const lines = (args: string[]): (string | undefined)[] =>
    ['0', '1', '2'].flatMap((seed) =>
      place
        .json('run', ['--check', 'race', '--seed', seed, '--', prog, ...args])
        .findings.flatMap(({ race }) => [race!.later, race!.earlier].map((side) => side.thread!.stack.frames[0]!.text)),
    )
  expect(lines([])).toEqual([])
  expect(new Set(lines(['more']))).toEqual(new Set(['if (argc > 1) data = 11;', 'seen = data;']))
})

const LOCKED = `
#include <pthread.h>
static pthread_mutex_t right_lock = PTHREAD_MUTEX_INITIALIZER, wrong_lock = PTHREAD_MUTEX_INITIALIZER;
static int shared_value;
static void *good(void *u) {
  pthread_mutex_lock(&right_lock);
  shared_value = 1;
  pthread_mutex_unlock(&right_lock);
  return u;
}
static void *bad(void *u) {
  pthread_mutex_lock(&wrong_lock);
  shared_value = 2;
  pthread_mutex_unlock(&wrong_lock);
  return u;
}
int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, good, 0);
  pthread_create(&b, 0, bad, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
`

test('both sides are told, with the locks that they held', () => {
  const prog = place.compile('locked', LOCKED, ['-g', '-O0'])
  const { findings, hash, instructions } = place.json('run', ['--check', 'race', '--', prog])
  expect(findings.length).toBe(1)
  const { kind, race, thread, times } = findings[0]!
  expect([kind, times, race!.location]).toEqual([
    'race',
    undefined,
    "an address in the program's own data (shared_value)",
  ])
  const sides = [race!.later, race!.earlier].toSorted((a, b) => a.tid - b.tid)
  const names = (locks: string[]): string[] => locks.map((lock) => lock.replace(/ \(0x[0-9a-f]+\)/, ''))
  expect(sides.map(({ what }) => what)).toEqual(['plain write of 4 bytes', 'plain write of 4 bytes'])
  expect(sides.map(({ locks }) => names(locks))).toEqual([['mutex right_lock'], ['mutex wrong_lock']])
  expect(sides.map((side) => side.thread!.stack.frames[0]!.function)).toEqual(['good', 'bad'])
  expect(thread!.tid).toBe(race!.later.tid)
  // The check changes nothing.
  const plain = place.json('run', ['--', prog])
  expect([plain.hash, plain.instructions]).toEqual([hash, instructions])
  const { stdout, stderr } = place.lemming(['run', '--check', 'race', '--', prog])
  expect(stdout + stderr).toMatch(
    /ERROR race: .*\n {2}at locked\.c:\d+ +\w+\(\)[\s\S]* holding mutex (right|wrong)_lock \(0x[0-9a-f]+\): above\n/,
  )
  execFileSync(`${place.path}/locked`)
})
