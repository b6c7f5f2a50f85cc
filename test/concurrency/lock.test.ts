/** `--check lock`: mutexes that are taken in two orders, in runs that do not deadlock by it; Helgrind is the oracle. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LockCheck, type LockFact } from '../../src/checks/lock.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'
import { compile, patterns } from './patterns.ts'

const engine = newEngine()
const directory = scratch()

/** What one run shows. */
function orders(path: string, seed: number): LockFact[] {
  const { machine } = machineFor(path, [], { seed, strategy: 'mix', processor: engine })
  const check = new LockCheck()
  machine.addObserver(check)
  machine.advance(20_000_000)
  machine.release()
  return check.facts
}

/** Helgrind tells of lock orders; these programs have no races. */
function helgrindComplains(path: string): boolean {
  return spawnSync('valgrind', ['--tool=helgrind', '-q', '--error-exitcode=9', path], { timeout: 50_000 }).status === 9
}

describe.each(['lock_order', 'philosophers'])('%s', (name) => {
  const pattern = patterns.find((one) => one.name === name)!
  test.each([false, true])('corrected: %s', { timeout: 60_000 }, (fixed) => {
    const path = compile(directory, pattern, fixed)
    const found = [0, 1, 2].map((seed) => orders(path, seed).length)
    expect(Math.max(...found) > 0).toBe(helgrindComplains(path))
  })
})

describe.each([
  ['spin locks', 'gcc', 'spin', ['-pthread']],
  ["musl's mutexes", 'musl-gcc', 'mutex', []],
  ["musl's mutexes in a static program", 'musl-gcc', 'mutex', ['-static']],
] as const)('%s', (_, compiler, kind, flags) => {
  const type = kind === 'spin' ? 'pthread_spinlock_t' : 'pthread_mutex_t'
  const make = (first: string, second: string): string => {
    const path = join(directory, `${compiler}-${kind}-${flags.length}-${first}${second}`)
    const source = `#include <pthread.h>
static ${type} a, b;
static void *one(void *u) { LOCK(&a); LOCK(&b); UNLOCK(&b); UNLOCK(&a); return u; }
static void *two(void *u) { LOCK(&${first}); LOCK(&${second}); UNLOCK(&${second}); UNLOCK(&${first}); return u; }
int main(void) {
  pthread_t t;
  pthread_${kind}_init(&a, 0);
  pthread_${kind}_init(&b, 0);
  pthread_create(&t, 0, one, 0);
  pthread_join(t, 0);
  pthread_create(&t, 0, two, 0);
  pthread_join(t, 0);
  return 0;
}
`
      .replaceAll('UNLOCK', `pthread_${kind}_unlock`)
      .replaceAll(/\bLOCK/g, `pthread_${kind}_lock`)
    writeFileSync(`${path}.c`, source)
    execFileSync(compiler, ['-g', '-O0', ...flags, '-o', path, `${path}.c`])
    return path
  }

  test('two orders are told, and one is not', { timeout: 60_000 }, () => {
    expect(orders(make('b', 'a'), 1)).toMatchObject([{ later: { kind: kind === 'spin' ? 'spin lock' : 'mutex' } }])
    expect(orders(make('a', 'b'), 1)).toEqual([])
  })
})

test('both sides are the two orders of the same mutexes', () => {
  const path = compile(
    directory,
    patterns.find(({ name }) => name === 'lock_order')!,
    false,
  )
  const [first] = [0, 1, 2, 3].flatMap((seed) => orders(path, seed))
  const { earlier, later } = first!
  expect([earlier.lock, earlier.held]).toEqual([later.held, later.lock])
  expect(earlier.tid).not.toBe(later.tid)
  expect(earlier.moment).toBeLessThan(later.moment)
})

test('other locks than those that are nested are no orders', () => {
  for (const name of ['account', 'bank', 'bounded_buffer', 'stack']) {
    const path = compile(
      directory,
      patterns.find((one) => one.name === name)!,
      true,
    )
    expect([name, ...orders(path, 1)]).toEqual([name])
  }
})
