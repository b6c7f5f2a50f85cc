/** Exists as the default: the seed draws one of the strategies, since bugs differ in which of them finds them soonest. */
import { nextBelow, randomFrom } from '../../base/random.ts'
import type { StrategyState } from '../state.ts'
import { logUniform } from './draws.ts'
import { pct } from './pct.ts'
import { pos } from './pos.ts'
import { random } from './random.ts'
import type { Strategy } from './strategy.ts'
import { walk } from './walk.ts'

/** A strategy as often as it is listed. `steps` is how many PCT spreads its changes over, or 0. */
const partsOf = (steps: number): readonly Strategy[] => [
  pct(2, steps),
  pct(3, steps),
  pct(4, steps),
  walk,
  walk,
  pos,
  pos,
  random,
]

/** The fewest steps that changes are spread over: 2^3. */
const FEWEST_LOW = 3

/**
 * `mix`, or `mix:k` with the number of steps expected: the data of a fresh run are those of the strategy drawn, whose name they have. In every second run
 * PCT's changes fall into a first part of the steps, all powers of two being as likely: with many threads the first few that run have few of the steps.
 */
export function startMix(seed: number, steps: number): StrategyState {
  const random = randomFrom(seed, 'strategy')
  const part = nextBelow(random, partsOf(0).length)
  let above = FEWEST_LOW
  while (2 ** above <= steps) above++
  const isFirst = above > FEWEST_LOW && nextBelow(random, 2) === 0
  const parts = partsOf(isFirst ? Math.min(steps, logUniform({ name: '', random }, FEWEST_LOW, above)) : steps)
  return parts[part]!.start(seed)
}
