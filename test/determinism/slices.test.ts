/** Where `advance` stops changes nothing: slices of any sizes go through the same states. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import type { Machine } from '../../src/linux/machine.ts'
import { newEngine } from '../machine/machines.ts'
import { course, MOMENTS, pooled, single, start, threads } from './subjects.ts'

/** Advances to `end` in slices of `next()` instructions and notes the states at `moments`; each slice stops exactly where it was told to. */
function sliced(machine: Machine, next: () => number, end: number, moments: readonly number[]): string[] {
  const at: string[] = []
  const ahead = moments.filter((moment) => moment > machine.state.count && moment <= end)
  while (machine.state.count < end && machine.state.ended === null) {
    const limit = Math.min(machine.state.count + next(), end, ahead[0] ?? Infinity)
    const { count, ended } = machine.advance(limit)
    if (ended === null && count !== limit) throw new Error(`stopped at ${count} and not at ${limit}`)
    if (ended === null && count === ahead[0]) at.push(`${ahead.shift()}:${machine.hash()}`)
  }
  return at
}

describe.each([single(), threads()])('$name', (subject) => {
  const engine = newEngine()
  const expected = pooled(engine, subject)
  const finish = (machine: Machine): [number, string] => [machine.advance(Infinity).count, machine.hash()]
  /** The states at `moments`, each reached by a machine that made no other stop. */
  const direct = (moments: readonly number[]): string[] =>
    moments.map((moment) => {
      const { machine } = start(subject, { processor: engine })
      const state = `${machine.advance(moment).count}:${machine.hash()}`
      machine.release()
      return state
    })

  test('single instructions over the first 20,000, and on from there', () => {
    const { machine } = start(subject)
    const moments = [1, 2, 3, 50, 51, 777, 5000, 5001, 12_345, 19_999, 20_000]
    const at = sliced(machine, () => 1, 20_000, moments)
    expect(at.length).toBe(moments.length)
    expect(direct(moments)).toEqual(at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
  })

  test('single instructions later on, where threads and signals are', () => {
    const from = Math.floor(expected.count * 0.6)
    const moments = [0, 1, 211, 1000, 1999].map((i) => from + i)
    const { machine } = start(subject, { processor: engine })
    machine.advance(from - 1)
    const at = sliced(machine, () => 1, moments.at(-1)!, moments)
    expect(direct(moments)).toEqual(at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
    machine.release()
  })

  test('slices of 7 over the last 100,000', () => {
    const { machine } = start(subject, { processor: engine })
    const at = sliced(machine, () => Infinity, expected.count - 100_000, MOMENTS)
    at.push(...sliced(machine, () => 7, Infinity, MOMENTS))
    expect(at).toEqual(expected.at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
    machine.release()
  })

  test.each([
    ['1000', () => 1000],
    ['random sizes, from single instructions to many thousands', sizes(subject.name.length)],
    ['any size: the whole at once', () => Infinity],
  ])('slices of %s', (_what, size) => {
    const run = start(subject, { processor: engine })
    const moments = size() === Infinity ? [] : MOMENTS
    const at = sliced(run.machine, size, Infinity, moments)
    expect({ ...course(run, []), at }).toEqual({ ...expected, at: moments.length === 0 ? [] : expected.at })
    run.machine.release()
  })
})

/** Sizes of which every power of two up to 2^17 is equally likely. */
function sizes(seed: number): () => number {
  const random = randomFrom(seed, 'slices')
  return () => 1 + nextBelow(random, 2 ** (1 + nextBelow(random, 17)))
}
