/** Exists to name the scheduling strategies there are, and to read their names with parameters. */
import { LemmingError } from '../../base/errors.ts'
import type { StrategyState } from '../state.ts'
import { choices } from './choices.ts'
import { guided } from './guided.ts'
import { startMix } from './mix.ts'
import { pct } from './pct.ts'
import { pos } from './pos.ts'
import { random } from './random.ts'
import type { Strategy } from './strategy.ts'
import { turns } from './turns.ts'
import { walk } from './walk.ts'

/** Most changes of priority, and steps, that make sense. */
const MAX_DEPTH = 100
const MAX_STEPS = 1e12

/** How the names look. */
const FORMS =
  'mix, mix:STEPS, random, walk, pos, pct:DEPTH, pct:DEPTH:STEPS; for hunt also exhaustive, exhaustive:PREEMPTIONS'

/** The data of a fresh run under the strategy of that name; throws a LemmingError for an unknown one. */
export function startStrategy(name: string, seed: number): StrategyState {
  if (name.startsWith('turns:')) return turns(name).start(seed)
  if (name.startsWith('choices:')) return choices(name).start(seed)
  if (name.startsWith('guided:')) return guided(name).start(seed)
  const [word, ...numbers] = parse(name)
  if (word === 'mix' && numbers.length <= 1) return startMix(seed, numbers[0] ?? 0)
  return strategyNamed(name).start(seed)
}

/** The strategy to which data of a run belong, by their name. */
export function strategyNamed(name: string): Strategy {
  if (name.startsWith('turns:')) return turns(name)
  if (name.startsWith('choices:')) return choices(name)
  if (name.startsWith('guided:')) return guided(name)
  const [word, ...numbers] = parse(name)
  const plain = [random, walk, pos].find((strategy) => strategy.name === word)
  if (plain !== undefined && numbers.length === 0) return plain
  const [depth, steps = 0] = numbers
  if (word === 'pct' && depth !== undefined && numbers.length <= 2 && depth >= 1 && depth <= MAX_DEPTH)
    return pct(depth, steps)
  throw unknown(name)
}

function parse(name: string): [string, ...number[]] {
  const [word, ...rest] = name.split(':')
  if (!rest.every((text) => /^[1-9]\d*$/.test(text) && Number(text) <= MAX_STEPS)) throw unknown(name)
  return [word!, ...rest.map(Number)]
}

function unknown(name: string): LemmingError {
  return new LemmingError('unknown-strategy', `there is no scheduling strategy '${name}'`, `use one of: ${FORMS}`)
}
