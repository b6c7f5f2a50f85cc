/** Exists as probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: ASPLOS 2010): priorities, and a few points at which they change. */
import { nextBelow, randomFrom } from '../../base/random.ts'
import type { StrategyState, Turn } from '../state.ts'
import {
  alone,
  anyWaiter,
  eligible,
  forget,
  give,
  logUniform,
  split,
  startPoints,
  type PointStrategyState,
} from './draws.ts'
import type { Strategy } from './strategy.ts'

interface PctState extends PointStrategyState {
  /** Tasks that have started, the most important first. */
  order: number[]
  /** The last so many of `order` had their priority lowered, by a change point or because they gave way. */
  lowered: number
  /** Points until each change of priority, from the one before it. */
  changes: number[]
  /** Priorities by age: 1 has the oldest task as the most important one, -1 the youngest; 0: any order is as likely. */
  age: number
  /** Tasks that are more important than their age. */
  excepted: number
  /** Instructions since the least important task that could run was last lifted, and what the turn at hand was given. */
  waited: number
  given: number
}

/** Steps that a run whose length is not known may have: 2^low to 2^high. */
const STEPS_LOW = 4
const STEPS_HIGH = 14

/** One in so many runs has priorities by age, but for one task that is the most important: the odd one out is often the first or the last that was started. */
const BY_AGE = 4

/** Times the patience after which the least important of those who can run becomes the most important one: nobody starves for ever. */
const FAIRNESS = 16

/** `pct:d`, or `pct:d:k` with the number of steps expected. */
export function pct(depth: number, steps: number): Strategy {
  const name = steps === 0 ? `pct:${depth}` : `pct:${depth}:${steps}`
  return {
    name,
    points: true,
    preempts: true,

    start(seed: number): StrategyState {
      const common = startPoints(name, randomFrom(seed, 'schedule'))
      const state: PctState = {
        ...common,
        order: [],
        lowered: 0,
        changes: [],
        age: 0,
        excepted: 0,
        waited: 0,
        given: 0,
      }
      const length = steps === 0 ? logUniform(state, STEPS_LOW, STEPS_HIGH) : steps
      if (nextBelow(state.random, BY_AGE) === 0) state.age = nextBelow(state.random, 2) === 0 ? 1 : -1
      const moments = Array.from({ length: depth - 1 }, () => 1 + nextBelow(state.random, length)).toSorted(
        (a, b) => a - b,
      )
      state.changes = moments.map((moment, i) => moment - (moments[i - 1] ?? 0))
      return state
    },

    pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
      const state = strategy as PctState
      const { order, changes } = state
      const gaveWay = yielded || (turn.left <= 0 && turn.tid !== 0)
      const tasks = eligible(state, runnable, turn, gaveWay, (tid) => order.splice(placeOf(state), 0, tid))
      if (gaveWay) lower(state, turn.tid, order.length)
      if (changes.length > 0 && turn.tid !== 0) {
        // What is left of the way to the next change is in the turn.
        if (turn.points !== Infinity) changes[0] = turn.points
        while (changes[0] === 0) {
          changes.shift()
          lower(state, turn.tid, order.length - nextBelow(state.random, state.lowered + 1))
        }
      }
      if (runnable.length === 1) alone(turn, runnable[0]!)
      else {
        if (state.given < Infinity && !yielded) state.waited += state.given - turn.left
        if (state.waited >= FAIRNESS * state.patience) lift(state, tasks)
        const before = turn.tid
        give(
          turn,
          order.find((tid) => tasks.includes(tid))!,
          state.patience,
        )
        split(state, turn, before)
      }
      // While all others wait to be started a change of priorities would change nothing: the way to it begins when there is a choice.
      turn.points = tasks.length === 1 && runnable.length > 1 ? Infinity : (changes[0] ?? Infinity)
      state.given = turn.left
    },

    choose: anyWaiter,

    gone(strategy: StrategyState, tid: number): void {
      const state = strategy as PctState
      forget(state, tid)
      const at = state.order.indexOf(tid)
      if (at < 0) return
      if (at >= state.order.length - state.lowered) state.lowered--
      state.order.splice(at, 1)
    },
  }
}

/** Where a new task comes among those that were not lowered: 0 is the most important place. */
function placeOf(state: PctState): number {
  const high = state.order.length - state.lowered
  if (state.age === 0) return nextBelow(state.random, high + 1)
  if (state.excepted === 0 && nextBelow(state.random, Math.max(BY_AGE, state.known.length)) === 0) {
    state.excepted++
    return 0
  }
  return state.age > 0 ? high : Math.min(state.excepted, high)
}

/** Moves a task to place `to` from the front on, counted from 1, which is among the lowered. */
function lower(state: PctState, tid: number, to: number): void {
  const { order } = state
  const from = order.indexOf(tid)
  if (from < 0) return
  if (from < order.length - state.lowered) state.lowered++
  order.splice(from, 1)
  order.splice(to - 1, 0, tid)
}

/** Makes the least important of the tasks the most important one. */
function lift(state: PctState, tasks: readonly number[]): void {
  const { order } = state
  state.waited = 0
  const from = order.findLastIndex((tid) => tasks.includes(tid))
  if (from >= order.length - state.lowered) state.lowered--
  order.unshift(...order.splice(from, 1))
}
