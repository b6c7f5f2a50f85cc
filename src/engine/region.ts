/** Exists to find the region that is translated as one function: the blocks that direct jumps reach from one address, within a budget. */
import type { AddressSpace } from './address-space.ts'
import { makeBlock } from '../ir/builder.ts'
import { EXIT } from '../ir/exits.ts'
import { ops } from '../ir/ops.ts'
import { resolveFlagKinds } from '../ir/passes/flags.ts'
import { insertClean, insertDefinedness } from '../ir/passes/definedness/insert.ts'
import { insertPoints } from '../ir/passes/points.ts'
import type { Block, Target } from '../ir/types.ts'
import { flowing, handsOver } from '../wasm/lower-registers.ts'
import { targetIndex } from '../wasm/targets.ts'
import { CodeReader } from '../x86/fetch.ts'
import { liftBlock } from '../x86/block.ts'
import { copyFunction } from './inline.ts'
import { GUEST_LIMIT, GUEST_MIN, TARGETS_BASE } from './layout.ts'
import { VARIANT } from './variant.ts'

/** Entries of one region: their numbers fit the low byte of an entry code. */
const MAX_ENTRIES = 200

/** Instructions that copies may add to a region beyond its budget. */
const EXTRA = 100

/** Which code of the function at an address is warm, for a copy of it; null when it is not to be copied. */
export type Copied = (target: number) => ((pc: number) => boolean) | null

/** Bytes of a procedure linkage table entry. */
const LINKAGE_SIZE = 16

/** Blocks to be lowered together. */
export interface Region {
  pc: number
  blocks: Block[]
  /** Block indices; entry 0 is `pc`. */
  entries: number[]
  entryPcs: number[]
  instructions: number
  /** Guest bytes that the translation depends on, as [start, end) ranges. */
  ranges: [number, number][]
  /** The first instruction cannot be fetched entirely: what holds now may not hold when it is executed again. */
  volatile: boolean
}

/** Can code be fetched from the page of `pc`? */
export function canExecute(space: AddressSpace, pc: number): boolean {
  return space.isExecutable(pc)
}

/** Reads code bytes from an address space; see x86/fetch.ts. */
export function codeReader(space: AddressSpace): CodeReader {
  return new CodeReader(space.bytes, (pc) => canExecute(space, pc))
}

/** Discovers the region that starts at `pc`, which must be executable, for a VARIANT. Blocks at other addresses belong to it only if they are `isWarm`. `clean` code asks the kernel at `pc` at most. */
export function discover(
  space: AddressSpace,
  pc: number,
  budget: number,
  variant: number,
  isWarm: (pc: number) => boolean,
  clean: boolean,
  copied: Copied | null = null,
): Region {
  const reader = codeReader(space)
  const byPc = new Map<number, Block>()
  /** Start of the block that covers each instruction start. */
  const cover = new Map<number, Block>()
  const queue: number[] = [pc]
  let instructions = 0

  const lift = (at: number, limit: number): void => {
    const lifted = liftAt(space, reader, at, limit, variant)
    const [block] = lifted
    const term = block!.term
    if (term.kind === 'fault' && term.reason === EXIT.fetchFault && at !== pc) return
    // Running into a block that exists already ends this one there.
    const code = term.kind === 'intercept' ? term.native : block!
    const meets = code.insns.findIndex((insn, i) => i > 0 && (byPc.has(insn.pc) || space.intercepts.has(insn.pc)))
    if (meets > 0) return lift(at, meets)
    if (
      code.term.kind === 'call' &&
      space.interceptedIn([[code.term.target, code.term.target + LINKAGE_SIZE]]).length === 0
    )
      inlineLinkage(space, reader, code)
    byPc.set(at, block!)
    for (const insn of block!.insns) cover.set(insn.pc, block!)
    instructions += block!.insns.length
    for (const b of lifted)
      for (const target of targetsOf(b)) if (typeof target === 'number' && !byPc.has(target)) queue.push(target)
  }

  while (queue.length > 0) {
    const at = queue.shift()!
    if (byPc.has(at)) continue
    const covering = cover.get(at)
    if (covering !== undefined) {
      const limit = covering.insns.findIndex((insn) => insn.pc === at)
      instructions -= covering.insns.length
      byPc.delete(covering.pc)
      for (const insn of covering.insns) if (cover.get(insn.pc) === covering) cover.delete(insn.pc)
      lift(at, budget)
      lift(covering.pc, limit)
      continue
    }
    if (instructions >= budget || !canExecute(space, at) || (at !== pc && !isWarm(at))) continue
    if (clean && at !== pc && space.intercepts.has(at)) continue
    lift(at, Math.max(1, Math.min(budget - instructions, 64)))
  }
  if (copied !== null && (variant & ~VARIANT.exact) === 0)
    instructions += copyFunctions(space, reader, variant, byPc, budget + EXTRA - instructions, copied)
  const region = assemble(pc, byPc, instructions)
  if ((variant & VARIANT.checked) !== 0) region.blocks.forEach(clean ? insertClean : insertDefinedness)
  return region
}

