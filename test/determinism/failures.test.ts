/** A failure of superslab is one run: found by any number of jobs, and the same in every replay. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place, type Document } from '../e2e/lemming.ts'
import { larson } from './subjects.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

const { path, args, env } = larson()
const words = [...env.flatMap((entry) => ['--env', entry]), '--', path, ...args]
type Hunt = Document<'hunt'>

function hunt(jobs: string): Hunt {
  return place.json('hunt', ['--keep-going', '--runs', '16', '--jobs', jobs, '--out', `by${jobs}`, ...words])
}

/** All that hunts which found the same have in common. */
function found({ runs, failures }: Hunt): unknown {
  const what = failures.map(({ name, seed, hash, instructions, ending, finding }) => [
    name,
    seed,
    hash,
    instructions,
    ending,
    finding.what,
    finding.thread,
  ])
  return [runs, what]
}

let alone: Hunt
beforeAll(() => {
  alone = hunt('1')
})

test('one job and two find the same failures', () => {
  expect(alone.failures.length).toBeGreaterThan(1)
  expect(alone.failures.length).toBeLessThan(16)
  expect(found(hunt('2'))).toEqual(found(alone))
})

test('twenty replays: one hash, one report', () => {
  const failure = alone.failures[0]!
  const replayed = place.json('replay', ['--out', 'by1', '--times', '20', 'F1'])
  expect([replayed.times, replayed.hash, replayed.instructions]).toEqual([20, failure.hash, failure.instructions])
  expect(replayed.finding).toEqual(failure.finding)
  // Another process that has nothing translated yet, in another directory.
  const again = place.json('replay', [join(place.path, 'by2', 'F1')], {
    cwd: '/',
    env: { XDG_CACHE_HOME: join(place.path, 'other') },
  })
  expect([again.hash, { ...again.finding, again: '' }]).toEqual([failure.hash, { ...failure.finding, again: '' }])
})
