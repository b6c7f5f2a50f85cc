/** Exists to say of each memory op how many bytes it touches, whether it writes, and which wasm instruction does it. */
import { ops, type OpRow } from '../ir/ops.ts'
import type { Type } from '../ir/types.ts'
import { F32, F64, I32, I64, V128, type ValueType } from './encode.ts'
import * as OP from './opcodes.ts'

/** One kind of memory access. */
export interface AccessRow {
  readonly bytes: number
  readonly opcode: number
  readonly store: boolean
}

const accesses = new Map<OpRow, AccessRow>([
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

/** The row of a load or store op; undefined for every other op. */
export function accessOf(op: OpRow): AccessRow | undefined {
  return accesses.get(op)
}

/** How a whole value of each type is held, loaded and stored. */
export const wholeValue: Record<Type, { type: ValueType; load: number; store: number }> = {
  i32: { type: I32, load: OP.i32_load, store: OP.i32_store },
  i64: { type: I64, load: OP.i64_load, store: OP.i64_store },
  f32: { type: F32, load: OP.f32_load, store: OP.f32_store },
  f64: { type: F64, load: OP.f64_load, store: OP.f64_store },
  v128: { type: V128, load: OP.v128_load, store: OP.v128_store },
}
