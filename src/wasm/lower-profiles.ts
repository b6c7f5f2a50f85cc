/**
 * Exists because most ways out of a region are taken rarely: they share the code that fetches or stores registers. A stop stores every register that its region may
 * write, so what is in the CPU state alone must be fetched first; an exit stores what has been written on the way to it.
 */
import type { Block } from '../ir/types.ts'
import { DEAD, mayLeave } from './lower-prepare.ts'
import { RegisterSet, type RegisterPlan } from './lower-registers.ts'

/** Different sets of registers, a *profile* each, with a label of its own around the region's body. Small ones come first. */
export interface Profiles {
  readonly sets: readonly RegisterSet[]
  /** Position in `sets` by a set's key. The empty set has no profile. */
  readonly index: ReadonlyMap<number | string, number>
  /** Of each set another one, before it in `sets`, that it contains, so that only the difference is dealt with before going on there; or -1. */
  readonly parents: readonly number[]
}

function profilesOf(all: Iterable<RegisterSet>): Profiles {
  const sets = [...all].sort((x, y) => x.size - y.size)
  return {
    sets,
    index: new Map(sets.map((set, i) => [set.key, i])),
    parents: sets.map((set, i) => sets.findLastIndex((other, at) => at < i && other.minus(set).empty)),
  }
}

/** Finds what is missing at each place where a stop may happen. What a block writes is no longer missing after the write. */
export function planStops(blocks: readonly Block[], plan: RegisterPlan): Profiles {
  const sets = new Map<number | string, RegisterSet>()
  const add = (missing: RegisterSet): void => {
    if (!missing.empty && !sets.has(missing.key)) sets.set(missing.key, missing.minus(new RegisterSet()))
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
  return profilesOf(sets.values())
}

/** Finds what is to be stored at the exits to known addresses: the leaves of the graph, which come after the `blocks`. */
export function planExits(blocks: readonly Block[], plan: RegisterPlan): Profiles {
  const sets = plan.dirtyBefore.slice(blocks.length).filter((set) => !set.empty)
  return profilesOf(new Map(sets.map((set) => [set.key, set])).values())
}
