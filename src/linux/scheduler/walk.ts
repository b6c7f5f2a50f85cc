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
  /** Tasks take turns in a circle, of so many points each; 0: by chance. */
  pace: number
  /** One in so many of these turns is of another length; 0: none. */
  slips: number
  /** Tasks that have had a first turn in the circle, which is a part of one: the bounds of turns lie anywhere in what they do. */
  met: number[]
}

/** The slowest task is drawn 2^-7 times as often as the fastest one. */
const SPEEDS = 8

/** One in so many runs goes in a circle, and turns of up to 2^4 points. */
const IN_CIRCLE = 4
const PACES = 4
/** Turns between two of another length, on average, in every second of these runs. */
const SLIPS = 32

/**
 * A turn is uniform in [1, 2·mean) points; the mean is log-uniform in [1, 64). Then any task goes on that can. In every second run tasks differ in speed, as
 * powers of two: among a hundred tasks, two seldom get far before all others otherwise. What needs all of them to go on side by side, step by step, chance hardly ever brings about: so in one
 * run in four they take turns of equal length.
 */
export const walk: Strategy = {
  name: 'walk',
  points: true,

  start(seed: number): StrategyState {
    const common = startPoints('walk', randomFrom(seed, 'schedule'))
    const state: WalkState = { ...common, mean: logUniform(common, 0, 6), speeds: null, pace: 0, slips: 0, met: [] }
    if (nextBelow(state.random, 2) === 0) state.speeds = new Map()
    if (nextBelow(state.random, IN_CIRCLE) === 0) {
      state.pace = logUniform(state, 0, PACES)
      if (nextBelow(state.random, 2) === 0) state.slips = SLIPS
    }
    return state
  },

  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
    const state = strategy as WalkState
    const tasks = eligible(state, runnable, turn, yielded, () => {})
    if (runnable.length === 1) return alone(turn, runnable[0]!)
    const before = turn.tid
    const { pace, slips, random } = state
    if (pace > 0) {
      const next = behind(tasks, before)
      give(turn, next, state.patience)
      split(state, turn, before)
      turn.points = pace
      if (!state.met.includes(next)) {
        state.met.push(next)
        turn.points = 1 + nextBelow(random, pace)
      } else if (slips > 0 && nextBelow(random, slips) === 0) turn.points = 1 + nextBelow(random, 2 * pace)
      return
    }
    give(turn, drawn(state, tasks, before, yielded), state.patience)
    split(state, turn, before)
    turn.points = 1 + nextBelow(random, 2 * state.mean - 1)
  },

  choose: anyWaiter,
  gone(strategy: StrategyState, tid: number): void {
    const state = strategy as WalkState
    forget(state, tid)
    state.speeds?.delete(tid)
    state.met = state.met.filter((other) => other !== tid)
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

/** The next of the tasks, by number and going round. */
function behind(tasks: readonly number[], tid: number): number {
  const above = tasks.filter((other) => other > tid)
  return Math.min(...(above.length > 0 ? above : tasks))
}
