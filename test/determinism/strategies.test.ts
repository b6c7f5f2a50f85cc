/** Every strategy is a function of the seed: the same schedule whole and in slices, from a snapshot, with and without who watches. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { RaceCheck } from '../../src/checks/race.ts'
import { restoreMachine, type Machine } from '../../src/linux/machine.ts'
import { startStrategy, strategyNamed } from '../../src/linux/scheduler/strategies.ts'
import type { Observer } from '../../src/tool/observer.ts'
import { newEngine } from '../machine/machines.ts'
import { start, threads } from './subjects.ts'

const subject = threads()
const engine = newEngine()
const STRATEGIES = ['random', 'walk', 'pos', 'pct:1', 'pct:3', 'pct:3:400', 'mix', 'mix:400']
/** Up to here threads have come and gone, and every kind of scheduling point has been passed. */
const END = 300_000

function machineOf(strategy: string, seed = 3): ReturnType<typeof start> {
  return start(subject, { processor: engine, strategy, seed })
}

function endOf(machine: Machine): string {
  const { count } = machine.advance(END)
  const state = `${count} ${machine.hash()} ${machine.state.passed.points}`
  machine.release()
  return state
}

describe.each(STRATEGIES)('%s', (strategy) => {
  const expected = endOf(machineOf(strategy).machine)

  test('the seed decides', () => {
    expect(endOf(machineOf(strategy).machine)).toBe(expected)
    expect(endOf(machineOf(strategy, 4).machine)).not.toBe(expected)
  })

  test('in slices', () => {
    const { machine } = machineOf(strategy)
    const draws = randomFrom(1, 'slices')
    while (machine.state.count < END && machine.state.ended === null)
      machine.advance(Math.min(END, machine.state.count + 1 + nextBelow(draws, 3000)))
    expect(endOf(machine)).toBe(expected)
  })

  test('single instructions where several threads are', () => {
    const { machine } = machineOf(strategy)
    while (machine.state.tasks.size < 3) machine.advance(machine.state.count + 500)
    for (let i = 0; i < 3000; i++) machine.advance(machine.state.count + 1)
    expect(endOf(machine)).toBe(expected)
  })

  test('from a snapshot', () => {
    const { machine, world } = machineOf(strategy)
    machine.advance(END / 2)
    const copy = restoreMachine(structuredClone(machine.save()), { world, processor: engine })
    machine.release()
    expect(endOf(copy)).toBe(expected)
  })

  test('while accesses are watched', () => {
    const { machine } = machineOf(strategy)
    const check = new RaceCheck()
    let heard = 0
    const counting: Observer = { name: 'counting', shared: ({ entries }) => void (heard += entries.length / 4) }
    machine.addObserver(check)
    machine.advance(END / 3)
    machine.addObserver(counting)
    expect(endOf(machine)).toBe(expected)
    expect(heard).toBeGreaterThan(1000)
  })
})

test('a strategy is data under its own name, and says what is wrong with another', () => {
  const drawn = new Set(Array.from({ length: 200 }, (_, seed) => startStrategy('mix:50', seed).name))
  expect([...drawn]).toEqual(expect.arrayContaining(['random', 'walk', 'pos', 'pct:2:50', 'pct:3:50', 'pct:4:50']))
  // The changes of some fall into the beginning.
  for (const name of drawn) expect(Number(/^pct:[234]:(\d+)$/.exec(name)?.[1] ?? 8)).toBeGreaterThanOrEqual(8)
  for (const name of drawn) expect(strategyNamed(name).name).toBe(name)
  for (const name of ['pct', 'pct:0', 'pct:x', 'walk:3', 'mix:1:2', 'pos:'])
    expect(() => startStrategy(name, 1)).toThrow(`there is no scheduling strategy '${name}'`)
})
