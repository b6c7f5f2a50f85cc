/** Exists to give the packed integer arithmetic of SSE2 that is not one IR op: products, sums of differences, shifts. */
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { aligned, immediate, lanes, shuffle, zero } from './sse-operands.ts'

/** PMULHW, PMULHUW with the widening products of the low and the high half. */
export const multiplyHigh =
  (low: OpRow, high: OpRow): Lifter =>
  (l) => {
    const x = l.read(0)
    const y = aligned(l, 1)
    const products = [l.b.emit(low, x, y), l.b.emit(high, x, y)] as const
    l.write(0, shuffle(l, products[0], products[1], lanes(2, [1, 3, 5, 7, 9, 11, 13, 15])))
  }

/** PMULUDQ: the products of the even doublewords. */
export const multiplyEven: Lifter = (l) => {
  const even = (x: Node): Node => shuffle(l, x, x, lanes(4, [0, 2, 0, 2]))
  l.write(0, l.b.emit(ops.i64x2_extmul_low_i32x4_u, even(l.read(0)), even(aligned(l, 1))))
}

/** PSADBW: one sum of eight absolute differences in each quadword. */
export const sumOfDifferences: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const y = aligned(l, 1)
  const differences = b.emit(ops.i8x16_sub, b.emit(ops.i8x16_max_u, x, y), b.emit(ops.i8x16_min_u, x, y))
  const words = b.emit(ops.i16x8_extadd_pairwise_i8x16_u, differences)
  const doublewords = b.emit(ops.i32x4_extadd_pairwise_i16x8_u, words)
  const high = b.emit(ops.i64x2_shr_u, doublewords, b.i32(32))
  const low = b.emit(ops.i64x2_shr_u, b.emit(ops.i64x2_shl, doublewords, b.i32(32)), b.i32(32))
  l.write(0, b.emit(ops.i64x2_add, high, low))
}

/** Shifts of lanes of `width` bits by an immediate; a count beyond the width clears the lanes. */
export const shiftImmediate =
  (op: OpRow, width: number): Lifter =>
  (l) => {
    const count = immediate(l, 1)
    l.write(0, count >= width ? zero(l) : l.b.emit(op, l.read(0), l.b.i32(count)))
  }

/** PSRAW, PSRAD by an immediate; a count beyond the width leaves copies of the sign. */
export const shiftSignedImmediate =
  (op: OpRow, width: number): Lifter =>
  (l) =>
    l.write(0, l.b.emit(op, l.read(0), l.b.i32(Math.min(immediate(l, 1), width - 1))))

/** The count of a shift by a vector or by memory (its low quadword), as i32, and whether it reaches `width`. */
function vectorCount(l: LiftContext, width: number): { count: Node; isTooBig: Node } {
  const quadword = l.b.emit(ops.i64x2_extract_lane, aligned(l, 1))
  return { count: l.b.wrap(quadword), isTooBig: l.b.emit(ops.i64_ge_u, quadword, l.b.i64(width)) }
}

/** Shifts of lanes of `width` bits by a count in a vector or in memory. */
export const shiftVector =
  (op: OpRow, width: number): Lifter =>
  (l) => {
    const { count, isTooBig } = vectorCount(l, width)
    l.write(0, l.b.select(isTooBig, zero(l), l.b.emit(op, l.read(0), count)))
  }

/** PSRAW, PSRAD by a count in a vector or in memory. */
export const shiftSignedVector =
  (op: OpRow, width: number): Lifter =>
  (l) => {
    const { count, isTooBig } = vectorCount(l, width)
    l.write(0, l.b.emit(op, l.read(0), l.b.select(isTooBig, l.b.i32(width - 1), count)))
  }

/** PSLLDQ: the whole register moves up by bytes; zeros follow. */
export const shiftBytesLeft: Lifter = (l) => {
  const count = Math.min(immediate(l, 1), 16)
  l.write(
    0,
    shuffle(
      l,
      zero(l),
      l.read(0),
      Array.from({ length: 16 }, (_, i) => 16 - count + i),
    ),
  )
}

/** PSRLDQ: the whole register moves down by bytes; zeros follow. */
export const shiftBytesRight: Lifter = (l) => {
  const count = Math.min(immediate(l, 1), 16)
  l.write(
    0,
    shuffle(
      l,
      l.read(0),
      zero(l),
      Array.from({ length: 16 }, (_, i) => count + i),
    ),
  )
}
