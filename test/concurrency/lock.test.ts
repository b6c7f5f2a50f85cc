/** `--check lock`: mutexes that are taken in two orders, in runs that do not deadlock by it; Helgrind is the oracle. */
import { spawnSync } from 'node:child_process'
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
