/**
 * Exists to write *clean* code: it computes no V bits, since all registers that it reads are defined, and so is all that it loads. Where that ends it goes on in full
 * code at the very instruction, by a tail call. A word in memory (ir/clean.ts) tells which registers may be undefined meanwhile.
 */
import { CLEAN, CLEAN_WORDS, cleanBit, type CleanMask } from '../ir/clean.ts'
import { BLOCK_VOID } from './encode.ts'
import { ops } from '../ir/ops.ts'
import type { AccessRow } from './lower-access.ts'
import { DEAD } from './lower-prepare.ts'
import type { Window } from './lower-windows.ts'
import { PARAMETER } from './lower-input.ts'
import { RegisterSet } from './lower-registers.ts'
import type { RegionLowering } from './lower-region.ts'
import type { ValueLowering } from './lower-value.ts'
import * as OP from './opcodes.ts'
import { ACCESS } from './runtime-index.ts'
import { RUNTIME } from './runtime.ts'

/** The bits of a set of registers. */
function maskOf(set: RegisterSet): CleanMask {
  const mask = { lo: 0, hi: 0 }
  set.forEach((register) => {
    const bit = cleanBit(register)
    if (bit >= 32) mask.hi |= CLEAN.flags
    else if (bit >= 0) mask.lo |= 1 << bit
  })
  return mask
}

function pushWord({ body: f, layout }: RegionLowering): void {
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, layout.cleanBase)
}

/** Pushes whether any register is undefined of those that `need` pushes the bits of; the word is stale no more. */
function pushUndefined(region: RegionLowering, need: () => void, then: () => void): void {
  const { body: f } = region
  pushWord(region)
  need()
  f.op(OP.i64_and)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.hint(false)
  region.if_()
  f.opIndex(OP.call, RUNTIME.enterClean!)
  need()
  f.op(OP.i64_and)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.hint(false)
  region.if_()
  then()
  region.end()
  region.end()
}

/** Pushes the bits of a set of registers that clean code needs to be defined. */
function pushNeed({ body: f }: RegionLowering, set: RegisterSet): void {
  const { lo, hi } = maskOf(set)
  f.i64Const(lo, hi | CLEAN.stale)
}

/** The registers of a set have been written: they are defined. Those of `keep`, a local or -1, have not. */
export function clearBits(region: RegionLowering, set: RegisterSet, keep: number): void {
  const { lo, hi } = maskOf(set)
  if (lo === 0 && hi === 0) return
  const { body: f, layout } = region
  f.i32Const(0)
  pushWord(region)
  f.i64Const(~lo, ~hi)
  if (keep >= 0) {
    f.localGet(keep)
    f.op(OP.i64_or)
  }
  f.op(OP.i64_and)
  f.opMemory(OP.i64_store, 3, layout.cleanBase)
}

/** A stop fetches a set of registers: it does not write them. */
export function keepBits({ body: f }: RegionLowering, keep: number, set: RegisterSet): void {
  const { lo, hi } = maskOf(set)
  f.localGet(keep)
  f.i64Const(lo, hi)
  f.op(OP.i64_or)
  f.localSet(keep)
}

/** The instruction at hand is none for clean code. */
export function emitUnclean(v: ValueLowering): void {
  const { body: f, layout } = v.region
  f.i32Const(0)
  f.i32Const(v.pc)
  f.opMemory(OP.i32_store, 2, layout.cleanBase + CLEAN_WORDS.pc)
  f.i32Const(0)
  f.i32Const(v.refund)
  f.opMemory(OP.i32_store, 2, layout.cleanBase + CLEAN_WORDS.refund)
  v.region.stop()
}

