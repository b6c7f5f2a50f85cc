/** Exists to state which bits of vector results are defined, op by op; most are the scalar rules in every lane. */
import { ops, type OpRow } from '../../ops.ts'
import type { Node } from '../../types.ts'
import { type Bits, DEFINED, isDefined } from './bits.ts'
import { moves } from './integer.ts'
import type { Rule, RuleTable } from './table.ts'

type Shape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2'
const SHAPES: readonly Shape[] = ['i8x16', 'i16x8', 'i32x4', 'i64x2']
const WIDTH: Record<Shape, number> = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64 }
const DOUBLE: Partial<Record<Shape, Shape>> = { i8x16: 'i16x8', i16x8: 'i32x4', i32x4: 'i64x2' }

const table = ops as unknown as Record<string, OpRow | undefined>
const opOf = (shape: Shape, name: string): OpRow => table[`${shape}_${name}`]!

const zero = (r: Bits): Node => r.b.v128(new Uint8Array(16))

/** A lane's sign bit, in every lane. */
function signs(r: Bits, shape: Shape): Node {
  const bytes = new Uint8Array(16)
  for (let i = WIDTH[shape] / 8 - 1; i < 16; i += WIDTH[shape] / 8) bytes[i] = 0x80
  return r.b.v128(bytes)
}

/** Lanes all undefined if any bit of them is. */
const whole = (r: Bits, shape: Shape, v: Node): Node => (isDefined(v) ? v : r.op(opOf(shape, 'ne'), v, zero(r)))

const pessimisticLanes =
  (shape: Shape): Rule =>
  (r, _n, va, vb) =>
    whole(r, shape, vb === null ? va : r.either(va, vb))

const notRule: Rule = (_r, _n, va) => va

const and: Rule = (r, n, va, vb) =>
  isDefined(vb!)
    ? r.and(va, n.b!)
    : isDefined(va)
      ? r.and(vb!, n.a!)
      : r.and(r.either(va, vb!), r.and(r.greatest(n.a!, va), r.greatest(n.b!, vb!)))

const andnot: Rule = (r, n, va, vb) => and(r, { ...n, b: r.not(n.b!) }, va, vb, null)

const or: Rule = (r, n, va, vb) => {
  const first = r.either(r.not(n.a!), va)
  const second = r.either(r.not(n.b!), vb!)
  if (isDefined(vb!)) return r.and(va, second)
  return isDefined(va) ? r.and(vb!, first) : r.and(r.either(va, vb!), r.and(first, second))
}

const xor: Rule = (r, n, va, vb) => (n.a === n.b ? DEFINED.v128 : r.either(va, vb!))

const bitselect: Rule = (r, n, va, vb, vc) => {
  const chosen = isDefined(va) && isDefined(vb!) ? va : r.b.emit(ops.v128_bitselect, va, vb!, n.c)
  if (isDefined(vc!)) return chosen
  return r.either(chosen, r.and(vc!, r.either(r.xor(n.a!, n.b!), r.either(va, vb!))))
}

const anyTrue: Rule = (r, n, va) => r.b.and(r.any(va), r.b.eqz(r.op(ops.v128_any_true, r.least(n.a!, va))))

const allTrue: Rule = (r, n, va) => r.b.xor(r.op(n.op, r.greatest(n.a!, va)), r.op(n.op, r.least(n.a!, va)))

const shuffle: Rule = (r, n, va, vb) => r.b.emit(n.op, va, vb!, null, 0, 0, n.bytes)

const swizzle: Rule = (r, n, va, vb) => {
  const moved = isDefined(va) ? va : r.op(n.op, va, n.b)
  return r.either(moved, whole(r, 'i8x16', vb!))
}

const equality =
  (shape: Shape): Rule =>
  (r, n, va, vb) => {
    if (n.a === n.b) return DEFINED.v128
    const v = r.either(va, vb!)
    const differ = r.least(r.xor(n.a!, n.b!), v)
    return r.and(whole(r, shape, v), r.op(opOf(shape, 'eq'), differ, zero(r)))
  }

/** The least or the greatest value of each lane. */
function end(r: Bits, shape: Shape, x: Node, v: Node, signed: boolean, upper: boolean): Node {
  if (isDefined(v)) return x
  const plain = upper ? r.greatest(x, v) : r.least(x, v)
  if (!signed) return plain
  const sign = r.and(v, signs(r, shape))
  return upper ? r.least(plain, sign) : r.either(plain, sign)
}

