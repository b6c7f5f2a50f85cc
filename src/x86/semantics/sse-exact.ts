/** Exists so that SSE floating point is described once for both variants of code: IR ops where MXCSR is as programs find it, else a helper that follows MXCSR exactly. */
import { EXIT } from '../../ir/exits.ts'
import { FLOAT, FLOAT_TYPE, HELPER } from '../../ir/helpers.ts'
import { type OpRow, ops } from '../../ir/ops.ts'
import { STATE } from '../../ir/registers.ts'
import type { Node, Type } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'

/** The helper's description of an IR op. */
interface Exact {
  operation: number
  from: number
  to: number
  /** The helper's second operand. */
  predicate: number
}

const exactOps = new Map<OpRow, Exact>()

for (const name of ['f32', 'f64', 'f32x4', 'f64x2'] as const) {
  const type = FLOAT_TYPE[name]
  for (const operation of ['add', 'sub', 'mul', 'div', 'sqrt', 'min', 'max'] as const) {
    exactOps.set(ops[`${name}_${operation}`], { operation: FLOAT[operation], from: type, to: type, predicate: 0 })
  }
}

const conversion = (op: OpRow, from: keyof typeof FLOAT_TYPE, to: keyof typeof FLOAT_TYPE, truncate = 0): void => {
  exactOps.set(op, { operation: FLOAT.convert, from: FLOAT_TYPE[from], to: FLOAT_TYPE[to], predicate: truncate })
}
for (const from of ['f32', 'f64'] as const) {
  for (const to of ['i32', 'i64'] as const) {
    conversion(ops[`${to}_trunc_${from}`], from, to, 1)
    conversion(ops[`${to}_round_${from}`], from, to)
  }
}
for (const from of ['f32x4', 'f64x2'] as const) {
  conversion(ops[`i32x4_trunc_${from}`], from, 'i32x4', 1)
  conversion(ops[`i32x4_round_${from}`], from, 'i32x4')
}
// From i32 to double is always exact.
conversion(ops.f32_convert_i32_s, 'i32', 'f32')
conversion(ops.f32_convert_i64_s, 'i64', 'f32')
conversion(ops.f64_convert_i64_s, 'i64', 'f64')
conversion(ops.f32x4_convert_i32x4_s, 'i32x4', 'f32x4')
conversion(ops.f32_demote_f64, 'f64', 'f32')
conversion(ops.f64_promote_f32, 'f32', 'f64')
conversion(ops.f32x4_demote_f64x2, 'f64x2', 'f32x4')
conversion(ops.f64x2_promote_low_f32x4, 'f32x4', 'f64x2')

function pass(l: LiftContext, offset: number, x: Node): void {
  const { b } = l
  const at = STATE.scratch + offset
  switch (x.type) {
    case 'i32':
      return b.stateStore(32, at, x)
    case 'f32':
      return b.stateStore(32, at, b.emit(ops.i32_reinterpret_f32, x))
    case 'i64':
      return b.stateStore(64, at, x)
    case 'f64':
      return b.stateStore(64, at, b.emit(ops.i64_reinterpret_f64, x))
    default:
      return b.stateStore(128, at, x)
  }
}

function result(l: LiftContext, type: Type): Node {
  const { b } = l
  switch (type) {
    case 'i32':
      return b.stateLoad(32, STATE.scratch)
    case 'f32':
      return b.emit(ops.f32_reinterpret_i32, b.stateLoad(32, STATE.scratch))
    case 'i64':
      return b.stateLoad(64, STATE.scratch)
    case 'f64':
      return b.emit(ops.f64_reinterpret_i64, b.stateLoad(64, STATE.scratch))
    default:
      return b.stateLoad(128, STATE.scratch)
  }
}

function call(l: LiftContext, x: Node, y: Node | null, { operation, from, to, predicate }: Exact, type: Type): Node {
  const { b } = l
  pass(l, 0, x)
  if (y !== null) pass(l, 16, y)
  const forbidden = b.helper(HELPER.float, b.i32((operation << 8) | (from << 4) | to), b.i32(predicate))
  b.faultIf(forbidden, EXIT.floatingPoint)
  return result(l, type)
}

/** `op` of one or two operands. Every op whose result or exceptions depend on MXCSR has to pass here. */
export function compute(l: LiftContext, op: OpRow, x: Node, y: Node | null = null): Node {
  const exact = l.exact ? exactOps.get(op) : undefined
  return exact === undefined ? l.b.emit(op, x, y) : call(l, x, y, exact, op.result!)
}

/** Only for exact code: all ones or zeros in each lane by a predicate of CMPPD; of a scalar as i32 (f32) or i64 (f64). */
export function compareExactly(
  l: LiftContext,
  type: 'f32' | 'f64' | 'f32x4' | 'f64x2',
  predicate: number,
  x: Node,
  y: Node,
): Node {
  const lanes = FLOAT_TYPE[type]
  const masks = type === 'f32' ? 'i32' : type === 'f64' ? 'i64' : 'v128'
  return call(l, x, y, { operation: FLOAT.compare, from: lanes, to: lanes, predicate }, masks)
}

/** Only for exact code: ZF, PF and CF as an i32. `signalling`: a quiet NaN is an invalid operand, too. */
export function orderExactly(l: LiftContext, type: 'f32' | 'f64', signalling: boolean, x: Node, y: Node): Node {
  const exact = { operation: FLOAT.order, from: FLOAT_TYPE[type], to: FLOAT_TYPE[type], predicate: signalling ? 1 : 0 }
  return call(l, x, y, exact, 'i32')
}

/** Only for exact code: an operation of FLOAT that is not one IR op. */
export function operateExactly(
  l: LiftContext,
  type: 'f32' | 'f64' | 'f32x4' | 'f64x2',
  operation: number,
  predicate: number,
  x: Node,
  y: Node | null = null,
): Node {
  const lanes = FLOAT_TYPE[type]
  const exact = { operation, from: lanes, to: lanes, predicate }
  return call(l, x, y, exact, type === 'f32' || type === 'f64' ? type : 'v128')
}
