/** Exists to give the conversions of SSE and SSE2 between integers, floats and doubles. Rounding and indefinite results are in the IR ops. */
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Lifter } from '../table/types.ts'
import { compute } from './sse-exact.ts'
import { aligned, double, quadVector, single, writeDouble, writeSingle } from './sse-operands.ts'

/** CVTSI2SS: the source has the size of a general register or of memory. */
export const integerToSingle: Lifter = (l) => {
  const value = l.read(1)
  writeSingle(l, compute(l, value.type === 'i64' ? ops.f32_convert_i64_s : ops.f32_convert_i32_s, value))
}

/** CVTSI2SD. */
export const integerToDouble: Lifter = (l) => {
  const value = l.read(1)
  writeDouble(l, compute(l, value.type === 'i64' ? ops.f64_convert_i64_s : ops.f64_convert_i32_s, value))
}

/** CVTSS2SI, CVTTSS2SI with the ops for 32- and 64-bit destinations. */
export const singleToInteger =
  (op32: OpRow, op64: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, l.size === 64 ? op64 : op32, single(l, 1)))

/** CVTSD2SI, CVTTSD2SI with the ops for 32- and 64-bit destinations. */
export const doubleToInteger =
  (op32: OpRow, op64: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, l.size === 64 ? op64 : op32, double(l, 1)))

/** CVTSS2SD. */
export const singleToDouble: Lifter = (l) => writeDouble(l, compute(l, ops.f64_promote_f32, single(l, 1)))

/** CVTSD2SS. */
export const doubleToSingle: Lifter = (l) => writeSingle(l, compute(l, ops.f32_demote_f64, double(l, 1)))

/** Conversions of a 128-bit source. */
export const convertPacked =
  (op: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, op, aligned(l, 1)))

/** Conversions of the low quadword to two doubles: CVTPS2PD, CVTDQ2PD. Their memory operand has 8 bytes and no alignment. */
export const convertLowHalf =
  (op: OpRow): Lifter =>
  (l) =>
    l.write(0, compute(l, op, quadVector(l, 1)))
