/** Exists to state which bits of floating-point results are defined: all of a lane or none. */
import { ops, type OpRow } from '../../ops.ts'
import { pessimistic, pessimisticBit } from './integer.ts'
import type { Rule, RuleTable } from './table.ts'

/** Lanes of 32 bits, of 64 bits: all undefined if any bit of the lane is. */
const lanes =
  (ne: OpRow): Rule =>
  (r, _n, va, vb) =>
    r.op(ne, vb === null ? va : r.either(va, vb), r.b.v128(new Uint8Array(16)))

const lanes32 = lanes(ops.i32x4_ne)
const lanes64 = lanes(ops.i64x2_ne)

/** The two low lanes of 32 bits are widened. */
const widened: Rule = (r, n, va) => r.op(ops.i64x2_extend_low_i32x4_s, lanes32(r, n, va, null, null))

/** The two lanes of 64 bits become the two low ones of 32 bits; the others are zero. */
const narrowed: Rule = (r, n, va) =>
  r.b.emit(
    ops.i8x16_shuffle,
    lanes64(r, n, va, null, null),
    r.b.v128(new Uint8Array(16)),
    null,
    0,
    0,
    Uint8Array.from([0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23]),
  )

/** Adds the rules for floating point. */
export function floatRules(rules: RuleTable): void {
  const special = new Map<OpRow, Rule>([
    [ops.f64x2_convert_low_i32x4_s, widened],
    [ops.f64x2_promote_low_f32x4, widened],
    [ops.i32x4_trunc_f64x2, narrowed],
    [ops.i32x4_round_f64x2, narrowed],
    [ops.f32x4_demote_f64x2, narrowed],
  ])
  for (const op of Object.values(ops) as OpRow[]) {
    if (op.effect !== 'pure' || op.args.length === 0 || rules.has(op) || !/f(32|64)/.test(op.name)) continue
    if (/splat|lane/.test(op.name)) continue
    if (special.has(op)) rules.set(op, special.get(op)!)
    else if (op.result === 'v128') rules.set(op, /^(f32x4|i32x4)/.test(op.name) ? lanes32 : lanes64)
    else rules.set(op, op.result === 'i32' && /\.(eq|ne|[lg][te])$/.test(op.name) ? pessimisticBit : pessimistic)
  }
}
