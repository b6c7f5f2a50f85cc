/** A machine with a guarded heap is as repeatable as any: in slices, watched or not, restored, in a hunt's reused address spaces; and the seed chooses the layout. */
import { afterAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/run.ts'
import { GuardedHeap } from '../../src/heap/guarded.ts'
import { HeapCheck } from '../../src/checks/heap.ts'
import { restoreMachine, type Machine } from '../../src/linux/machine.ts'
import { Place } from '../e2e/lemming.ts'
import { machineFor, newEngine } from '../machine/machines.ts'
import { build } from './programs.ts'

const place = new Place()
afterAll(() => place.remove())

const heap = (quarantine = 4096): GuardedHeap => new GuardedHeap({ quarantine })

interface Course {
  at: string[]
  count: number
  hash: string
  ending: string | undefined
}

const MOMENTS = [1, 700, 5000, 20_001, 60_000, 90_000, 130_000, 200_003, 400_000]

function course(machine: Machine, moments: readonly number[] = MOMENTS): Course {
  const at = moments.flatMap((moment) => {
    const { count, ended } = machine.advance(moment)
    return ended === null ? [`${count}:${machine.hash()}`] : []
  })
  const { count, ended } = machine.advance(Infinity)
  return { at, count, hash: machine.hash(), ending: ended?.kind }
}

const run = (path: string, processor: Engine, seed = 3): Machine =>
  machineFor(path, [], { seed, processor, ownHeap: heap() }).machine

describe.each(['threads.c', 'redzone.c', 'aligned.c', 'mismatched.cc'])('%s', (file) => {
  const path = build(place, file)
  const expected = course(run(path, newEngine()))

  test('twice, and in an address space that was used before', () => {
    const engine = newEngine()
    const first = run(path, engine)
    expect(course(first)).toEqual(expected)
    first.release()
    const native = machineFor(path, [], { seed: 3, processor: engine }).machine
    expect(course(native).hash).not.toBe(expected.hash)
    native.release()
    expect(course(run(path, engine))).toEqual(expected)
  })

  test('in slices', () => {
    const machine = run(path, newEngine())
    for (let at = 0; at < expected.count; at += 997) machine.advance(at)
    const { count } = machine.advance(Infinity)
    expect([count, machine.hash()]).toEqual([expected.count, expected.hash])
  })

  test('instruction by instruction around the first allocations', () => {
    const machine = run(path, newEngine())
    const start = MOMENTS[4]!
    for (let at = start; at < start + 600; at++) machine.advance(at)
    const { count } = machine.advance(Infinity)
    expect([count, machine.hash()]).toEqual([expected.count, expected.hash])
  })

  test('watched', () => {
    const machine = run(path, newEngine())
    const check = new HeapCheck(['memory', 'leak'])
    machine.addObserver(check)
    expect(course(machine)).toEqual(expected)
    expect(check.facts.leaks).toHaveLength(1)
  })

  test('restored', () => {
    const machine = run(path, newEngine())
    const { world } = machineFor(path, [], { seed: 3, processor: newEngine() })
    machine.advance(60_000)
    const snapshot = structuredClone(machine.save())
    const restored = restoreMachine(snapshot, { world, processor: newEngine(), ownHeap: heap() })
    expect(restored.hash()).toBe(machine.hash())
    const { count } = restored.advance(Infinity)
    expect([count, restored.hash()]).toEqual([expected.count, expected.hash])
  })
})

test('seeds choose which freed slots are used again', () => {
  const path = build(place, 'layout.c', { folder: 'layout' })
  const outputs = new Set<string>()
  const engine = newEngine()
  for (let seed = 0; seed < 12; seed++) {
    const { machine, output } = machineFor(path, [], { seed, processor: engine, ownHeap: heap(0) })
    machine.advance(Infinity)
    machine.release()
    expect(output.stdout).toMatch(/^\d+( \d+)+\n$/)
    outputs.add(output.stdout)
  }
  expect(outputs.size).toBeGreaterThan(5)
})

test('blocks in quarantine are not used again, and their number is bounded; in some runs it is a sixteenth', () => {
  const path = build(place, 'quarantine.c', { folder: 'layout' })
  const engine = newEngine()
  const limits = [0, 1, 2, 3].map((seed) => {
    const ownHeap = heap(10_000)
    const { machine, output } = machineFor(path, [], { seed, processor: engine, ownHeap })
    machine.advance(Infinity)
    const [memory] = machine.kernel.memories.values()
    const { limit } = (memory!.map.heap as { quarantine: { limit: number } }).quarantine
    machine.release()
    // Blocks of 100 bytes with their redzones.
    const [reused, pages] = output.stdout.split(' ').map(Number)
    expect(reused).toBeGreaterThanOrEqual(Math.floor(limit / 116))
    expect(reused).toBeLessThan(limit / 116 + 1200)
    expect(pages).toBeLessThan(300)
    return limit
  })
  expect(new Set(limits)).toEqual(new Set([10_000, 625]))
})