/** Where all stops end, those too that are only to go on in full code; `written` are the registers that they store but for those of `keep`. */
export function stopClean(region: RegionLowering, keep: number, written: RegisterSet): void {
  const { body: f, layout } = region
  clearBits(region, written, keep)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, layout.cleanBase + CLEAN_WORDS.pc)
  f.localTee(region.xpc)
  region.if_()
  f.i32Const(0)
  f.i32Const(0)
  f.opMemory(OP.i32_store, 2, layout.cleanBase + CLEAN_WORDS.pc)
  f.localGet(PARAMETER.fuel)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, layout.cleanBase + CLEAN_WORDS.refund)
  f.op(OP.i32_add)
  f.localSet(PARAMETER.fuel)
  f.localGet(region.xpc)
  f.i32Const(region.input.clean)
  f.opIndex(OP.call, RUNTIME.deopt!)
  f.localSet(region.xcode)
  region.end()
}

/** At the start of a region: goes to full code unless the registers are defined that the entry needs. The first entry is the common one. */
export function enterClean(region: RegionLowering, entries: readonly RegisterSet[]): void {
  const { body: f } = region
  const [first] = entries
  const all = new RegisterSet()
  for (const set of entries) all.addAll(set)
  const need = (): void => {
    if (all.key === first!.key) return pushNeed(region, all)
    pushNeed(region, all)
    pushNeed(region, first!)
    f.localGet(PARAMETER.label)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.op(OP.select)
  }
  pushUndefined(region, need, () => {
    f.localGet(PARAMETER.label)
    f.i32Const(-1)
    f.opIndex(OP.call, RUNTIME.deopt!)
    f.localTee(region.xcode)
    f.i32Const(0)
    f.op(OP.i32_lt_s)
    f.opBlock(OP.if, BLOCK_VOID)
    // No code now: the answer is the complement of the address.
    f.localGet(region.xcode)
    f.i32Const(-1)
    f.op(OP.i32_xor)
    f.localGet(PARAMETER.fuel)
    f.op(OP.return)
    f.op(OP.end)
    region.arguments(region.xcode, 0)
    f.returnCallIndirect(region.input.regionType, 0)
  })
}

/** Control has come back to `pc`, where a set of registers is needed, with all of them in the CPU state: `leave` goes to the code in xcode instead. */
export function recheck(region: RegionLowering, set: RegisterSet, pc: number, leave: () => void): void {
  const { body: f } = region
  pushUndefined(
    region,
    () => pushNeed(region, set),
    () => {
      f.i32Const(pc)
      f.localTee(region.xpc)
      f.i32Const(region.input.clean)
      f.opIndex(OP.call, RUNTIME.deopt!)
      f.localSet(region.xcode)
      leave()
    },
  )
}

/**
 * The kernel is to be asked about the function at `pc`, of which one instruction has been paid for: unless `set` is defined, which the function's own code reads first, full code asks. Once it
 * has been asked it must not be asked anew.
 */
export function askClean(region: RegionLowering, set: RegisterSet, pc: number, leave: () => void): void {
  recheck(region, set, pc, () => {
    refundOne(region)
    leave()
  })
}

/** The kernel has been asked, and what is known of the registers may be in the mirrors. */
export function askedClean(region: RegionLowering): void {
  const { body: f } = region
  pushWord(region)
  f.i64Const(0, CLEAN.stale)
  f.op(OP.i64_and)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.hint(false)
  region.if_()
  f.opIndex(OP.call, RUNTIME.enterClean!)
  f.op(OP.drop)
  region.end()
}

function refundOne({ body: f }: RegionLowering): void {
  f.localGet(PARAMETER.fuel)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.localSet(PARAMETER.fuel)
}

