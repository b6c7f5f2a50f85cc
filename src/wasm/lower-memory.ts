/** Exists to lower guest memory accesses: before the plain wasm access the address is compared with a range that is known to be accessible. */
import { type OpRow, ops } from '../ir/ops.ts'
import { REG } from '../ir/registers.ts'
import type { Node } from '../ir/types.ts'
import { I32, I64, V128 } from './encode.ts'
import { accessOf } from './lower-access.ts'
import { cleanCheck, storeDefined } from './lower-clean.ts'
import { PARAMETER } from './lower-input.ts'
import type { ValueLowering } from './lower-value.ts'
import type { Window } from './lower-windows.ts'
import * as OP from './opcodes.ts'
import { PAIRS_SIZE } from './pairs.ts'
import { ACCESS } from './runtime-index.ts'
import { FAR, RUNTIME } from './runtime.ts'
import { zonePlace } from './zones.ts'

/** Of the windows outside of their zones, one in this many looks for a new one: places that jump about must not pay for it each time. */
const PATIENCE = 64

/** An address ready for use: the full 64-bit value and its low word, both in locals. */
export interface Address {
  full: number
  low: number
}

/** Evaluates an address node into locals. */
export function emitAddress(v: ValueLowering, node: Node): Address {
  const f = v.region.body
  const full = v.local(I64)
  const low = v.local(I32)
  v.emit(node)
  f.localTee(full)
  f.op(OP.i32_wrap_i64)
  f.localSet(low)
  return { full, low }
}

/** Pushes the attribute byte of the page of the address in local `low` + `offset`. */
function pushAttribute(v: ValueLowering, low: number, offset: number): void {
  const f = v.region.body
  f.localGet(low)
  if (offset !== 0) {
    f.i32Const(offset)
    f.op(OP.i32_add)
  }
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, v.region.layout.attributesBase)
}

/** Asks the runtime about the access at the address that `push` pushes, and leaves the region when it faults. */
function emitSlowCheck(v: ValueLowering, push: () => void, bytes: number, store: boolean): void {
  const f = v.region.body
  push()
  f.i32Const(bytes | (store ? ACCESS.store : 0) | (v.refund << ACCESS.refundShift))
  f.i32Const(v.pc)
  f.opIndex(OP.call, RUNTIME.check!)
  v.region.if_()
  v.region.stop()
  v.region.end()
}

/**
 * Leaves the region with a precise fault unless `bytes` bytes at the address may be read (or written). The fast path reads
 * the attribute of one page; an access that crosses into another, or finds anything but a plain page, asks the runtime, in careful code.
 */
export function emitCheck(v: ValueLowering, address: Address, bytes: number, store: boolean): void {
  const f = v.region.body
  if (!v.region.input.careful) return leaveInDoubt(v, address, bytes, store)
  pushDoubt(v, address, bytes, store)
  f.hint(false)
  v.region.if_()
  emitSlowCheck(v, () => f.localGet(address.full), bytes, store)
  v.region.end()
}

/** Is the address a constant where something may be mapped, and the code not one that asks? */
function isKnownPage({ region: { input, layout } }: ValueLowering, { op, imm, imm2 }: Node): boolean {
  return !input.careful && op === ops.i64_const && imm2 === 0 && imm >= 0 && imm < layout.guestLimit
}

/** The same for bytes at a constant address, whose pages are known. */
function checkKnown(v: ValueLowering, address: number, bytes: number, store: boolean): void {
  const f = v.region.body
  const [first, last] = [address >>> 12, (address + bytes - 1) >>> 12]
  for (let page = first; page <= last; page++) {
    f.i32Const(page)
    f.opMemory(OP.i32_load8_u, 0, v.region.layout.attributesBase)
    if (page > first) f.op(OP.i32_or)
  }
  if (!store) {
    f.i32Const(1)
    f.op(OP.i32_and)
  }
  f.hint(false)
  v.region.if_()
  v.region.doubts.leave(v.pc, v.refund)
  v.region.end()
}

/**
 * Leaves the region for the engine to execute the instruction, unless all of the `span` bytes from the address on (at most a page) can be accessed plainly. Most often the
 * pair byte says so; only where the next page cannot be accessed it matters how far the access reaches: code that does not look leaves.
 */
