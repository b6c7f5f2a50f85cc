/** Where `advance` stops changes nothing: slices of any sizes go through the same states. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import type { Machine } from '../../src/linux/machine.ts'
import { course, larson, MOMENTS, reference, single, start, threads } from './subjects.ts'
import { newEngine } from '../machine/machines.ts'

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

/** The states at `moments`, each reached by a machine that made no other stop. */
function direct(subject: Parameters<typeof start>[0], moments: readonly number[], engine = newEngine()): string[] {
  return moments.map((moment) => {
    const { machine } = start(subject, { processor: engine })
    const { count } = machine.advance(moment)
    const state = `${count}:${machine.hash()}`
    machine.release()
    return state
  })
}

describe.each([single(), threads(), larson()])('$name', (subject) => {
  const expected = reference(subject)
  const finish = (machine: Machine): [number, string] => [machine.advance(Infinity).count, machine.hash()]

  test('single instructions over the first 20,000, and on from there', () => {
    const { machine } = start(subject)
    const moments = [1, 2, 3, 50, 51, 777, 5000, 5001, 12_345, 19_999, 20_000]
    const at = sliced(machine, () => 1, 20_000, moments)
    expect(at.length).toBe(moments.length)
    const { machine: whole } = start(subject)
    expect(sliced(whole, () => Infinity, 20_000, moments)).toEqual(at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
  })

  test('single instructions where threads and signals are, from moment to moment', () => {
    const from = Math.floor(expected.count * 0.6)
    const moments = Array.from({ length: 12 }, (_, i) => from + i * 211)
    const { machine } = start(subject)
    machine.advance(from - 1)
    const at = sliced(machine, () => 1, moments.at(-1)!, moments)
    expect(direct(subject, moments)).toEqual(at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
  })

  test.each([7, 1000])('slices of %i', (size) => {
    const { machine } = start(subject)
    // Small ones only over a stretch of the longer programs, up to their end.
    const stretch = size * 20_000
    const at = sliced(machine, () => Infinity, Math.max(0, expected.count - stretch), MOMENTS)
    at.push(...sliced(machine, () => size, Infinity, MOMENTS))
    expect(at).toEqual(expected.at)
    expect(finish(machine)).toEqual([expected.count, expected.hash])
  })

  test('slices of random sizes, from single instructions to many thousands', () => {
    const random = randomFrom(subject.name.length, 'slices')
    const run = start(subject)
    const at = sliced(run.machine, () => 1 + nextBelow(random, 2 ** (1 + nextBelow(random, 17))), Infinity, MOMENTS)
    expect({ ...course(run, []), at }).toEqual(expected)
  })

  test('the whole at once', () => {
    expect(course(start(subject), [])).toEqual({ ...expected, at: [] })
  })
})
