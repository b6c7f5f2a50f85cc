/** Exists to give the arithmetic and the comparisons of SSE and SSE2 floating point. NaN rules and rounding are in the IR ops. */
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { compareExactly, compute, orderExactly } from './sse-exact.ts'
import { aligned, double, immediate, repeat32, single, writeDouble, writeSingle } from './sse-operands.ts'

/** ADDSD and its kin. */
export const scalarDouble =
  (op: OpRow): Lifter =>
  (l) =>
    writeDouble(l, compute(l, op, l.b.emit(ops.f64x2_extract_lane, l.read(0)), double(l, 1)))

/** ADDSS and its kin. */
export const scalarSingle =
  (op: OpRow): Lifter =>
  (l) =>
    writeSingle(l, compute(l, op, l.b.emit(ops.f32x4_extract_lane, l.read(0)), single(l, 1)))

/** SQRTSD. */
export const sqrtDouble: Lifter = (l) => writeDouble(l, compute(l, ops.f64_sqrt, double(l, 1)))

/** SQRTSS. */
export const sqrtSingle: Lifter = (l) => writeSingle(l, compute(l, ops.f32_sqrt, single(l, 1)))

const SIGN = 0x80000000
const SMALLEST_NORMAL = 0x00800000
const ONE = 0x3f800000

/** Replaces denormal floats by zeros of the same sign, as the approximation units do with operands and results. */
function flushDenormals(l: LiftContext, x: Node): Node {
  const b = l.b
  const magnitude = b.emit(ops.v128_andnot, x, repeat32(l, SIGN))
  const isNormal = b.emit(ops.i32x4_ge_s, magnitude, repeat32(l, SMALLEST_NORMAL))
  return b.emit(ops.v128_and, x, b.emit(ops.v128_or, isNormal, repeat32(l, SIGN)))
}

/** RCPPS on a vector. Processors differ in the approximation; ours is the correctly rounded reciprocal. */
const reciprocal = (l: LiftContext, x: Node): Node =>
  flushDenormals(l, l.b.emit(ops.f32x4_div, repeat32(l, ONE), flushDenormals(l, x)))

/** RSQRTPS on a vector: square root and reciprocal, each correctly rounded. */
const reciprocalSqrt = (l: LiftContext, x: Node): Node =>
  l.b.emit(ops.f32x4_div, repeat32(l, ONE), l.b.emit(ops.f32x4_sqrt, flushDenormals(l, x)))

const approximatePacked =
  (f: (l: LiftContext, x: Node) => Node): Lifter =>
  (l) =>
    l.write(0, f(l, aligned(l, 1)))

const approximateScalar =
  (f: (l: LiftContext, x: Node) => Node): Lifter =>
  (l) => {
    const result = f(l, l.b.emit(ops.f32x4_splat, single(l, 1)))
    writeSingle(l, l.b.emit(ops.f32x4_extract_lane, result))
  }

/** RCPPS. */
export const reciprocalPacked = approximatePacked(reciprocal)
/** RCPSS. */
export const reciprocalScalar = approximateScalar(reciprocal)
/** RSQRTPS. */
export const reciprocalSqrtPacked = approximatePacked(reciprocalSqrt)
/** RSQRTSS. */
export const reciprocalSqrtScalar = approximateScalar(reciprocalSqrt)

/** ANDNPS, ANDNPD, PANDN: the complement is of the destination. */
export const andNot: Lifter = (l) => l.write(0, l.b.emit(ops.v128_andnot, aligned(l, 1), l.read(0)))

/** The three comparison ops of one lane type; the other five predicates follow from them. */
interface Comparisons {
  type: 'f32' | 'f64' | 'f32x4' | 'f64x2'
  eq: OpRow
  lt: OpRow
  le: OpRow
}

