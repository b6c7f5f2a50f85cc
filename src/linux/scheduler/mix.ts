/** Exists as the default: the seed draws one of the strategies, since bugs differ in which of them finds them soonest. */
import { nextBelow, randomFrom } from '../../base/random.ts'
import type { StrategyState } from '../state.ts'
import { pct } from './pct.ts'
import { pos } from './pos.ts'
import { random } from './random.ts'
import type { Strategy } from './strategy.ts'
import { walk } from './walk.ts'

/** A strategy as often as it is listed. `steps` is PCT's k, or 0. */
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

/** `mix`, or `mix:k` with the number of steps expected: the data of a fresh run are those of the strategy drawn, whose name they have. */
export function startMix(seed: number, steps: number): StrategyState {
  const parts = partsOf(steps)
  return parts[nextBelow(randomFrom(seed, 'strategy'), parts.length)]!.start(seed)
}
