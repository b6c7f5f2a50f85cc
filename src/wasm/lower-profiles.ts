/** Exists because a stop stores every register that its region may write: registers whose values are in the CPU state alone at the place of the stop must be fetched first. */
import type { Block } from '../ir/types.ts'
import { DEAD, mayLeave } from './lower-prepare.ts'
import { RegisterSet, type RegisterPlan } from './lower-registers.ts'

/** The different sets of registers that stops of a region have to fetch: a *profile* each, with a label of its own around the region's body. */
export interface StopProfiles {
  readonly sets: readonly RegisterSet[]
  /** Position in `sets` by a set's key. A stop that has nothing to fetch has no profile. */
  readonly index: ReadonlyMap<number | string, number>
  /** Of each set another one, before it in `sets`, that it contains, so that only the difference must be fetched before going on there; or -1. */
  readonly parents: readonly number[]
}

/** Finds what is missing at each place where a stop may happen. What a block writes is no longer missing after the write. */
export function planStopProfiles(blocks: readonly Block[], plan: RegisterPlan): StopProfiles {
  const sets: RegisterSet[] = []
  const seen = new Set<number | string>()
  const add = (missing: RegisterSet): void => {
    if (missing.empty || seen.has(missing.key)) return
    seen.add(missing.key)
    sets.push(missing.minus(new RegisterSet()))
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
  sets.sort((x, y) => x.size - y.size)
  return {
    sets,
    index: new Map(sets.map((set, i) => [set.key, i])),
    parents: sets.map((set, i) => sets.findLastIndex((other, at) => at < i && other.minus(set).empty)),
  }
}