/**
 * Can clean code ask the kernel at `pc`, if it is asked there at all? Not where it may find out only at the first instruction of the function's own code that it cannot go on: then the kernel would
 * be asked anew. The load of a jump by a linkage table is harmless.
 */
export function isAskedOnce(space: AddressSpace, pc: number, variant: number): boolean {
  if (!space.intercepts.has(pc)) return true
  const { term } = liftAt(space, codeReader(space), pc, 1, variant)[0]!
  if (term.kind !== 'intercept') return false
  // PUSH of a register, 50 to 57 with or without REX.B: clean code makes room for it.
  const at = space.bytes[pc] === 0x41 ? pc + 1 : pc
  if ((space.bytes[at]! & 0xf8) === 0x50) return true
  return term.native.ops.every(
    ({ op, a }) => !['load', 'store', 'state'].includes(op.effect) || (op.effect === 'load' && a!.op === ops.i64_const),
  )
}

/** liftBlock; at the entry of a function that the kernel may answer itself the block that asks comes first, and the code is an internal block. */
export function liftAt(space: AddressSpace, reader: CodeReader, pc: number, limit: number, variant: number): Block[] {
  const lifted = liftBlock(reader, pc, limit, (variant & VARIANT.exact) !== 0)
  if ((variant & VARIANT.points) !== 0) {
    const quiet = space.isQuiet(pc)
    const logged = (variant & VARIANT.logged) !== 0
    const frames = (variant & VARIANT.frames) !== 0
    for (const block of lifted) insertPoints(block, quiet, logged, frames)
  }
  if (!space.intercepts.has(pc)) return lifted
  const native = lifted[0]!
  native.internal = true
  const entry = makeBlock(pc, false)
  entry.insns.push({ pc, length: 1, firstOp: 0 })
  entry.term = { kind: 'intercept', pc, native }
  return [entry, ...lifted]
}

/**
 * A call of a procedure linkage table entry (`[endbr64] jmp [slot]`) becomes a jump to a copy of that entry which ends in an indirect call: as a
 * region of its own it would cost more than all the rest of the call. What the slot holds now is where the call is expected to go.
 */
function inlineLinkage(space: AddressSpace, reader: CodeReader, block: Block): void {
  const { term } = block
  if (term.kind !== 'call') return
  const byte = (at: number): number => reader.bytes[term.target + at - reader.origin]!
  const at = byte(0) === 0xf3 && byte(1) === 0x0f && byte(2) === 0x1e ? 4 : 0
  const jump = byte(at) === 0xf2 ? at + 1 : at
  if (byte(jump) !== 0xff || byte(jump + 1) !== 0x25) return
  const [entry] = liftBlock(reader, term.target, 2)
  if (entry?.term.kind !== 'ijump') return
  entry.internal = true
  const displacement = byte(jump + 2) | (byte(jump + 3) << 8) | (byte(jump + 4) << 16) | (byte(jump + 5) << 24)
  const now = space.readU64(term.target + jump + 6 + displacement) ?? 0n
  const expected = now < BigInt(GUEST_LIMIT) && canExecute(space, Number(now)) ? { expected: Number(now) } : {}
  entry.term = { kind: 'icall', address: entry.term.address, ret: term.ret, ...expected }
  block.term = { kind: 'jump', target: entry }
}

/** Copies small functions into the region, as long as there is `room`; returns how many instructions that are. */
function copyFunctions(
  space: AddressSpace,
  reader: CodeReader,
  variant: number,
  byPc: ReadonlyMap<number, Block>,
  room: number,
  copied: Copied,
): number {
  let instructions = 0
  for (const first of byPc.values()) {
    const block = linkageOf(first) ?? first
    const { term } = block
    if (term.kind !== 'call' && term.kind !== 'icall') continue
    if (term.kind === 'icall') term.expected ??= expectedAt(space, term.ret)
    const target = term.kind === 'call' ? term.target : term.expected
    const isWarm = target === undefined ? null : copied(target)
    if (isWarm === null) continue
    const copy = copyFunction(
      {
        lift: (pc, limit) => liftAt(space, reader, pc, limit, variant),
        isWarm: (pc) => isWarm(pc) && canExecute(space, pc),
        isIntercepted: (pc) => space.intercepts.has(pc),
      },
      target!,
      term.ret,
      term.ret,
    )
    if (copy === null) continue
    const size = copy.reduce((sum, { insns }) => sum + insns.length, 0)
    if (instructions + size > room) continue
    instructions += size
    if (term.kind === 'icall') term.copy = copy[0]!
    else block.term = { kind: 'jump', target: copy[0]! }
  }
  return instructions
}

