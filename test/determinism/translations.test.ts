/** What was translated before, by whom and for what, changes nothing: neither a cache on disk in any condition, nor an engine that others have used. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import { newEngine } from '../machine/machines.ts'
import { Place } from '../e2e/lemming.ts'
import { alteredThreads, pooled, reference, single, start, threads } from './subjects.ts'

const four = threads()
const altered = alteredThreads()
const one = single()

describe('the cache on disk', () => {
  const place = new Place({ check: 'none' })
  afterAll(() => place.remove())
  const cache = join(place.path, 'cache')
  const files = join(cache, 'lemming', 'translations')

  /** A run by the command; what is equal for equal runs, and how much of the cache was used. */
  function run(path: string): { end: unknown[]; used: boolean } {
    const { instructions, hash, ending, stdout, statistics } = place.json('run', ['--seed', '5', '--', path], {
      env: { XDG_CACHE_HOME: cache },
    })
    return {
      end: [instructions, hash, ending, stdout],
      used: statistics.revived! > statistics.regions! + statistics.units!,
    }
  }
  /** The file that the cache gains; of several, one for each variant of code, the largest: directories have no order. */
  function cacheFile(action: () => void): string {
    const before = new Set(fs.existsSync(files) ? fs.readdirSync(files) : [])
    action()
    const size = (name: string): number => fs.statSync(join(files, name)).size
    const gained = fs.readdirSync(files).filter((entry) => !before.has(entry))
    return join(files, gained.toSorted((x, y) => size(y) - size(x))[0]!)
  }

  const { path } = four
  let cold: ReturnType<typeof run>
  let file: string
  let foreign: Buffer
  beforeAll(() => {
    file = cacheFile(() => (cold = run(path)))
    foreign = fs.readFileSync(cacheFile(() => run(altered.path)))
  })

  /** Each variant of code has a file. */
  function damage(name: string): void {
    const at = join(files, name)
    const bytes = fs.readFileSync(at)
    const middle = Math.floor(bytes.length / 3)
    fs.writeFileSync(at, bytes.with(middle, bytes[middle]! ^ 4))
  }
  const conditions: [string, boolean, () => void][] = [
    ['warm', true, () => {}],
    ['with a changed byte in each file', false, () => fs.readdirSync(files).forEach(damage)],
    ['of another program, much of which is the same', true, () => fs.writeFileSync(file, foreign)],
    ['that cannot be written', false, () => (fs.rmSync(cache, { recursive: true }), fs.writeFileSync(cache, ''))],
  ]

  test.each(conditions)('%s', (_condition, used, make) => {
    expect(cold.used).toBe(false)
    make()
    expect(run(path)).toEqual({ end: cold.end, used })
  })
})

describe('an engine that others have used', () => {
  const engine = newEngine()
  const expected = reference(four, { seed: 6 })

  test('runs of other programs and other seeds, some of them given up', () => {
    expect(pooled(engine, four, { seed: 6 })).toEqual(expected)
    const givenUp = [
      [one, 5_640_321],
      [altered, 270_000],
      [four, 200_003],
      [altered, 77],
    ] as const
    for (const [subject, limit] of givenUp) {
      const { machine } = start(subject, { processor: engine, seed: 7 })
      expect(machine.advance(limit)).toEqual({ count: limit, ended: null })
      machine.release()
    }
    expect(pooled(engine, four, { seed: 6 })).toEqual(expected)
  })

  test.each([four, altered])('translations of $name that were stored', (subject) => {
    const run = start(subject, { processor: engine, seed: 8 })
    run.machine.advance(Infinity)
    const stored = structuredClone(engine.translations().get(0)!)
    expect(stored.units.heads.length).toBeGreaterThan(1000)
    const other = newEngine()
    other.provide((variant) => (variant === 0 ? stored : null))
    expect(pooled(other, four, { seed: 6 })).toEqual(expected)
  })
})

describe('cold code', () => {
  test.each([four, altered, one])('in $name interpreted, all code interpreted, none: the same states', (subject) => {
    const ways = (['cold', 'always', 'never'] as const).flatMap((interpret) => [
      { interpret, definedness: false, bytecodeBytes: undefined },
      { interpret, definedness: true, bytecodeBytes: interpret === 'cold' ? 0x1_0000 : undefined },
    ])
    const courses = ways.map(({ interpret, definedness, bytecodeBytes }) => {
      const processor = new Engine({ callDepth: 400, interpret, bytecodeBytes })
      return reference(subject, { seed: 9, processor, definedness })
    })
    for (const each of courses) expect(each).toEqual(courses[0])
  })
})
