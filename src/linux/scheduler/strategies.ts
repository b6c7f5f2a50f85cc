/** Exists to name the scheduling strategies there are. */
import { LemmingError } from '../../base/errors.ts'
import { random } from './random.ts'
import type { Strategy } from './strategy.ts'

const strategies: readonly Strategy[] = [random]

const strategyNames = strategies.map(({ name }) => name)

/** The strategy of that name; throws a LemmingError for an unknown one. */
export function strategyNamed(name: string): Strategy {
  const found = strategies.find((strategy) => strategy.name === name)
  if (found === undefined) {
    throw new LemmingError(
      'unknown-strategy',
      `there is no scheduling strategy '${name}'`,
      `use one of: ${strategyNames.join(', ')}`,
    )
  }
  return found
}
