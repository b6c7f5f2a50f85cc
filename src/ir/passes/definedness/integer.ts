/** Exists to state which bits of integer results are defined, op by op. */
import { ALL_FLAGS, ARITHMETIC_FLAGS } from '../../flags.ts'
import { ops, type OpRow } from '../../ops.ts'
import type { Node } from '../../types.ts'
import { type Bits, type BitsType, DEFINED, isDefined } from './bits.ts'
import type { Rule, RuleTable } from './table.ts'

const MINIMUM = { i32: [0x80000000 | 0, 0], i64: [0, 0x80000000 | 0] } as const

/** The sign bit alone. */
function signBit(r: Bits, type: Node['type']): Node {
  return type === 'i64' ? r.b.i64pair(...MINIMUM.i64) : r.b.i32(MINIMUM.i32[0])
}

/** The result's own op on the V bits: where bits only move. */
export const moves: Rule = (r, n, va) => r.b.emit(n.op, va, null, null, n.imm, n.imm2)

/** One undefined bit makes all of the result undefined. */
export const pessimistic: Rule = (r, n, va, vb, vc) => {
  const type = n.type === 'f32' ? 'i32' : n.type === 'f64' ? 'i64' : (n.type as BitsType)
  let any: Node = DEFINED.i32
  for (const v of [va, vb, vc]) if (v !== null) any = r.either(any, r.any(v))
  return r.spread(any, type)
}

/** One undefined bit makes the only bit of the result undefined. */
export const pessimisticBit: Rule = (r, _n, va, vb) => r.either(r.any(va), vb === null ? DEFINED.i32 : r.any(vb))

/** Sums differ between the least and the greatest operands exactly where carries can (Valgrind's "expensive" addition). */
const add: Rule = (r, n, va, vb) => {
  const { b } = r
  // Twice a value: its bits move, and none is carried.
  if (n.a === n.b) return b.emit(n.type === 'i64' ? ops.i64_shl : ops.i32_shl, va, b.constLike(va, 1))
  const v = r.either(va, vb!)
  return r.unlessDefined(v, () => {
    const low = b.emit(n.op, r.least(n.a!, va), r.least(n.b!, vb!))
    const high = b.emit(n.op, r.greatest(n.a!, va), r.greatest(n.b!, vb!))
    return r.either(r.xor(low, high), v)
  })
}

const sub: Rule = (r, n, va, vb) => {
  const { b } = r
  if (n.a === n.b) return DEFINED[n.type as BitsType]
  const v = r.either(va, vb!)
  return r.unlessDefined(v, () => {
    const low = b.emit(n.op, r.least(n.a!, va), r.greatest(n.b!, vb!))
    const high = b.emit(n.op, r.greatest(n.a!, va), r.least(n.b!, vb!))
    return r.either(r.xor(low, high), v)
  })
}

const mul: Rule = (r, _n, va, vb) => r.upwards(r.either(va, vb!))

/** Undefined where an operand is, unless the other one is a defined 0 there. */
const and: Rule = (r, n, va, vb) => {
  if (isDefined(vb!)) return r.and(va, n.b!)
  if (isDefined(va)) return r.and(vb!, n.a!)
  return r.and(r.either(va, vb!), r.and(r.greatest(n.a!, va), r.greatest(n.b!, vb!)))
}

/** Undefined where an operand is, unless the other one is a defined 1 there. */
const or: Rule = (r, n, va, vb) => {
  if (isDefined(vb!)) return r.and(va, r.not(n.b!))
  if (isDefined(va)) return r.and(vb!, r.not(n.a!))
  return r.and(r.either(va, vb!), r.and(r.either(r.not(n.a!), va), r.either(r.not(n.b!), vb!)))
}

/** Is `y` one less than `x`? */
function isBelow(x: Node, y: Node): boolean {
  const minusOne = (n: Node): boolean =>
    (n.op === ops.i32_const && n.imm === -1) || (n.op === ops.i64_const && n.imm === -1 && n.imm2 === -1)
  return (y.op === ops.i32_add || y.op === ops.i64_add) && y.a === x && minusOne(y.b!)
}

