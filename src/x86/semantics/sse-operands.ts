/** Exists so that SSE semantics state once how their operands are fetched: alignment, scalar loads, the untouched upper lanes. */
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { compute } from './sse-exact.ts'

/** A vector of sixteen zero bytes. */
export const zero = (l: LiftContext): Node => l.b.v128(new Uint8Array(16))

/** A vector that repeats a 32-bit pattern four times. */
export const repeat32 = (l: LiftContext, bits: number): Node =>
  l.b.v128(new Uint8Array(new Uint32Array([bits, bits, bits, bits]).buffer))

/** The immediate byte in operand `i`, unsigned. */
export const immediate = (l: LiftContext, i: number): number => l.read(i).imm & 0xff

/** The address of memory operand `i`, after the #GP check that packed operands must lie on a 16-byte boundary. */
export function alignedAddress(l: LiftContext, i: number): Node {
  const address = l.ea(i)
  l.checkAligned16(address)
  return address
}

/** Operand `i` as 128 bits; memory must be aligned. */
export const aligned = (l: LiftContext, i: number): Node => (l.isMem(i) ? l.b.load128(alignedAddress(l, i)) : l.read(i))

/** Operand `i` as 128 bits; memory may lie anywhere. */
export const unaligned = (l: LiftContext, i: number): Node => (l.isMem(i) ? l.b.load128(l.ea(i)) : l.read(i))

/** The low double of operand `i`. */
export const double = (l: LiftContext, i: number): Node =>
  l.isMem(i) ? l.b.emit(ops.loadf64, l.ea(i)) : l.b.emit(ops.f64x2_extract_lane, l.read(i))

/** The low float of operand `i`. */
export const single = (l: LiftContext, i: number): Node =>
  l.isMem(i) ? l.b.emit(ops.loadf32, l.ea(i)) : l.b.emit(ops.f32x4_extract_lane, l.read(i))

/** The low quadword of operand `i` as i64. */
export const quad = (l: LiftContext, i: number): Node =>
  l.isMem(i) ? l.b.load(64, l.ea(i)) : l.b.emit(ops.i64x2_extract_lane, l.read(i))

/** The low quadword of operand `i` in a vector whose other lanes are unspecified: for ops that only read the low half. */
export const quadVector = (l: LiftContext, i: number): Node =>
  l.isMem(i) ? l.b.emit(ops.i64x2_replace_lane, zero(l), l.b.load(64, l.ea(i))) : l.read(i)

/** Writes a double to the low lane of register operand 0; the upper lane stays. */
export const writeDouble = (l: LiftContext, value: Node): void =>
  l.write(0, l.b.emit(ops.f64x2_replace_lane, l.read(0), value))

/** Writes a float to the low lane of register operand 0; the upper lanes stay. */
export const writeSingle = (l: LiftContext, value: Node): void =>
  l.write(0, l.b.emit(ops.f32x4_replace_lane, l.read(0), value))

/** A shuffle of the 32 bytes of `a` and `b`. */
export const shuffle = (l: LiftContext, a: Node, b: Node, pattern: readonly number[]): Node =>
  l.b.emit(ops.i8x16_shuffle, a, b, null, 0, 0, Uint8Array.from(pattern))

/** The byte pattern of a shuffle of lanes that are `size` bytes wide; lane numbers count through both operands. */
export const lanes = (size: number, numbers: readonly number[]): number[] =>
  numbers.flatMap((lane) => Array.from({ length: size }, (_, byte) => lane * size + byte))

/** `operand 0 = op(operand 0, operand 1)` on whole vectors. */
export const packed =
  (op: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, op, l.read(0), aligned(l, 1)))

/** `operand 0 = op(operand 1)` on whole vectors. */
export const packedUnary =
  (op: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, op, aligned(l, 1)))
