/** Exists as the random walk over scheduling points: turns of a few points, drawn anew for each run. */
import { nextBelow, randomFrom } from '../../base/random.ts'
import type { StrategyState, Turn } from '../state.ts'
import { alone, anyWaiter, eligible, forget, give, logUniform, startPoints, type PointStrategyState } from './draws.ts'
import { another } from './random.ts'
import type { Strategy } from './strategy.ts'

interface WalkState extends PointStrategyState {
  /** Mean length of this run's turns, in points. */
  mean: number
}

/** A turn is uniform in [1, 2·mean) points; the mean is log-uniform in [1, 64). Then any task goes on that can. */
export const walk: Strategy = {
  name: 'walk',
  points: true,

  start(seed: number): StrategyState {
    const common = startPoints('walk', randomFrom(seed, 'schedule'))
    const state: WalkState = { ...common, mean: logUniform(common, 0, 6) }
    return state
  },

  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
    const state = strategy as WalkState
    const tasks = eligible(state, runnable, turn, yielded, () => {})
    if (runnable.length === 1) return alone(turn, runnable[0]!)
    const alike = tasks.length === 1 ? tasks[0]! : another(strategy, tasks, turn.tid, yielded)
    give(turn, alike, state.patience)
    turn.points = 1 + nextBelow(strategy.random, 2 * state.mean - 1)
  },

  choose: anyWaiter,
  gone: (strategy, tid) => forget(strategy as WalkState, tid),
}
