/** A seed is a run: the same one again gives the same states, another one another schedule. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { newEngine } from '../machine/machines.ts'
import { pooled, reference, single, threads } from './subjects.ts'

const engine = newEngine()

describe.each([single(), threads()])('$name', (subject) => {
  const expected = pooled(engine, subject)

  test('the same seed twice: equal states at every moment', () => {
    expect(expected.at.length).toBeGreaterThan(6)
    expect(new Set(expected.at).size).toBe(expected.at.length)
    expect(reference(subject)).toEqual(expected)
  })

  test('another seed: other states from the first instruction on', () => {
    const other = pooled(engine, subject, { seed: 2 })
    expect([...other.at, other.hash].filter((state) => [...expected.at, expected.hash].includes(state))).toEqual([])
  })
})

test('one thread: what it prints depends on no seed, and is what it prints natively', () => {
  const subject = single()
  const native = spawnSync(subject.path, { encoding: 'utf8' })
  expect(native.stdout).toMatch(/^so far .*\ndepth \d+\n.* [0-9a-f]{16}\n$/)
  for (const seed of [1, 5]) {
    const { ending, stdout } = pooled(engine, subject, { seed })
    expect([ending, stdout]).toEqual([`exit ${native.status}`, native.stdout])
  }
})

test('several threads: seeds give different schedules', () => {
  const subject = threads()
  const runs = [1, 2, 3, 4, 5].map((seed) => pooled(engine, subject, { seed }))
  expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(5)
  expect(new Set(runs.map(({ count }) => count)).size).toBe(5)
  const native = spawnSync(subject.path, { encoding: 'utf8' })
  const form = (text: string): string =>
    text.replaceAll(/order [0-9a-f]+/g, 'order N').replace(/\d+ ticks, \d+ pokes, racy \d+/, 'N ticks')
  for (const { ending, stdout } of runs)
    expect([ending, form(stdout)]).toEqual([`exit ${native.status}`, form(native.stdout)])
})
