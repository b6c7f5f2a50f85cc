/** Exists to say of each memory op how many bytes it touches, whether it writes, and which wasm instruction does it. */
import { ops, type OpRow } from '../ir/ops.ts'
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