/** The copy of a linkage table entry that a block goes on in, if it does. */
function linkageOf({ term }: Block): Block | null {
  return term.kind === 'jump' && typeof term.target !== 'number' && term.target.term.kind === 'icall'
    ? term.target
    : null
}

/** Where the indirect call that returns to `ret` went last, if anywhere. */
function expectedAt(space: AddressSpace, ret: number): number | undefined {
  const target = space.view.getUint32(TARGETS_BASE + 4 * targetIndex(ret), true)
  return target >= GUEST_MIN && target < GUEST_LIMIT && canExecute(space, target) ? target : undefined
}

function targetsOf(block: Block): Target[] {
  const term = block.term
  switch (term.kind) {
    case 'jump':
      return [term.target]
    case 'branch':
      return [term.then, term.else]
    case 'call':
      return [term.behind ?? term.ret]
    case 'icall':
      return term.copy === undefined ? [term.behind ?? term.ret] : [term.copy, term.behind ?? term.ret]
    case 'ret':
      return term.expected === undefined ? [] : [term.expected.block]
    case 'syscall':
      return [term.next]
    case 'intercept':
      return [term.native]
    default:
      return []
  }
}

function assemble(pc: number, byPc: Map<number, Block>, instructions: number): Region {
  const addressed = [...byPc.values()].sort((x, y) => x.pc - y.pc)
  // Internal blocks follow: those that are still named.
  const found = new Set<Block>(addressed)
  for (const block of found) for (const target of targetsOf(block)) if (typeof target !== 'number') found.add(target)
  const blocks = [...found]
  const index = new Map<Target, number>()
  blocks.forEach((block, i) => {
    index.set(block, i)
    if (!block.internal) index.set(block.pc, i)
  })
  const succs = blocks.map((block) => targetsOf(block).flatMap((t) => index.get(t) ?? []))
  const entryPcs = [pc, ...interiorEntries(blocks, index, pc)].slice(0, MAX_ENTRIES)
  const entries = entryPcs.map((at) => index.get(at)!)
  resolveFlagKinds(
    blocks,
    blocks.map((block, i) => flowing(block, succs[i]!)),
    blocks.flatMap((block, i) => (entries.includes(i) || returnsHere(block, blocks) ? [i] : [])),
  )
  const term = blocks[entries[0]!]!.term
  const volatile = term.kind === 'fault' && term.reason === EXIT.fetchFault
  return {
    pc,
    blocks,
    entries,
    entryPcs,
    instructions,
    ranges: codeRanges(
      [...addressed, ...blocks.filter((b) => b.internal && b.insns.length > 0)].sort((x, y) => x.pc - y.pc),
    ),
    volatile,
  }
}

/** Is the block reached by the return of a call? Flags are the callee's then. */
function returnsHere(block: Block, blocks: readonly Block[]): boolean {
  if (block.internal)
    return blocks.some(
      ({ term }) =>
        (term.kind === 'intercept' && term.native === block) ||
        ((term.kind === 'call' || term.kind === 'icall') && term.behind === block),
    )
  return blocks.some((b) =>
    b.term.kind === 'call' || b.term.kind === 'icall'
      ? b.term.ret === block.pc
      : b.term.kind === 'syscall' && b.term.next === block.pc,
  )
}

/** Return sites, places after system calls, and targets of backward jumps: where execution may have to be resumed. */
function interiorEntries(blocks: readonly Block[], index: ReadonlyMap<Target, number>, pc: number): number[] {
  const found = new Set<number>()
  for (const block of blocks) {
    for (const target of targetsOf(block)) {
      if (typeof target !== 'number' || target === pc || !index.has(target) || block.term.kind === 'ret') continue
      if (handsOver(block) || target <= block.pc) found.add(target)
    }
  }
  return [...found]
}

function codeRanges(addressed: readonly Block[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const block of addressed) {
    const last = block.insns.at(-1)
    if (last === undefined) continue
    const end = last.pc + Math.max(last.length, 1)
    const previous = ranges.at(-1)
    if (previous !== undefined && previous[1] >= block.pc) previous[1] = Math.max(previous[1], end)
    else ranges.push([block.pc, end])
  }
  return ranges
}
