/** Exists because a stop stores every register that its region may write: registers whose values are in the CPU state alone at the place of the stop must be fetched first. */
import type { Block } from '../ir/types.ts'
import { DEAD, mayLeave } from './lower-prepare.ts'
import { RegisterSet, type RegisterPlan } from './lower-registers.ts'

/** The different sets of registers that stops of a region have to fetch: a *profile* each, with a label of its own around the region's body. */
export interface StopProfiles {
  readonly sets: readonly RegisterSet[]
  /** Position in `sets` by a set's key. A stop that has nothing to fetch has no profile. */
  readonly index: ReadonlyMap<number | string, number>
}

/** Finds what is missing at each place where a stop may happen. What a block writes is no longer missing after the write. */
export function planStopProfiles(blocks: readonly Block[], plan: RegisterPlan): StopProfiles {
  const sets: RegisterSet[] = []
  const index = new Map<number | string, number>()
  const add = (missing: RegisterSet): void => {
    if (missing.empty || index.has(missing.key)) return
    index.set(missing.key, sets.push(missing.minus(new RegisterSet())) - 1)
  }
  plan.valid.forEach((valid, b) => {
    const missing = plan.written.minus(valid)
    add(missing)
    for (const node of blocks[b]?.ops ?? []) {
      if (node.uses === DEAD || missing.empty) continue
      if (node.op.effect === 'put') missing.remove(node.imm)
      else if (mayLeave(node)) add(missing)
    }
    add(missing)
  })
  return { sets, index }
}
