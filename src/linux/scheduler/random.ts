/** Exists to draw schedules at random from the seed: the strategy that needs to know nothing about a program to find its races. */
import { nextBelow, nextU32, randomFrom } from '../../base/random.ts'
import type { StrategyState, Turn } from '../state.ts'
import { alone, anyWaiter, logUniform } from './draws.ts'
import type { Strategy } from './strategy.ts'

interface RandomStrategyState extends StrategyState {
  /** Mean length of this run's turns, in instructions. */
  mean: number
}

/**
 * Turns end at any instruction. Each run has a mean of its own, log-uniform between 1,024 and 131,072 instructions, so that among many seeds some
 * switch often and some rarely: races differ in the distance they need. Of 16 turns 15 are uniform in [1, 2·mean]; one is a burst, log-uniform
 * in [1, 1024), which puts two switches close together. The next task is uniformly one of those that can run, and any waiter may be woken first.
 */
export const random: Strategy = {
  name: 'random',

  start(seed: number): StrategyState {
    const state: RandomStrategyState = { name: 'random', random: randomFrom(seed, 'schedule'), mean: 0 }
    state.mean = logUniform(state, 10, 17)
    return state
  },

  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
    if (runnable.length === 1) return alone(turn, runnable[0]!)
    turn.tid = another(strategy, runnable, turn.tid, yielded)
    const burst = (nextU32(strategy.random) & 15) === 0
    turn.left = burst
      ? logUniform(strategy, 0, 10)
      : 1 + nextBelow(strategy.random, 2 * (strategy as RandomStrategyState).mean)
  },

  choose: anyWaiter,
}

/** Any of the tasks; who has given the turn away does not get it back. */
export function another(strategy: StrategyState, runnable: readonly number[], tid: number, yielded: boolean): number {
  const index = nextBelow(strategy.random, runnable.length)
  if (!yielded || runnable[index] !== tid) return runnable[index]!
  return runnable[(index + 1 + nextBelow(strategy.random, runnable.length - 1)) % runnable.length]!
}