function leaveInDoubt(v: ValueLowering, address: Address, span: number, store: boolean): void {
  if (v.region.input.edges) return leaveByPages(v, address, span, store)
  const f = v.region.body
  pushPair(v, address.low, store)
  f.localGet(address.full)
  f.i64Const(v.region.layout.guestLimit, 0)
  f.op(OP.i64_ge_u)
  f.op(OP.i32_or)
  f.hint(false)
  v.region.if_()
  v.region.doubts.leave(v.pc, v.refund)
  v.region.end()
}

function pushPair(v: ValueLowering, low: number, store: boolean): void {
  const f = v.region.body
  f.localGet(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, v.region.layout.pairsBase + (store ? PAIRS_SIZE : 0))
}

function leaveByPages(v: ValueLowering, { full, low }: Address, span: number, store: boolean): void {
  const f = v.region.body
  v.region.block()
  v.region.block()
  pushPair(v, low, store)
  f.hint(false)
  v.region.if_()
  pushAttribute(v, low, 0)
  if (span > 1) {
    pushAttribute(v, low, span - 1)
    f.op(OP.i32_or)
  }
  if (!store) {
    f.i32Const(1)
    f.op(OP.i32_and)
  }
  f.opIndex(OP.br_if, 1)
  v.region.end()
  f.localGet(full)
  f.i64Const(v.region.layout.guestLimit, 0)
  f.op(OP.i64_lt_u)
  f.hint(true)
  f.opIndex(OP.br_if, 1)
  v.region.end()
  v.region.doubts.leave(v.pc, v.refund)
  v.region.end()
}

/** Pushes 0 if the access may surely be made. */
function pushDoubt(v: ValueLowering, { full, low }: Address, bytes: number, store: boolean): void {
  const f = v.region.body
  pushAttribute(v, low, 0)
  if (!store) {
    f.i32Const(1)
    f.op(OP.i32_and)
  }
  f.localGet(full)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i32_wrap_i64)
  f.op(OP.i32_or)
  if (bytes > 1) {
    f.localGet(low)
    f.i32Const(4095)
    f.op(OP.i32_and)
    f.i32Const(bytes - 1)
    f.op(OP.i32_add)
    f.i32Const(12)
    f.op(OP.i32_shr_u)
    f.op(OP.i32_or)
  }
}

/** Checks whether all of a window may be accessed: its first byte's address is in local `full`. Fills `origin`, and in careful code `bad`; other code leaves if it may not. */
function emitWindow(v: ValueLowering, window: Window, full: number): void {
  const f = v.region.body
  f.localGet(full)
  f.op(OP.i32_wrap_i64)
  f.localSet(window.origin)
  if (!v.region.input.careful)
    return leaveInDoubt(v, { full, low: window.origin }, window.high - window.low, window.store)
  pushAttribute(v, window.origin, 0)
  pushAttribute(v, window.origin, window.high - window.low - 1)
  f.op(OP.i32_or)
  if (!window.store) {
    f.i32Const(1)
    f.op(OP.i32_and)
  }
  f.localGet(full)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i32_wrap_i64)
  f.op(OP.i32_or)
  f.localSet(window.bad)
}

/**
 * The same for the stack window: the *zone* is a range of plain pages that the engine found around a stack pointer, so that most
 * regions get along with one comparison: of the window's end, since there is a plain page below the zone, too.
 */
function emitStackWindow(v: ValueLowering, window: Window, full: number): void {
  const f = v.region.body
  f.localGet(full)
  f.op(OP.i32_wrap_i64)
  f.localSet(window.origin)
  const { careful } = v.region.input
  if (careful) {
    f.i32Const(0)
    f.localSet(window.bad)
  }
  f.localGet(full)
  f.i64Const(window.high - window.low, 0)
  f.op(OP.i64_add)
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, v.region.layout.zoneBase)
  f.op(OP.i64_sub)
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, v.region.layout.zoneBase + 8)
  f.op(OP.i64_gt_u)
  f.hint(false)
  v.region.if_()
  f.localGet(full)
  f.i32Const(window.high - window.low)
  f.opIndex(OP.call, RUNTIME.zone!)
  if (careful) f.localSet(window.bad)
  else {
    v.region.if_()
    v.region.doubts.leaveEntry()
    v.region.end()
  }
  v.region.end()
}

