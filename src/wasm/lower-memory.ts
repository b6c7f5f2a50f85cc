/** Exists to lower guest memory accesses: every address is compared with the attributes of the pages it touches before the plain wasm access. */
import { ops, type OpRow } from '../ir/ops.ts'
import { STATE } from '../ir/registers.ts'
import type { Node } from '../ir/types.ts'
import { I32, I64 } from './encode.ts'
import type { ValueLowering } from './lower-value.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

/** Bytes accessed, wasm opcode, whether it stores. */
const accesses = new Map<OpRow, { bytes: number; opcode: number; store: boolean }>([
  [ops.load8, { bytes: 1, opcode: OP.i32_load8_u, store: false }],
  [ops.load16, { bytes: 2, opcode: OP.i32_load16_u, store: false }],
  [ops.load32, { bytes: 4, opcode: OP.i32_load, store: false }],
  [ops.load64, { bytes: 8, opcode: OP.i64_load, store: false }],
  [ops.load128, { bytes: 16, opcode: OP.v128_load, store: false }],
  [ops.loadf32, { bytes: 4, opcode: OP.f32_load, store: false }],
  [ops.loadf64, { bytes: 8, opcode: OP.f64_load, store: false }],
  [ops.store8, { bytes: 1, opcode: OP.i32_store8, store: true }],
  [ops.store16, { bytes: 2, opcode: OP.i32_store16, store: true }],
  [ops.store32, { bytes: 4, opcode: OP.i32_store, store: true }],
  [ops.store64, { bytes: 8, opcode: OP.i64_store, store: true }],
  [ops.store128, { bytes: 16, opcode: OP.v128_store, store: true }],
  [ops.storef32, { bytes: 4, opcode: OP.f32_store, store: true }],
  [ops.storef64, { bytes: 8, opcode: OP.f64_store, store: true }],
])

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

/**
 * Leaves the region with a precise fault unless `bytes` bytes at the address may be read (or written). The fast path reads
 * the attributes of the first and the last byte's page; anything but plain goes to the engine.
 */
export function emitCheck(v: ValueLowering, { full, low }: Address, bytes: number, store: boolean): void {
  const f = v.region.body
  const { attributesBase, stateBase } = v.region.layout
  f.localGet(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  if (bytes > 1) {
    f.localGet(low)
    f.i32Const(bytes - 1)
    f.op(OP.i32_add)
    f.i32Const(12)
    f.op(OP.i32_shr_u)
    f.opMemory(OP.i32_load8_u, 0, attributesBase)
    f.op(OP.i32_or)
  }
  if (!store) {
    f.i32Const(1)
    f.op(OP.i32_and)
  }
  f.localGet(full)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i32_wrap_i64)
  f.op(OP.i32_or)
  f.hint(false)
  v.region.if_()
  f.i32Const(0)
  f.localGet(full)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.faultAddress)
  f.i32Const(bytes | (store ? 256 : 0))
  f.opIndex(OP.call, RUNTIME.access!)
  f.localTee(v.region.reasonLocal)
  v.region.if_()
  v.region.stopAt(v.pc, v.refund)
  v.region.end()
  v.region.end()
}

/** Lowers a load or store node. */
export function access(v: ValueLowering, node: Node): void {
  const f = v.region.body
  const row = accesses.get(node.op)!
  const address = emitAddress(v, node.a!)
  emitCheck(v, address, row.bytes, row.store)
  if (row.store) {
    f.localGet(address.low)
    v.emit(node.b!)
    f.opMemory(row.opcode, 0, 0)
  } else if (node.uses > 0) {
    f.localGet(address.low)
    f.opMemory(row.opcode, 0, 0)
    v.setResult(node)
  }
}
