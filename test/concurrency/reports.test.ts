/** What hangs is told with what each thread waits for; exit codes and outputs are failures where the user says so. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Capture } from '../../src/lab/capture.ts'
import { compare, judge, NO_CRITERIA, type Criteria } from '../../src/lab/criteria.ts'
import { Place } from '../e2e/lemming.ts'
import { sources } from './patterns.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

test('a deadlock names the mutexes, their holders, and the circle', { timeout: 90_000 }, () => {
  const prog = place.compile('lock_order', fs.readFileSync(join(sources, 'lock_order.c'), 'utf8'), ['-g', '-O0'])
  const { failures } = place.json('hunt', ['--runs', '2000', '--', prog])
  expect(failures.length).toBe(1)
  const { finding } = failures[0]!
  expect(finding.kind).toBe('deadlock')
  expect(finding.what.replaceAll(/0x[0-9a-f]+/g, 'X')).toMatch(
    /^threads wait for each other: thread 100([12]) waits for mutex (first|second) \(X\), held by thread 100([12]); thread 100\3 waits for mutex (first|second) \(X\), held by thread 100\1$/,
  )
  const [main, ...others] = finding.others
  expect(main!.waitsFor).toMatchObject({ kind: 'thread', holders: [1001], what: 'the end of thread 1001' })
  for (const { waitsFor } of others) {
    expect(waitsFor!.kind).toBe('mutex')
    expect(waitsFor!.since).toBeGreaterThan(1000)
    expect(waitsFor!.since).toBeLessThanOrEqual(finding.moment)
  }
  expect(others.map(({ tid, waitsFor }) => [tid, ...waitsFor!.holders])).toEqual([
    [1001, 1002],
    [1002, 1001],
  ])
})

const SPIN = `
#include <pthread.h>
#include <sched.h>
static volatile int one_waits = 1, other_waits = 1;
static void *one(void *u) { while (one_waits) sched_yield(); return u; }
static void *other(void *u) { while (other_waits) ; return u; }
int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, one, 0);
  pthread_create(&b, 0, other, 0);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return 0;
}
`

test('threads that run in circles are a livelock', { timeout: 60_000 }, () => {
  const prog = place.compile('spin', SPIN)
  const { finding, exitCode } = place.json('run', ['--time-limit', '0.05', '--', prog])
  expect([finding!.kind, exitCode]).toEqual(['livelock', 8])
  expect(finding!.what).toMatch(
    /in the last 1250000 instructions threads 1001, 1002 ran and made no call but sched_yield$/,
  )
})

describe('criteria', () => {
  const at = { moment: 5, seed: 7 }
  const captured = (stdout: string, stderr = ''): Capture => {
    const capture = new Capture()
    capture.write(1, new TextEncoder().encode(stdout))
    capture.write(2, new TextEncoder().encode(stderr))
    return capture
  }
  const judged = (more: Partial<Criteria>, code: number, stdout = '', stderr = ''): string | undefined =>
    judge({ kind: 'exit', code }, captured(stdout, stderr), { ...NO_CRITERIA, ...more }, at)?.what

  test('exit codes', () => {
    expect(judged({}, 3)).toBeUndefined()
    expect(judged({ exitCodes: 'nonzero' }, 0)).toBeUndefined()
    expect(judged({ exitCodes: 'nonzero' }, 3)).toBe('the program exited with code 3')
    expect(judged({ exitCodes: [3, 4] }, 5)).toBeUndefined()
    expect(judged({ exitCodes: [3, 4] }, 4)).toBe('the program exited with code 4')
  })

  test('output that matches, or does not', () => {
    expect(judged({ matches: ['^lost \\d+$'] }, 0, 'a\nlost 12\nb')).toBe('stdout matches /^lost \\d+$/: lost 12')
    expect(judged({ matches: ['lost'] }, 0, 'all there', 'one lost\u0007')).toBe('stderr matches /lost/: one lost?')
    expect(judged({ matches: ['lost'] }, 0, 'all there')).toBeUndefined()
    expect(judged({ lacks: ['^done$'] }, 0, 'a\ndone\n')).toBeUndefined()
    expect(judged({ lacks: ['^done$'] }, 0, 'undone')).toBe('neither stdout nor stderr matches /^done$/')
  })

  test('output that should be the same', () => {
    const same = (is: string, was: string, streams: Criteria['expectSame']): string | undefined =>
      compare(captured(is), captured(was), { ...NO_CRITERIA, expectSame: streams }, at)?.what
    expect(same('a\nb\n', 'a\nb\n', ['stdout'])).toBeUndefined()
    expect(same('a\nc\n', 'a\nb\n', ['stderr'])).toBeUndefined()
    expect(same('a\nc\n', 'a\nb\n', ['stdout'])).toMatch(/: line 2 is 'c', and was 'b'$/)
    expect(same('a\n', 'a\nb\n', ['stdout'])).toMatch(/: line 2 is '', and was 'b'$/)
  })
})