/** x ^ (x - 1) are the bits up to the lowest 1: string functions tell so what lies before the end of a string. */
function lowestUp(r: Bits, x: Node, v: Node): Node {
  const { b } = r
  const least = r.least(x, v)
  const within = b.xor(least, b.sub(least, b.constLike(least, 1)))
  return r.and(within, r.upwards(r.and(v, within)))
}

const xor: Rule = (r, n, va, vb) => {
  if (n.a === n.b) return DEFINED[n.type as BitsType]
  if (isBelow(n.a!, n.b!)) return lowestUp(r, n.a!, va)
  if (isBelow(n.b!, n.a!)) return lowestUp(r, n.b!, vb!)
  return r.either(va, vb!)
}

/** Only the low bits of a count are looked at. */
const shift: Rule = (r, n, va, vb) => {
  const type = n.type as BitsType
  const moved = isDefined(va) ? va : r.b.emit(n.op, va, n.b)
  if (isDefined(vb!)) return moved
  return r.either(moved, r.all(r.b.and(vb!, r.b.constLike(vb!, type === 'i64' ? 63 : 31)), type))
}

/** Decided by one defined bit in which the operands differ. */
const equality: Rule = (r, n, va, vb) => {
  const { b } = r
  if (n.a === n.b) return DEFINED.i32
  const v = r.either(va, vb!)
  return r.unlessDefined(v, () => b.eqz(r.least(b.xor(n.a!, n.b!), v)))
}

const eqz: Rule = (r, n, va) => r.unlessDefined(va, () => r.b.eqz(r.least(n.a!, va)))

/** Decided when both ends of the range that the operands may have give the same answer. */
const order =
  (signed: boolean): Rule =>
  (r, n, va, vb) => {
    const { b } = r
    if (n.a === n.b) return DEFINED.i32
    const end = (x: Node, v: Node, upper: boolean): Node => {
      if (isDefined(v)) return x
      const plain = upper ? r.greatest(x, v) : r.least(x, v)
      if (!signed) return plain
      // An undefined sign bit makes the least value when it is 1.
      const sign = b.and(v, signBit(r, v.type))
      return upper ? r.least(plain, sign) : r.either(plain, sign)
    }
    return r.unlessDefined(r.either(va, vb!), () => {
      const one = b.emit(n.op, end(n.a!, va, false), end(n.b!, vb!, true))
      const other = b.emit(n.op, end(n.a!, va, true), end(n.b!, vb!, false))
      return b.xor(one, other)
    })
  }

/** Leading zeros: those of the least and of the greatest value, if they agree. */
const scan: Rule = (r, n, va) => {
  const { b } = r
  return r.unlessDefined(va, () => {
    const differ = b.ne(b.emit(n.op, r.least(n.a!, va)), b.emit(n.op, r.greatest(n.a!, va)))
    return r.and(r.spread(differ, n.type as BitsType), b.constLike(n.a!, 127))
  })
}

/** Between the least and the greatest number of ones all numbers are possible: bits below the highest in which those two differ vary. */
const popcnt: Rule = (r, n, va) => {
  const { b } = r
  const type = n.type as BitsType
  return r.unlessDefined(va, () => {
    const differ = b.xor(b.emit(n.op, r.least(n.a!, va)), b.emit(n.op, r.greatest(n.a!, va)))
    return r.and(r.all(differ, type), b.shrU(r.ones(type), b.emit(type === 'i64' ? ops.i64_clz : ops.i32_clz, differ)))
  })
}

/** What a condition chooses; an undefined one leaves what is the same both ways. */
const select: Rule = (r, n, va, vb, vc) => {
  const { b } = r
  const type = va.type as BitsType
  const chosen = isDefined(va) && isDefined(vb!) ? va : b.select(n.c!, va, vb!)
  const undecided = isDefined(vc!) ? vc! : eqz(r, { ...n, a: n.c }, vc!, null, null)
  if (isDefined(undecided)) return chosen
  const spread = r.spread(undecided, type)
  if (n.type === 'f32' || n.type === 'f64') return r.either(chosen, spread)
  return r.either(chosen, r.and(spread, r.either(r.xor(n.a!, n.b!), r.either(va, vb!))))
}