/**
 * Checks the stack window at a region's entry: the stack pointer's depth depends on the entry (`depths`, by label). The answer holds for the whole activation, over calls
 * too: when a plain page stops being one, the engine unwinds all translated code.
 */
export function openStackWindow(v: ValueLowering, stack: Window, depths: readonly number[]): void {
  const f = v.region.body
  if (v.region.input.careful) stack.bad = f.local(I32)
  stack.origin = f.local(I32)
  const start = f.local(I64)
  const usual = depths.find((d) => d !== depths[0]) ?? depths[0]!
  f.localGet(v.region.registerOf(REG.rsp))
  f.i64Const(stack.low - usual, stack.low - usual < 0 ? -1 : 0)
  f.op(OP.i64_add)
  depths.forEach((d, label) => {
    if (d === usual) return
    f.i64Const(usual - d, usual - d < 0 ? -1 : 0)
    f.i64Const(0, 0)
    f.localGet(PARAMETER.label)
    f.i32Const(label)
    f.op(OP.i32_eq)
    f.op(OP.select)
    f.op(OP.i64_add)
  })
  f.localSet(start)
  emitStackWindow(v, stack, start)
}

/** The window of a block, computed at its first access. */
function openWindow(v: ValueLowering, window: Window): void {
  if (window.origin >= 0) return
  const f = v.region.body
  const { careful } = v.region.input
  if (careful) window.bad = v.local(I32)
  window.origin = v.local(I32)
  const full = v.local(I64)
  v.emit(window.base!)
  if (window.low !== 0) {
    f.i64Const(window.low, Math.floor(window.low / 0x1_0000_0000))
    f.op(OP.i64_add)
  }
  f.localSet(full)
  if (window.looped) emitLoopedWindow(v, window, full)
  else emitWindow(v, window, full)
}

/**
 * The same in a loop: usually the window lies in the zone that the place remembers. If not, it is checked, and now and then the runtime looks for a new zone.
 */
function emitLoopedWindow(v: ValueLowering, window: Window, full: number): void {
  const f = v.region.body
  const { zonesBase, missesBase } = v.region.layout
  const span = window.high - window.low
  const place = zonePlace(v.pc, window.low, span, window.store)
  const zone = zonesBase + place.offset
  f.localGet(full)
  f.op(OP.i32_wrap_i64)
  f.localSet(window.origin)
  const { careful } = v.region.input
  if (careful) {
    f.i32Const(0)
    f.localSet(window.bad)
  }
  f.localGet(full)
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, zone)
  f.op(OP.i64_sub)
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, zone + 8)
  f.op(OP.i64_ge_u)
  f.hint(false)
  v.region.if_()
  emitWindow(v, window, full)
  const misses = v.local(I32)
  f.i32Const(0)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, missesBase)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.localTee(misses)
  f.opMemory(OP.i32_store, 2, missesBase)
  f.localGet(misses)
  f.i32Const(PATIENCE - 1)
  f.op(OP.i32_and)
  if (careful) {
    f.localGet(window.bad)
    f.op(OP.i32_or)
  }
  f.op(OP.i32_eqz)
  v.region.if_()
  f.localGet(full)
  f.i32Const(span | (window.store ? FAR.store : 0) | (place.reach << FAR.reachShift))
  f.i32Const(zone)
  f.opIndex(OP.call, RUNTIME.far!)
  v.region.end()
  v.region.end()
}

/**
 * Bytes that may not be accessed are undefined: only for undefined bits is it asked which they are. Returns the local with the V bits that were found; those of
 * bytes that an instruction may read, because it was told before, are taken for defined.
 */
