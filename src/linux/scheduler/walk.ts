/** Exists as the random walk over scheduling points: turns of a few points, drawn anew for each run. */
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
import { another } from './random.ts'
import type { Strategy } from './strategy.ts'

interface WalkState extends PointStrategyState {
  /** Mean length of this run's turns, in points. */
  mean: number
  /** Tasks are drawn in these proportions; null: all alike. */
  speeds: Map<number, number> | null
}

/** The slowest task is drawn 2^-7 times as often as the fastest one. */
const SPEEDS = 8

/**
 * A turn is uniform in [1, 2·mean) points; the mean is log-uniform in [1, 64). Then any task goes on that can. In every second run tasks differ in speed, as
 * powers of two: among a hundred tasks, two seldom get far before all others otherwise.
 */
export const walk: Strategy = {
  name: 'walk',
  points: true,

  start(seed: number): StrategyState {
    const common = startPoints('walk', randomFrom(seed, 'schedule'))
    const state: WalkState = { ...common, mean: logUniform(common, 0, 6), speeds: null }
    if (nextBelow(state.random, 2) === 0) state.speeds = new Map()
    return state
  },

  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
    const state = strategy as WalkState
    const tasks = eligible(state, runnable, turn, yielded, () => {})
    if (runnable.length === 1) return alone(turn, runnable[0]!)
    const before = turn.tid
    give(turn, drawn(state, tasks, before, yielded), state.patience)
    split(state, turn, before)
    turn.points = 1 + nextBelow(strategy.random, 2 * state.mean - 1)
  },

  choose: anyWaiter,
  gone(strategy: StrategyState, tid: number): void {
    forget(strategy as WalkState, tid)
    ;(strategy as WalkState).speeds?.delete(tid)
  },
}

function drawn(state: WalkState, tasks: readonly number[], last: number, yielded: boolean): number {
  const { speeds, random } = state
  if (tasks.length === 1) return tasks[0]!
  if (speeds === null) return another(state, tasks, last, yielded)
  const others = yielded ? tasks.filter((tid) => tid !== last) : tasks
  for (const tid of others) if (!speeds.has(tid)) speeds.set(tid, 2 ** nextBelow(random, SPEEDS))
  let left = nextBelow(
    random,
    others.reduce((sum, tid) => sum + speeds.get(tid)!, 0),
  )
  return others.find((tid) => (left -= speeds.get(tid)!) < 0)!
}