/** Records of a kind that only the execution knows. */
function ofRecord(r: Bits, n: Node, va: Node, vb: Node, vc: Node, cc: number): Node {
  const { b } = r
  const pair = (x: Node, y: Node): Node => b.emit(ops.i64x2_replace_lane, b.emit(ops.i64x2_splat, x), y, null, 1)
  const v = b.emit(ops.flags_undefined, n.a, pair(n.b!, n.c!), pair(vb, vc), cc)
  return isDefined(va) ? v : r.either(v, r.and(r.all(va, 'i32'), b.i32(cc === ALL_FLAGS ? ARITHMETIC_FLAGS : 1)))
}

const materialize: Rule = (r, n, va, vb, vc) => ofRecord(r, n, va, vb!, vc!, ALL_FLAGS)
const condition: Rule = (r, n, va, vb, vc) => ofRecord(r, n, va, vb!, vc!, n.imm)

const same: Rule = (_r, _n, va) => va

/** Adds the rules for integers, conversions between them, and flags. */
export function integerRules(rules: RuleTable): void {
  const set = (rule: Rule, ...list: OpRow[]): void => list.forEach((op) => rules.set(op, rule))
  set(add, ops.i32_add, ops.i64_add)
  set(sub, ops.i32_sub, ops.i64_sub)
  set(mul, ops.i32_mul, ops.i64_mul)
  set(and, ops.i32_and, ops.i64_and)
  set(or, ops.i32_or, ops.i64_or)
  set(xor, ops.i32_xor, ops.i64_xor)
  set(shift, ops.i32_shl, ops.i32_shr_s, ops.i32_shr_u, ops.i32_rotl, ops.i32_rotr)
  set(shift, ops.i64_shl, ops.i64_shr_s, ops.i64_shr_u, ops.i64_rotl, ops.i64_rotr)
  set(pessimistic, ops.i32_div_s, ops.i32_div_u, ops.i32_rem_s, ops.i32_rem_u)
  set(pessimistic, ops.i64_div_s, ops.i64_div_u, ops.i64_rem_s, ops.i64_rem_u, ops.i64_mulhi_s, ops.i64_mulhi_u)
  set(equality, ops.i32_eq, ops.i32_ne, ops.i64_eq, ops.i64_ne)
  set(order(true), ops.i32_lt_s, ops.i32_gt_s, ops.i32_le_s, ops.i32_ge_s)
  set(order(true), ops.i64_lt_s, ops.i64_gt_s, ops.i64_le_s, ops.i64_ge_s)
  set(order(false), ops.i32_lt_u, ops.i32_gt_u, ops.i32_le_u, ops.i32_ge_u)
  set(order(false), ops.i64_lt_u, ops.i64_gt_u, ops.i64_le_u, ops.i64_ge_u)
  set(eqz, ops.i32_eqz, ops.i64_eqz)
  set(scan, ops.i32_clz, ops.i32_ctz, ops.i64_clz, ops.i64_ctz)
  set(popcnt, ops.i32_popcnt, ops.i64_popcnt)
  set(moves, ops.i32_extend8_s, ops.i32_extend16_s, ops.i64_extend8_s, ops.i64_extend16_s, ops.i64_extend32_s)
  set(moves, ops.i32_wrap_i64, ops.i64_extend_i32_s, ops.i64_extend_i32_u)
  set(same, ops.i32_reinterpret_f32, ops.f32_reinterpret_i32, ops.i64_reinterpret_f64, ops.f64_reinterpret_i64)
  set(select, ops.i32_select, ops.i64_select, ops.f32_select, ops.f64_select, ops.v128_select)
  set(materialize, ops.flags_materialize)
  set(condition, ops.flags_cond)
}
