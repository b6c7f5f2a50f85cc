/** Exists because calls are what translated code pays most for: small functions are copied into the region that calls them, where registers stay in locals. */
import { EXIT } from '../ir/exits.ts'
import { makeBlock } from '../ir/builder.ts'
import { stackChange } from '../ir/stack.ts'
import type { Block, Target, Terminator } from '../ir/types.ts'

/** Instructions that a copy holds at most. */
const MAX_INSTRUCTIONS = 40

/** What is needed to copy a function. */
export interface Copying {
  /** Lifts the block at `pc`, of at most `limit` instructions; internal blocks follow it. */
  lift: (pc: number, limit: number) => Block[]
  /** Has the code at `pc` been executed often enough to be part of a copy? */
  isWarm: (pc: number) => boolean
  /** Does anybody want to be asked at this address? */
  isIntercepted: (pc: number) => boolean
}

/**
 * A copy of the function at `pc` for one call of it, which returns to the address `ret` and its block `behind`: internal blocks, the first of which is the function's
 * entry; null when there is none. What is not warm is called: as if the function went on in a call, which has been made already. The machine is at no place that
 * it would not be at otherwise: the return address is on the stack, and whoever leaves a copy goes on in the function itself.
 */
export function copyFunction(copying: Copying, pc: number, ret: number, behind: Target): Block[] | null {
  const lifted = liftAll(copying, pc)
  if (lifted === null) return null
  const addressed = [...lifted.values()].map(([first]) => first!)
  const all = [...lifted.values()].flat()
  if (all.some(({ term }) => !isCopied(term))) return null
  const depths = depthsOf(lifted, pc)
  const rests = new Map<string, Block>()
  const rest = (key: string, term: Terminator & ({ kind: 'call' } | { kind: 'icall' })): Block => {
    let block = rests.get(key)
    if (block === undefined) {
      block = makeBlock(pc, true)
      block.term = term
      rests.set(key, block)
    }
    return block
  }
  let possible = true
  const raiseAt = (depth: number | null | undefined): number => {
    if (depth === null || depth === undefined) possible = false
    return 8 - (depth ?? 0)
  }
  for (const [at, blocks] of lifted) {
    for (const block of blocks) {
      const { term } = block
      const after = afterOf(depths.get(at), blocks[0]!)
      const place = (target: Target): Target => {
        if (typeof target !== 'number') return target
        const known = lifted.get(target)
        if (known !== undefined) return known[0]!
        const depth = depths.get(target)
        return rest(String(target), { kind: 'call', target, ret, behind, raise: raiseAt(depth) })
      }
      if (term.kind === 'jump') term.target = place(term.target)
      else if (term.kind === 'branch') {
        term.then = place(term.then)
        term.else = place(term.else)
      } else if (term.kind === 'call' || term.kind === 'icall') {
        const known = lifted.get(term.ret)
        if (known === undefined) possible = false
        else term.behind = known[0]!
      } else if (term.kind === 'ijump') {
        block.term = { kind: 'icall', address: term.address, ret, behind, raise: raiseAt(after) }
      } else if (term.kind === 'ret') term.expected = { pc: ret, block: behind }
    }
  }
  for (const block of addressed) block.internal = true
  return possible ? [...all, ...rests.values()] : null
}

/** The warm blocks of a function by address, each with its internal ones; null when they are too many or somebody wants to be asked in them. */
function liftAll({ lift, isWarm, isIntercepted }: Copying, pc: number): Map<number, Block[]> | null {
  const starts = new Set([pc])
  for (;;) {
    const lifted = new Map<number, Block[]>()
    const inside = new Set<number>()
    let instructions = 0
    for (const at of starts) {
      if (isIntercepted(at)) return null
      let blocks = lift(at, MAX_INSTRUCTIONS)
      const meets = blocks[0]!.insns.findIndex((insn, i) => i > 0 && starts.has(insn.pc))
      if (meets > 0) blocks = lift(at, meets)
      lifted.set(at, blocks)
      for (const insn of blocks[0]!.insns.slice(1)) inside.add(insn.pc)
      instructions += blocks[0]!.insns.length
      if (instructions > MAX_INSTRUCTIONS) return null
      for (const target of blocks.flatMap(targetsOf)) if (isWarm(target)) starts.add(target)
    }
    if ([...inside].some(isIntercepted)) return null
    if (![...starts].some((at) => inside.has(at))) return lifted
  }
}

/** Addresses at which a block of a function goes on in it. */
function targetsOf({ term }: Block): number[] {
  const targets: Target[] = []
  if (term.kind === 'jump') targets.push(term.target)
  else if (term.kind === 'branch') targets.push(term.then, term.else)
  else if (term.kind === 'call' || term.kind === 'icall') targets.push(term.ret)
  return targets.filter((target) => typeof target === 'number')
}

function isCopied(term: Terminator): boolean {
  switch (term.kind) {
    case 'syscall':
    case 'intercept':
    case 'leave':
      return false
    case 'fault':
      return term.reason !== EXIT.fetchFault
    default:
      return true
  }
}

function afterOf(depth: number | null | undefined, block: Block): number | null {
  const change = stackChange(block)
  return depth === null || depth === undefined || change === null ? null : depth + change
}

/** Distances of the stack pointer from where it is at the function's entry, by address, null where they are not constant; those of addresses that it goes to are included. */
function depthsOf(lifted: ReadonlyMap<number, readonly Block[]>, pc: number): Map<number, number | null> {
  const depths = new Map<number, number | null>([[pc, 0]])
  const work = [pc]
  while (work.length > 0) {
    const at = work.pop()!
    const blocks = lifted.get(at)
    if (blocks === undefined) continue
    const { kind } = blocks[0]!.term
    const after = afterOf(depths.get(at), blocks[0]!)
    const behind = after === null ? null : after + (kind === 'call' || kind === 'icall' ? 8 : 0)
    for (const target of blocks.flatMap(targetsOf)) {
      const before = depths.get(target)
      if (before === undefined) depths.set(target, behind)
      else if (before === behind || before === null) continue
      else depths.set(target, null)
      work.push(target)
    }
  }
  return depths
}
