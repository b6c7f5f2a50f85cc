/** Exists to draw schedules at random from the seed: the strategy that needs to know nothing about a program to find its races. */
import { nextBelow, nextU32, randomFrom } from '../../base/random.ts'
import type { StrategyState, Turn } from '../state.ts'
import type { Strategy } from './strategy.ts'

interface RandomStrategyState extends StrategyState {
  /** Mean length of this run's turns, in instructions. */
  mean: number
}

/** A number in [2^low, 2^high), every power of two being equally likely; no logarithm, whose last bit might differ between hosts. */
function logUniform(strategy: StrategyState, low: number, high: number): number {
  const base = 2 ** (low + nextBelow(strategy.random, high - low))
  return base + nextBelow(strategy.random, base)
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
    if (runnable.length === 1) {
      turn.tid = runnable[0]!
      turn.left = Infinity
      return
    }
    let index = nextBelow(strategy.random, runnable.length)
    // Who gives the turn away does not get it back while another could use it.
    if (yielded && runnable[index] === turn.tid)
      index = (index + 1 + nextBelow(strategy.random, runnable.length - 1)) % runnable.length
    turn.tid = runnable[index]!
    const burst = (nextU32(strategy.random) & 15) === 0
    turn.left = burst
      ? logUniform(strategy, 0, 10)
      : 1 + nextBelow(strategy.random, 2 * (strategy as RandomStrategyState).mean)
  },

  choose(strategy: StrategyState, waiters: number): number {
    return waiters === 1 ? 0 : nextBelow(strategy.random, waiters)
  },
}
