/** Exists to give the floating point of SSE3 and SSE4.1 that combines lanes, and the roundings to integers. */
import { FLOAT } from '../../ir/helpers.ts'
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { compute, operateExactly } from './sse-exact.ts'
import { aligned, double, immediate, lanes, shuffle, single, writeDouble, writeSingle, zero } from './sse-operands.ts'

/** What an instruction needs to know about a vector of floats or doubles. */
interface Vector {
  readonly type: 'f32x4' | 'f64x2'
  readonly size: number
  readonly add: OpRow
  readonly sub: OpRow
  readonly mul: OpRow
}

/** Four floats. */
export const SINGLES: Vector = { type: 'f32x4', size: 4, add: ops.f32x4_add, sub: ops.f32x4_sub, mul: ops.f32x4_mul }
/** Two doubles. */
export const DOUBLES: Vector = { type: 'f64x2', size: 8, add: ops.f64x2_add, sub: ops.f64x2_sub, mul: ops.f64x2_mul }

/** ADDSUBPS, ADDSUBPD: even lanes subtract, odd ones add. */
export const addSubtract =
  (v: Vector): Lifter =>
  (l) => {
    const x = l.read(0)
    const y = aligned(l, 1)
    if (l.exact) {
      l.write(0, operateExactly(l, v.type, FLOAT.addSubtract, 0, x, y))
      return
    }
    const count = 16 / v.size
    const numbers = Array.from({ length: count }, (_, i) => i + (i & 1) * count)
    l.write(0, shuffle(l, l.b.emit(v.sub, x, y), l.b.emit(v.add, x, y), lanes(v.size, numbers)))
  }

/** HADDPS, HADDPD, HSUBPS, HSUBPD: neighbours in the destination, then neighbours in the source. */
export const horizontal =
  (v: Vector, op: 'add' | 'sub'): Lifter =>
  (l) => {
    const x = l.read(0)
    const y = aligned(l, 1)
    const pick = (first: number): Node =>
      shuffle(
        l,
        x,
        y,
        lanes(
          v.size,
          Array.from({ length: 16 / v.size }, (_, i) => 2 * i + first),
        ),
      )
    l.write(0, compute(l, v[op], pick(0), pick(1)))
  }

/** `x` with zeros in the lanes for which the low bits of `control` have none. */
function select(l: LiftContext, v: Vector, x: Node, control: number): Node {
  const count = 16 / v.size
  const all = (1 << count) - 1
  if ((control & all) === all) return x
  const numbers = Array.from({ length: count }, (_, i) => ((control >> i) & 1) * count + i)
  return shuffle(l, zero(l), x, lanes(v.size, numbers))
}

/** DPPS, DPPD: the chosen products are added in pairs, then the pairs; the sum goes to the chosen lanes. */
export const dotProduct =
  (v: Vector): Lifter =>
  (l) => {
    const control = immediate(l, 2)
    const x = select(l, v, l.read(0), control >> 4)
    const y = select(l, v, aligned(l, 1), control >> 4)
    let sum = compute(l, v.mul, x, y)
    for (let distance = 1; distance < 16 / v.size; distance *= 2) {
      const numbers = Array.from({ length: 16 / v.size }, (_, i) => i ^ distance)
      sum = compute(l, v.add, sum, shuffle(l, sum, sum, lanes(v.size, numbers)))
    }
    const lowest = shuffle(l, sum, sum, lanes(v.size, new Array<number>(16 / v.size).fill(0)))
    l.write(0, select(l, v, lowest, control))
  }

/** The four roundings of one type, by the rounding control in the immediate: nearest even, down, up, toward zero. */
type Roundings = readonly [OpRow, OpRow, OpRow, OpRow]
const F32X4: Roundings = [ops.f32x4_nearest, ops.f32x4_floor, ops.f32x4_ceil, ops.f32x4_trunc]
const F64X2: Roundings = [ops.f64x2_nearest, ops.f64x2_floor, ops.f64x2_ceil, ops.f64x2_trunc]
const F32: Roundings = [ops.f32_nearest, ops.f32_floor, ops.f32_ceil, ops.f32_trunc]
const F64: Roundings = [ops.f64_nearest, ops.f64_floor, ops.f64_ceil, ops.f64_trunc]

/** Bit 2 of the immediate asks for the rounding of MXCSR, which is to nearest unless code is exact. */
const BY_MXCSR = 4

function roundTo(l: LiftContext, type: 'f32' | 'f64' | 'f32x4' | 'f64x2', roundings: Roundings, x: Node): Node {
  const control = immediate(l, 2)
  if (l.exact) return operateExactly(l, type, FLOAT.round, control & 15, x)
  return l.b.emit(roundings[(control & BY_MXCSR) !== 0 ? 0 : control & 3]!, x)
}

/** ROUNDPS. */
export const roundPackedSingle: Lifter = (l) => l.write(0, roundTo(l, 'f32x4', F32X4, aligned(l, 1)))
/** ROUNDPD. */
export const roundPackedDouble: Lifter = (l) => l.write(0, roundTo(l, 'f64x2', F64X2, aligned(l, 1)))
/** ROUNDSS. */
export const roundSingle: Lifter = (l) => writeSingle(l, roundTo(l, 'f32', F32, single(l, 1)))
/** ROUNDSD. */
export const roundDouble: Lifter = (l) => writeDouble(l, roundTo(l, 'f64', F64, double(l, 1)))