function askGuarded(v: ValueLowering, bytes: number, store: boolean): number {
  const f = v.region.body
  const { shadowDisplacement, unaddressableBase } = v.region.layout
  const { low, offset } = v.accessed
  const type = bytes === 16 ? V128 : bytes === 8 ? I64 : I32
  const bits = v.local(type)
  f.localGet(low)
  f.opMemory(SHADOW_LOADS.get(bytes)!, 0, shadowDisplacement + offset)
  f.localTee(bits)
  if (type === V128) f.op(OP.v128_any_true)
  else if (type === I64) {
    f.op(OP.i64_eqz)
    f.op(OP.i32_eqz)
  }
  f.hint(false)
  v.region.if_()
  const at = v.local(I32)
  f.localGet(low)
  f.i32Const(offset)
  f.op(OP.i32_add)
  f.localTee(at)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load, 0, unaddressableBase)
  f.localGet(at)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i32_shr_u)
  f.i32Const((1 << bytes) - 1)
  f.op(OP.i32_and)
  f.hint(false)
  v.region.if_()
  const answer = v.local(I32)
  f.localGet(at)
  f.i32Const(bytes | (store ? ACCESS.store : 0) | (v.refund << ACCESS.refundShift))
  f.i32Const(v.pc)
  f.opIndex(OP.call, RUNTIME.guarded!)
  f.localTee(answer)
  v.region.if_()
  f.localGet(answer)
  f.i32Const(1)
  f.op(OP.i32_eq)
  v.region.if_()
  v.region.stop()
  v.region.end()
  if (type === V128) f.v128Const(0, 0, 0, 0)
  else if (type === I64) f.i64Const(0, 0)
  else f.i32Const(0)
  f.localSet(bits)
  v.region.end()
  v.region.end()
  v.region.end()
  return bits
}

/** Lowers a load or store of V bits: of the bytes of the access before, which has been checked. */
export function shadowAccess(v: ValueLowering, node: Node): void {
  const f = v.region.body
  const { bytes, store } = shadowOf(node.op)
  if (!store && v.accessed.bits >= 0) {
    node.local = v.accessed.bits
    return
  }
  const place = v.region.layout.shadowDisplacement + v.accessed.offset
  const opcode = store ? SHADOW_STORES.get(bytes)! : SHADOW_LOADS.get(bytes)!
  f.localGet(v.accessed.low)
  if (store) v.emit(node.a!)
  f.opMemory(opcode, 0, place)
  if (!store) v.setResult(node)
}

const SHADOW_LOADS = new Map([
  [1, OP.i32_load8_u],
  [2, OP.i32_load16_u],
  [4, OP.i32_load],
  [8, OP.i64_load],
  [16, OP.v128_load],
])
const SHADOW_STORES = new Map([
  [1, OP.i32_store8],
  [2, OP.i32_store16],
  [4, OP.i32_store],
  [8, OP.i64_store],
  [16, OP.v128_store],
])

function shadowOf({ name }: OpRow): { bytes: number; store: boolean } {
  return { bytes: Number(/\d+$/.exec(name)![0]) / 8, store: name.startsWith('shadow.store') }
}

/** Lowers a load or store node. */
export function access(v: ValueLowering, node: Node): void {
  const f = v.region.body
  const row = accessOf(node.op)!
  const placement = v.region.placementOf(node)
  const clean = v.region.input.clean >= 0 && !(row.store && placement?.window.base === null)
  let low: number
  let offset = 0
  if (placement === undefined) {
    const address = emitAddress(v, node.a!)
    low = address.low
    if (clean)
      cleanCheck(
        v,
        row,
        { low, offset, doubt: () => pushDoubt(v, address, row.bytes, row.store), push: () => f.localGet(address.full) },
        null,
      )
    else if (!isKnownPage(v, node.a!)) emitCheck(v, address, row.bytes, row.store)
    else checkKnown(v, node.a!.imm, row.bytes, row.store)
  } else {
    const { window } = placement
    openWindow(v, window)
    low = window.origin
    offset = placement.offset
    if (clean)
      cleanCheck(v, row, { low, offset, doubt: () => f.localGet(window.bad), push: () => v.emit(node.a!) }, window)
    else if (v.region.input.careful) {
      f.localGet(window.bad)
      f.hint(false)
      v.region.if_()
      emitSlowCheck(v, () => v.emit(node.a!), row.bytes, row.store)
      v.region.end()
    }
  }
  v.accessed = { low, offset, bits: -1 }
  if (v.region.input.clean >= 0) {
    if (!clean) storeDefined(v, row.bytes)
  }
  // Nobody guards the stack.
  else if (v.region.input.checked && placement?.window.base !== null)
    v.accessed.bits = askGuarded(v, row.bytes, row.store)
  if (row.store) {
    f.localGet(low)
    v.emit(node.b!)
    f.opMemory(row.opcode, 0, offset)
  } else if (node.uses > 0) {
    f.localGet(low)
    f.opMemory(row.opcode, 0, offset)
    v.setResult(node)
  }
}
