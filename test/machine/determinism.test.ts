/** An execution depends on program and seed alone: not on slices, observers, or on being saved and restored in between. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { restoreMachine } from '../../src/linux/machine.ts'
import { nullObserver, type Observer } from '../../src/tool/observer.ts'
import { machineFor, newEngine, newWorld, scratch } from './machines.ts'

const program = join(scratch(), 'mixture')

interface End {
  count: number
  hash: string
  stdout: string
}

let reference: End

function finish(seed = 1): End {
  const { machine, output } = machineFor(program, [], { seed })
  const { count, ended } = machine.advance(Infinity)
  expect(ended).toEqual({ kind: 'exit', code: 0 })
  return { count, hash: machine.hash(), stdout: output.stdout }
}

beforeAll(() => {
  execFileSync('gcc', ['-O2', '-static', '-pthread', '-o', program, join(import.meta.dirname, 'mixture.c')])
  reference = finish()
})

test('the same seed gives the same run, another seed another one', () => {
  expect(finish()).toEqual(reference)
  const schedules = new Set([2, 3, 4, 5, 6].map((seed) => finish(seed).stdout))
  expect(schedules.size).toBeGreaterThan(2)
})

describe('slices', () => {
  test.each([1, 7, 1000, 12_345])('of about %i instructions', (mean) => {
    const { machine } = machineFor(program)
    const random = randomFrom(mean, 'slices')
    // Single instructions only for a stretch: each one is a translation of its own.
    if (mean < 1000) machine.advance(reference.count - 3000 * mean)
    let limit = machine.state.count
    while (machine.state.ended === null) {
      limit += 1 + nextBelow(random, 2 * mean)
      const { count } = machine.advance(limit)
      expect(count).toBe(machine.state.ended === null ? limit : reference.count)
    }
    expect(machine.hash()).toBe(reference.hash)
  })

  test('a moment has one hash, however it is reached', () => {
    const moments = [0.1, 0.35, 0.5, 0.77, 0.99].map((part) => Math.floor(reference.count * part))
    const { machine: steady } = machineFor(program)
    for (const moment of moments) {
      steady.advance(moment)
      const { machine: direct } = machineFor(program)
      direct.advance(Math.floor(moment / 3))
      direct.advance(moment)
      expect(direct.state.count).toBe(moment)
      expect(direct.hash()).toBe(steady.hash())
    }
  })
})

describe('observers', () => {
  const counts = { calls: 0, signals: 0, switches: 0, mappings: 0, starts: 0, exits: 0, text: '' }
  const counting: Observer = {
    name: 'counting',
    syscall: () => counts.calls++,
    signal: () => counts.signals++,
    taskSwitch: () => counts.switches++,
    mapping: () => counts.mappings++,
    taskStart: () => counts.starts++,
    taskExit: () => counts.exits++,
  }
  const tracing: Observer = { name: 'tracing', syscall: (event) => (counts.text += `${event.text()}\n`) }

  test.each([nullObserver, counting, tracing])('$name', (observer) => {
    const { machine } = machineFor(program)
    machine.addObserver(observer)
    const { count } = machine.advance(Infinity)
    expect({ count, hash: machine.hash() }).toEqual({ count: reference.count, hash: reference.hash })
  })

  test('they have seen something', () => {
    expect(counts).toMatchObject({ starts: 3, exits: 4 })
    expect(counts.calls).toBeGreaterThan(50)
    expect(counts.signals).toBeGreaterThan(1)
    expect(counts.switches).toBeGreaterThan(10)
    expect(counts.mappings).toBeGreaterThan(5)
    expect(counts.text).toMatch(/^exit_group\(0\) += \?$/m)
  })
})

describe('save and restore', () => {
  const parts = [0, 0.2, 0.5, 0.8]

  test.each(parts)('at %f of the run', (part) => {
    const moment = Math.floor(reference.count * part)
    const { machine } = machineFor(program)
    machine.advance(moment)
    const hash = machine.hash()
    const snapshot = machine.save()
    // The original goes on, and the snapshot does not notice.
    machine.advance(Infinity)
    expect(machine.hash()).toBe(reference.hash)
    const { world, output } = newWorld()
    const restored = restoreMachine(structuredClone(snapshot), { world, processor: newEngine() })
    expect(restored.hash()).toBe(hash)
    expect(restored.save()).toEqual(snapshot)
    restored.advance(Infinity)
    expect({ count: restored.state.count, hash: restored.hash() }).toEqual({
      count: reference.count,
      hash: reference.hash,
    })
    expect(reference.stdout.endsWith(output.stdout)).toBe(true)
  })

  test('a snapshot of another format is refused', () => {
    const snapshot = machineFor(program).machine.save()
    const restore = (): unknown =>
      restoreMachine({ ...snapshot, format: 0 }, { world: newWorld().world, processor: newEngine() })
    expect(restore).toThrow('a snapshot of format 0 cannot be read')
  })
})

describe('what the hash sees', () => {
  const change: [string, (machine: ReturnType<typeof machineFor>['machine']) => void][] = [
    ['a byte of memory', (m) => (m.kernel.memories.get(1)!.space.bytes[m.state.spaces.get(1)!.stackTop - 1]! ^= 1)],
    ['a register', (m) => (m.state.tasks.get(1000)!.cpu[3]! ^= 1)],
    ['a flag', (m) => (m.state.tasks.get(1000)!.cpu[184]! ^= 1)],
    ['a vector register', (m) => (m.state.tasks.get(1000)!.cpu[288 + 17]! ^= 1)],
    ['the clock', (m) => m.state.clock.jumpedNs++],
    ['the random state', (m) => (m.state.strategy.random[0] ^= 1)],
    ['a signal action', (m) => (m.state.processes.get(1000)!.actions[11]!.handler = 1)],
  ]

  test.each(change)('%s', (_what, apply) => {
    const { machine } = machineFor(program)
    const before = machine.hash()
    apply(machine)
    expect(machine.hash()).not.toBe(before)
  })

  test('nothing of the processor’s caches', () => {
    const { machine } = machineFor(program)
    machine.advance(10_000)
    const restored = restoreMachine(machine.save(), { world: newWorld().world, processor: newEngine() })
    expect(restored.hash()).toBe(machine.hash())
  })
})