/** Full code has come here from code that may have been clean. */
export function settle(region: RegionLowering): void {
  const { body: f } = region
  pushWord(region)
  f.i64Const(0, CLEAN.stale)
  f.op(OP.i64_and)
  f.op(OP.i64_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.opIndex(OP.call, RUNTIME.leaveClean!)
  f.op(OP.end)
}

const LOADS = new Map([
  [1, OP.i32_load8_u],
  [2, OP.i32_load16_u],
  [4, OP.i32_load],
  [8, OP.i64_load],
  [16, OP.v128_load],
])
const STORES = new Map([
  [1, OP.i32_store8],
  [2, OP.i32_store16],
  [4, OP.i32_store],
  [8, OP.i64_store],
  [16, OP.v128_store],
])

/** An access to be checked: where its first byte is, what pushes 0 if it may surely be made, and what pushes the address. */
interface CleanCheck {
  low: number
  offset: number
  doubt: () => void
  push: () => void
}

/**
 * Checks an access: may it be made, and are its bytes defined? All doubts are for the runtime, so that there is one way to stop. What is stored is defined, and the
 * runtime says so of bytes that were not. `window` is that of the access, if it has one.
 */
export function cleanCheck(v: ValueLowering, row: AccessRow, check: CleanCheck, window: Window | null): void {
  const { bytes, store } = row
  const { low, offset, doubt, push } = check
  const { region } = v
  const f = region.body
  const known = v.defined.get(low)?.some(([first, end]) => first <= offset && offset + bytes <= end) === true
  const pair = known || window === null ? null : neighbourOf(v, row, offset, window)
  region.block()
  if (known) {
    doubt()
    f.op(OP.i32_eqz)
    f.hint(true)
    f.opIndex(OP.br_if, 0)
  } else {
    region.block()
    doubt()
    f.hint(false)
    f.opIndex(OP.br_if, 0)
    const size = pair === null ? bytes : 16
    f.localGet(low)
    f.opMemory(LOADS.get(size)!, 0, region.layout.shadowDisplacement + Math.min(offset, pair ?? offset))
    if (size === 16) f.op(OP.v128_any_true)
    f.op(size === 8 ? OP.i64_eqz : OP.i32_eqz)
    f.hint(true)
    f.opIndex(OP.br_if, 1)
    region.end()
  }
  push()
  f.i32Const(bytes | (store ? ACCESS.store : 0) | (pair === null ? 0 : ACCESS.pair) | (v.refund << ACCESS.refundShift))
  f.i32Const(v.pc)
  f.opIndex(OP.call, RUNTIME.checkClean!)
  f.hint(false)
  region.if_()
  region.stop()
  region.end()
  region.end()
  if (window === null || known) return
  know(v, low, offset, bytes)
  if (pair !== null) know(v, low, pair, 8)
}

function know(v: ValueLowering, low: number, offset: number, bytes: number): void {
  const ranges = v.defined.get(low)
  if (ranges === undefined) v.defined.set(low, [[offset, offset + bytes]])
  else ranges.push([offset, offset + bytes])
}

/** How many ops ahead another load is looked for. */
const AHEAD = 40

/** The offset of another load of 64 bits right beside this one, which surely comes next: both are asked about at once. Null for none. */
function neighbourOf(v: ValueLowering, { bytes, store }: AccessRow, offset: number, window: Window): number | null {
  if (store || bytes !== 8) return null
  for (let i = v.position + 1; i < Math.min(v.ops.length, v.position + AHEAD); i++) {
    const node = v.ops[i]!
    if (node.op.effect === 'store' || node.op.effect === 'state') return null
    if (node.op !== ops.load64 || node.uses === DEAD) continue
    const placement = v.region.placementOf(node)
    if (placement?.window === window && Math.abs(placement.offset - offset) === 8) return placement.offset
  }
  return null
}

/** A store to the stack, where no byte is guarded: at the place of the access before. */
export function storeDefined(v: ValueLowering, bytes: number): void {
  const f = v.region.body
  f.localGet(v.accessed.low)
  if (bytes === 16) f.v128Const(0, 0, 0, 0)
  else if (bytes === 8) f.i64Const(0, 0)
  else f.i32Const(0)
  f.opMemory(STORES.get(bytes)!, 0, v.region.layout.shadowDisplacement + v.accessed.offset)
  know(v, v.accessed.low, v.accessed.offset, bytes)
}