const order =
  (shape: Shape, signed: boolean): Rule =>
  (r, n, va, vb) => {
    if (n.a === n.b) return DEFINED.v128
    return r.unlessDefined(r.either(va, vb!), () => {
      const one = r.op(n.op, end(r, shape, n.a!, va, signed, false), end(r, shape, n.b!, vb!, signed, true))
      const other = r.op(n.op, end(r, shape, n.a!, va, signed, true), end(r, shape, n.b!, vb!, signed, false))
      return r.xor(one, other)
    })
  }

/** Undefined from the highest undefined bit of a lane down. */
function downwards(r: Bits, shape: Shape, v: Node): Node {
  let result = v
  for (let by = 1; by < WIDTH[shape]; by *= 2)
    result = r.either(result, r.op(opOf(shape, 'shr_u'), result, r.b.i32(by)))
  return result
}

/** The lesser or greater: bits above the first in which its least and greatest value differ are defined, and all of it is as the operand's where that is decided. */
const extreme =
  (shape: Shape, signed: boolean): Rule =>
  (r, n, va, vb) => {
    if (n.a === n.b) return va
    const ends = (upper: boolean): Node =>
      r.op(n.op, end(r, shape, n.a!, va, signed, upper), end(r, shape, n.b!, vb!, signed, upper))
    return r.unlessDefined(r.either(va, vb!), () => {
      const varying = downwards(r, shape, r.xor(ends(false), ends(true)))
      const compare = opOf(shape, `${n.op.name.includes('min') ? 'lt' : 'gt'}_${signed ? 's' : 'u'}`)
      const first = r.op(compare, n.a!, n.b!)
      const undecided = order(shape, signed)(r, { ...n, op: compare }, va, vb, null)
      const chosen = r.b.emit(ops.v128_bitselect, va, vb!, first)
      const other = r.and(varying, r.either(r.xor(n.a!, n.b!), r.either(va, vb!)))
      return r.b.emit(ops.v128_bitselect, other, chosen, undecided)
    })
  }

const add = (): Rule => (r, n, va, vb) => {
  const low = r.op(n.op, r.least(n.a!, va), r.least(n.b!, vb!))
  const high = r.op(n.op, r.greatest(n.a!, va), r.greatest(n.b!, vb!))
  return r.either(r.xor(low, high), r.either(va, vb!))
}

const sub = (): Rule => (r, n, va, vb) => {
  if (n.a === n.b) return DEFINED.v128
  const low = r.op(n.op, r.least(n.a!, va), r.greatest(n.b!, vb!))
  const high = r.op(n.op, r.greatest(n.a!, va), r.least(n.b!, vb!))
  return r.either(r.xor(low, high), r.either(va, vb!))
}

const mul =
  (shape: Shape): Rule =>
  (r, _n, va, vb) => {
    const v = r.either(va, vb!)
    return r.either(v, r.op(opOf(shape, 'neg'), v))
  }

const neg =
  (shape: Shape): Rule =>
  (r, n, va) =>
    sub()(r, { ...n, op: opOf(shape, 'sub'), a: zero(r), b: n.a }, DEFINED.v128, va, null)

/** A defined sign says whether the value or its negative is taken. */
const abs =
  (shape: Shape): Rule =>
  (r, n, va) => {
    const bits = WIDTH[shape] - 1
    const sign = r.op(opOf(shape, 'shr_s'), va, r.b.i32(bits))
    return r.either(sign, r.either(va, neg(shape)(r, n, va, null, null)))
  }

const shift =
  (shape: Shape): Rule =>
  (r, n, va, vb) => {
    const moved = isDefined(va) ? va : r.op(n.op, va, n.b)
    return isDefined(vb!) ? moved : r.either(moved, r.all(r.b.and(vb!, r.b.i32(WIDTH[shape] - 1)), 'v128'))
  }

/** Two lanes make one of twice the width. */
const widening =
  (from: Shape, extend: string): Rule =>
  (r, _n, va, vb) => {
    const to = DOUBLE[from]!
    const wide = opOf(to, extend)
    return whole(r, to, r.either(r.op(wide, va), vb === null ? zero(r) : r.op(wide, vb)))
  }

/** A lane of `shape` saturated to half its width. */
const narrow =
  (shape: Shape): Rule =>
  (r, n, va, vb) =>
    r.op(table[n.op.name.replace('.', '_').replace(/_u$/, '_s')]!, whole(r, shape, va), whole(r, shape, vb!))