/** Predicates 0-7 (SDM vol. 2, CMPPD, table 3-1), given ops that yield masks and the logic on masks. */
function compare(
  predicate: number,
  c: Comparisons,
  a: Node,
  b: Node,
  emit: (op: OpRow, a: Node, b: Node) => Node,
  and: (a: Node, b: Node) => Node,
  not: (a: Node) => Node,
): Node {
  const isOrdered = (): Node => and(emit(c.eq, a, a), emit(c.eq, b, b))
  switch (predicate) {
    case 0:
      return emit(c.eq, a, b)
    case 1:
      return emit(c.lt, a, b)
    case 2:
      return emit(c.le, a, b)
    case 3:
      return not(isOrdered())
    case 4:
      return not(emit(c.eq, a, b))
    case 5:
      return not(emit(c.lt, a, b))
    case 6:
      return not(emit(c.le, a, b))
    default:
      return isOrdered()
  }
}

const singleLanes: Comparisons = { type: 'f32x4', eq: ops.f32x4_eq, lt: ops.f32x4_lt, le: ops.f32x4_le }
const doubleLanes: Comparisons = { type: 'f64x2', eq: ops.f64x2_eq, lt: ops.f64x2_lt, le: ops.f64x2_le }
const singleScalars: Comparisons = { type: 'f32', eq: ops.f32_eq, lt: ops.f32_lt, le: ops.f32_le }
const doubleScalars: Comparisons = { type: 'f64', eq: ops.f64_eq, lt: ops.f64_lt, le: ops.f64_le }

const comparePacked =
  (comparisons: Comparisons): Lifter =>
  (l) => {
    const b = l.b
    const predicate = immediate(l, 2) & 7
    const x = l.read(0)
    const y = aligned(l, 1)
    if (l.exact) {
      l.write(0, compareExactly(l, comparisons.type, predicate, x, y))
      return
    }
    const result = compare(
      predicate,
      comparisons,
      x,
      y,
      (op, x, y) => b.emit(op, x, y),
      (x, y) => b.emit(ops.v128_and, x, y),
      (x) => b.emit(ops.v128_not, x),
    )
    l.write(0, result)
  }

/** i32 0 or 1: the outcome of a scalar predicate. */
const compareScalar = (l: LiftContext, comparisons: Comparisons, x: Node, y: Node): Node =>
  compare(
    immediate(l, 2) & 7,
    comparisons,
    x,
    y,
    (op, p, q) => l.b.emit(op, p, q),
    (p, q) => l.b.and(p, q),
    (p) => l.b.eqz(p),
  )

/** CMPPS. */
export const comparePackedSingle = comparePacked(singleLanes)
/** CMPPD. */
export const comparePackedDouble = comparePacked(doubleLanes)

/** CMPSS. */
export const compareScalarSingle: Lifter = (l) => {
  const x = l.b.emit(ops.f32x4_extract_lane, l.read(0))
  const y = single(l, 1)
  const mask = l.exact
    ? compareExactly(l, 'f32', immediate(l, 2) & 7, x, y)
    : l.b.sub(l.b.i32(0), compareScalar(l, singleScalars, x, y))
  l.write(0, l.b.emit(ops.i32x4_replace_lane, l.read(0), mask))
}

/** CMPSD. */
export const compareScalarDouble: Lifter = (l) => {
  const x = l.b.emit(ops.f64x2_extract_lane, l.read(0))
  const y = double(l, 1)
  const mask = l.exact
    ? compareExactly(l, 'f64', immediate(l, 2) & 7, x, y)
    : l.b.extendS(l.b.sub(l.b.i32(0), compareScalar(l, doubleScalars, x, y)))
  l.write(0, l.b.emit(ops.i64x2_replace_lane, l.read(0), mask))
}

/** COMISS, and with `signalling` false UCOMISS: they differ only in the exceptions that they raise. */
export const compareToFlagsSingle =
  (signalling: boolean): Lifter =>
  (l) => {
    const x = l.b.emit(ops.f32x4_extract_lane, l.read(0))
    const y = single(l, 1)
    if (l.exact) l.b.putFlags(orderExactly(l, 'f32', signalling, x, y))
    else l.b.setFlagsCompare(x, y)
  }

/** COMISD, UCOMISD. */
export const compareToFlagsDouble =
  (signalling: boolean): Lifter =>
  (l) => {
    const x = l.b.emit(ops.f64x2_extract_lane, l.read(0))
    const y = double(l, 1)
    if (l.exact) l.b.putFlags(orderExactly(l, 'f64', signalling, x, y))
    else l.b.setFlagsCompare(x, y)
  }
