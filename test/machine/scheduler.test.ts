/** The random strategy as a source of turns, the clock's arithmetic, and the order of timed events. */
import { describe, expect, test } from 'vitest'
import {
  addEvent,
  countAt,
  jumpTo,
  monotonicNs,
  realtime,
  realtimeToMonotonicNs,
  removeEvent,
} from '../../src/linux/clock.ts'
import { strategyNamed } from '../../src/linux/scheduler/strategies.ts'
import type { KernelState, Turn } from '../../src/linux/state.ts'

const strategy = strategyNamed('random')
const tids = [1000, 1001, 1002, 1003]

function turns(seed: number, count: number, yielded = false): Turn[] {
  const state = strategy.start(seed)
  const turn: Turn = {
    tid: 1000,
    last: 0,
    left: 0,
    points: 0,
    at: null,
    yielded: false,
    paused: false,
    woken: false,
    split: false,
  }
  return Array.from({ length: count }, () => {
    strategy.pick(state, tids, turn, yielded, 0)
    return { ...turn }
  })
}

describe('random turns', () => {
  test('the seed decides, and nothing else', () => {
    expect(turns(5, 100)).toEqual(turns(5, 100))
    expect(turns(5, 100)).not.toEqual(turns(6, 100))
  })

  test('every task gets turns, at any length up to twice the mean, some of them bursts', () => {
    const state = strategy.start(7)
    const mean = state['mean'] as number
    const sample = turns(7, 8000)
    for (const tid of tids) expect(sample.filter((turn) => turn.tid === tid).length).toBeGreaterThan(1700)
    for (const { left } of sample) {
      expect(Number.isInteger(left) && left >= 1).toBe(true)
      expect(left).toBeLessThanOrEqual(2 * mean)
    }
    const average = sample.reduce((sum, { left }) => sum + left, 0) / sample.length
    expect(average / mean).toBeGreaterThan(0.88)
    expect(average / mean).toBeLessThan(1.02)
    expect(sample.filter(({ left }) => left < 8).length).toBeGreaterThan(80)
  })

  test('means differ from run to run by two orders of magnitude', () => {
    const means = Array.from({ length: 300 }, (_, seed) => strategy.start(seed)['mean'] as number)
    expect(Math.min(...means)).toBeGreaterThanOrEqual(1024)
    expect(Math.min(...means)).toBeLessThan(1200)
    expect(Math.max(...means)).toBeGreaterThan(110_000)
    expect(Math.max(...means)).toBeLessThan(131_072)
  })

  test('who yields does not go on', () => {
    let before = 1000
    for (const { tid } of turns(3, 500, true)) {
      expect(tid).not.toBe(before)
      before = tid
    }
  })

  test('one task alone is never interrupted, and any waiter may be first', () => {
    const state = strategy.start(1)
    const turn: Turn = {
      tid: 0,
      last: 0,
      left: 0,
      points: 0,
      at: null,
      yielded: false,
      paused: false,
      woken: false,
      split: false,
    }
    const draws = structuredClone(state.random)
    strategy.pick(state, [1007], turn, true, 0)
    expect(turn).toMatchObject({ tid: 1007, left: Infinity })
    expect(strategy.choose(state, 1)).toBe(0)
    expect(state.random).toEqual(draws)
    const first = new Set(Array.from({ length: 100 }, () => strategy.choose(state, 5)))
    expect(first).toEqual(new Set([0, 1, 2, 3, 4]))
  })

  test('a strategy that does not exist is named, with those that do', () => {
    expect(() => strategyNamed('fair')).toThrow("there is no scheduling strategy 'fair'")
  })
})

describe('the clock', () => {
  const state = {
    count: 100,
    constants: { nsPerInstruction: 10, epochSeconds: 1_700_000_000, bootNs: 5_000_000_000 },
    clock: { jumpedNs: 0 },
    events: [],
    nextOrder: 1,
  } as unknown as KernelState

  test('time is instructions, and jumps', () => {
    expect(monotonicNs(state)).toBe(5_000_001_000)
    expect(realtime(state)).toEqual({ seconds: 1_700_000_000, ns: 1000 })
    expect(realtimeToMonotonicNs(state, 1_700_000_000, 1000)).toBe(5_000_001_000)
    expect([5_000_001_000, 5_000_001_001, 5_000_001_010].map((at) => countAt(state, at))).toEqual([100, 101, 101])
    jumpTo(state, 6_000_001_005)
    expect(monotonicNs(state)).toBe(6_000_001_005)
    expect(realtime(state)).toEqual({ seconds: 1_700_000_001, ns: 1005 })
    expect(countAt(state, 6_000_001_005)).toBe(100)
    jumpTo(state, 5)
    expect(monotonicNs(state)).toBe(6_000_001_005)
  })

  test('events come in the order of their times, equal ones in that of their making', () => {
    for (const [at, id] of [
      [30, 1],
      [10, 2],
      [20, 3],
      [10, 4],
      [30, 5],
    ] as const)
      addEvent(state, at, 'wait', id)
    addEvent(state, 10, 'itimer', 2)
    expect(state.events.map(({ id }) => id)).toEqual([2, 4, 2, 3, 1, 5])
    removeEvent(state, 'wait', 2)
    removeEvent(state, 'wait', 99)
    expect(state.events.map(({ id, kind }) => `${kind}${id}`)).toEqual(['wait4', 'itimer2', 'wait3', 'wait1', 'wait5'])
  })
})