const popcntLanes: Rule = (r, _n, va) => r.and(whole(r, 'i8x16', va), r.b.v128(new Uint8Array(16).fill(15)))

/** What is done to floating-point lanes is done to integers of their size. */
const asInteger =
  (op: OpRow): Rule =>
  (r, n, va, vb) =>
    r.b.emit(op, va, vb, null, n.imm)

const replace: Rule = (r, n, va, vb) => r.b.emit(n.op, va, vb, null, n.imm)

function laneRules(rules: RuleTable, shape: Shape): void {
  const set = (rule: Rule, ...names: string[]): void => {
    for (const name of names) {
      const op = table[`${shape}_${name}`]
      if (op !== undefined) rules.set(op, rule)
    }
  }
  set(moves, 'splat', 'extract_lane', 'extract_lane_u', 'extract_lane_s', 'bitmask')
  set(replace, 'replace_lane')
  set(equality(shape), 'eq', 'ne')
  set(order(shape, true), 'lt_s', 'gt_s', 'le_s', 'ge_s')
  set(order(shape, false), 'lt_u', 'gt_u', 'le_u', 'ge_u')
  set(extreme(shape, true), 'min_s', 'max_s')
  set(extreme(shape, false), 'min_u', 'max_u')
  set(allTrue, 'all_true')
  set(add(), 'add')
  set(sub(), 'sub')
  set(mul(shape), 'mul')
  set(neg(shape), 'neg')
  set(abs(shape), 'abs')
  set(shift(shape), 'shl', 'shr_s', 'shr_u')
  set(pessimisticLanes(shape), 'add_sat_s', 'add_sat_u', 'sub_sat_s', 'sub_sat_u', 'avgr_u', 'q15mulr_sat_s')
  if (shape === 'i64x2') return
  const wider = DOUBLE[shape]!
  for (const half of ['low', 'high'])
    for (const sign of ['s', 'u']) {
      rules.set(opOf(wider, `extend_${half}_${shape}_${sign}`), moves)
      rules.set(opOf(wider, `extmul_${half}_${shape}_${sign}`), widening(shape, `extend_${half}_${shape}_s`))
    }
}

/** Adds the rules for vectors of integers, and for floating-point lanes that only move. */
export function vectorRules(rules: RuleTable): void {
  for (const shape of SHAPES) laneRules(rules, shape)
  const entries: [OpRow, Rule][] = [
    [ops.v128_not, notRule],
    [ops.v128_and, and],
    [ops.v128_andnot, andnot],
    [ops.v128_or, or],
    [ops.v128_xor, xor],
    [ops.v128_bitselect, bitselect],
    [ops.v128_any_true, anyTrue],
    [ops.i8x16_shuffle, shuffle],
    [ops.i8x16_swizzle, swizzle],
    [ops.i8x16_popcnt, popcntLanes],
    [ops.i8x16_narrow_i16x8_s, narrow('i16x8')],
    [ops.i8x16_narrow_i16x8_u, narrow('i16x8')],
    [ops.i16x8_narrow_i32x4_s, narrow('i32x4')],
    [ops.i16x8_narrow_i32x4_u, narrow('i32x4')],
    [ops.i16x8_extadd_pairwise_i8x16_s, pessimisticLanes('i16x8')],
    [ops.i16x8_extadd_pairwise_i8x16_u, pessimisticLanes('i16x8')],
    [ops.i32x4_extadd_pairwise_i16x8_s, pessimisticLanes('i32x4')],
    [ops.i32x4_extadd_pairwise_i16x8_u, pessimisticLanes('i32x4')],
    [ops.i32x4_dot_i16x8_s, pessimisticLanes('i32x4')],
    [ops.f32x4_splat, asInteger(ops.i32x4_splat)],
    [ops.f64x2_splat, asInteger(ops.i64x2_splat)],
    [ops.f32x4_extract_lane, asInteger(ops.i32x4_extract_lane)],
    [ops.f64x2_extract_lane, asInteger(ops.i64x2_extract_lane)],
    [ops.f32x4_replace_lane, asInteger(ops.i32x4_replace_lane)],
    [ops.f64x2_replace_lane, asInteger(ops.i64x2_replace_lane)],
  ]
  for (const [op, rule] of entries) rules.set(op, rule)
}
