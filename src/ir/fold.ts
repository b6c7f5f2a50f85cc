/** Exists to simplify values as they are built: constants, identities, and the width changes that x86's partial registers produce. */
import type { Builder } from './builder.ts'
import { ops, type OpRow } from './ops.ts'
import type { Node } from './types.ts'

type Rule = (b: Builder, x: Node, y: Node | null, z: Node | null, imm: number) => Node | null

const isConst32 = (n: Node): boolean => n.op === ops.i32_const
const isConst64 = (n: Node): boolean => n.op === ops.i64_const
const isZero = (n: Node): boolean => (n.op === ops.i32_const || n.op === ops.i64_const) && n.imm === 0 && n.imm2 === 0
const isAllOnes = (n: Node): boolean =>
  (n.op === ops.i32_const && n.imm === -1) || (n.op === ops.i64_const && n.imm === -1 && n.imm2 === -1)
const isBool = (n: Node): boolean => n.op.result === 'i32' && BOOLEAN.has(n.op)

const rules = new Map<OpRow, Rule[]>()
const on = (op: OpRow, ...rule: Rule[]): void => {
  rules.set(op, [...(rules.get(op) ?? []), ...rule])
}

/** Ops whose result is 0 or 1. */
const BOOLEAN = new Set<OpRow>(
  Object.values(ops).filter(
    (op) =>
      op.result === 'i32' && /\.(eqz?|ne|[lg][te](_[su])?|any_true|all_true)$/.test(op.name) && op.args.length > 0,
  ),
)
BOOLEAN.add(ops.flags_cond)

const bin32 = (op: OpRow, f: (x: number, y: number) => number): void =>
  on(op, (b, x, y) => (isConst32(x) && isConst32(y!) ? b.i32(f(x.imm, y!.imm)) : null))

bin32(ops.i32_add, (x, y) => x + y)
bin32(ops.i32_sub, (x, y) => x - y)
bin32(ops.i32_and, (x, y) => x & y)
bin32(ops.i32_or, (x, y) => x | y)
bin32(ops.i32_xor, (x, y) => x ^ y)
bin32(ops.i32_shl, (x, y) => x << y)
bin32(ops.i32_shr_u, (x, y) => x >>> y)
bin32(ops.i32_shr_s, (x, y) => x >> y)
bin32(ops.i32_eq, (x, y) => +(x === y))
bin32(ops.i32_ne, (x, y) => +(x !== y))
bin32(ops.i32_lt_u, (x, y) => +(x >>> 0 < y >>> 0))
bin32(ops.i32_lt_s, (x, y) => +(x < y))

/** Adds two (lo, hi) pairs. */
function add64(b: Builder, x: Node, y: Node): Node {
  const lo = (x.imm >>> 0) + (y.imm >>> 0)
  return b.i64pair(lo | 0, (x.imm2 + y.imm2 + (lo > 0xffffffff ? 1 : 0)) | 0)
}
const negate64 = (b: Builder, y: Node): Node => b.i64pair(-y.imm | 0, (~y.imm2 + (y.imm === 0 ? 1 : 0)) | 0)

on(ops.i64_add, (b, x, y) => (isConst64(x) && isConst64(y!) ? add64(b, x, y!) : null))
on(ops.i64_sub, (b, x, y) => (isConst64(x) && isConst64(y!) ? add64(b, x, negate64(b, y!)) : null))
on(ops.i64_and, (b, x, y) => (isConst64(x) && isConst64(y!) ? b.i64pair(x.imm & y!.imm, x.imm2 & y!.imm2) : null))
on(ops.i64_or, (b, x, y) => (isConst64(x) && isConst64(y!) ? b.i64pair(x.imm | y!.imm, x.imm2 | y!.imm2) : null))
on(ops.i64_xor, (b, x, y) => (isConst64(x) && isConst64(y!) ? b.i64pair(x.imm ^ y!.imm, x.imm2 ^ y!.imm2) : null))

// A chain of constant additions collapses, so that push/pop sequences and address arithmetic stay short.
on(ops.i64_add, (b, x, y) =>
  isConst64(y!) && x.op === ops.i64_add && isConst64(x.b!) ? b.emit(ops.i64_add, x.a, add64(b, x.b!, y!)) : null,
)
on(ops.i64_sub, (b, x, y) => (isConst64(y!) ? b.emit(ops.i64_add, x, negate64(b, y!)) : null))
on(ops.i32_add, (b, x, y) =>
  isConst32(y!) && x.op === ops.i32_add && isConst32(x.b!) ? b.emit(ops.i32_add, x.a, b.i32(x.b!.imm + y!.imm)) : null,
)

const identity: Rule = (_b, x, y) => (isZero(y!) ? x : null)
for (const op of [
  ops.i32_add,
  ops.i32_sub,
  ops.i32_or,
  ops.i32_xor,
  ops.i32_shl,
  ops.i32_shr_u,
  ops.i32_shr_s,
  ops.i32_rotl,
  ops.i32_rotr,
])
  on(op, identity)
for (const op of [
  ops.i64_add,
  ops.i64_sub,
  ops.i64_or,
  ops.i64_xor,
  ops.i64_shl,
  ops.i64_shr_u,
  ops.i64_shr_s,
  ops.i64_rotl,
  ops.i64_rotr,
])
  on(op, identity)
for (const op of [ops.i32_add, ops.i32_or, ops.i32_xor, ops.i64_add, ops.i64_or, ops.i64_xor])
  on(op, (_b, x, y) => (isZero(x) ? y : null))

for (const op of [ops.i32_and, ops.i64_and]) {
  on(op, (_b, x, y) => (x === y ? x : isAllOnes(y!) ? x : isZero(y!) ? y : isAllOnes(x) ? y : isZero(x) ? x : null))
}
on(ops.i32_and, (b, x, y) =>
  isConst32(y!) && x.op === ops.i32_and && isConst32(x.b!) ? b.emit(ops.i32_and, x.a, b.i32(x.b!.imm & y!.imm)) : null,
)
// Reading what has just been merged into a wider register, as after SETcc.
on(ops.i32_and, (b, x, y) => {
  if (!isConst32(y!) || x.op !== ops.i32_or) return null
  if ((narrowMask(x.a!) & y!.imm) === 0) return b.emit(ops.i32_and, x.b, y)
  return (narrowMask(x.b!) & y!.imm) === 0 ? b.emit(ops.i32_and, x.a, y) : null
})
on(ops.i32_and, (_b, x, y) => (isConst32(y!) && (narrowMask(x) & ~y!.imm) === 0 ? x : null))
for (const op of [ops.i32_or, ops.i64_or]) on(op, (_b, x, y) => (x === y ? x : null))
on(ops.i32_xor, (b, x, y) => (x === y ? b.i32(0) : null))
on(ops.i64_xor, (b, x, y) => (x === y ? b.i64(0) : null))
on(ops.i32_sub, (b, x, y) => (x === y ? b.i32(0) : null))
on(ops.i64_sub, (b, x, y) => (x === y ? b.i64(0) : null))
on(ops.v128_xor, (b, x, y) => (x === y ? b.v128(new Uint8Array(16)) : null))

/** An upper bound on the bits that an i32 value can have set. */
function narrowMask(n: Node): number {
  if (n.op === ops.load8 || n.op === ops.i8x16_extract_lane_u) return 0xff
  if (n.op === ops.load16 || n.op === ops.i16x8_extract_lane_u) return 0xffff
  if (isConst32(n)) return n.imm
  if (n.op === ops.i32_and) return isConst32(n.b!) ? n.b!.imm : -1
  if (isBool(n)) return 1
  return -1
}

on(ops.i32_wrap_i64, (_b, x) => (x.op === ops.i64_extend_i32_u || x.op === ops.i64_extend_i32_s ? x.a : null))
on(ops.i32_wrap_i64, (b, x) => (isConst64(x) ? b.i32(x.imm) : null))
on(ops.i64_extend_i32_u, (b, x) => (isConst32(x) ? b.i64pair(x.imm, 0) : null))
on(ops.i64_extend_i32_s, (b, x) => (isConst32(x) ? b.i64pair(x.imm, x.imm >> 31) : null))
// The low word of a 64-bit op depends only on the low words of its operands.
const narrowing: [OpRow, OpRow][] = [
  [ops.i64_add, ops.i32_add],
  [ops.i64_sub, ops.i32_sub],
  [ops.i64_mul, ops.i32_mul],
  [ops.i64_and, ops.i32_and],
  [ops.i64_or, ops.i32_or],
  [ops.i64_xor, ops.i32_xor],
]
for (const [wide, narrow] of narrowing) {
  on(ops.i32_wrap_i64, (b, x) =>
    x.op === wide && (isConst64(x.b!) || isExtended(x.b!)) ? b.emit(narrow, b.wrap(x.a!), b.wrap(x.b!)) : null,
  )
}
const isExtended = (n: Node): boolean => n.op === ops.i64_extend_i32_u || n.op === ops.i64_extend_i32_s
/** Masking a zero-extended value with 0xffffffff, as 32-bit writes do. */
on(ops.i64_and, (b, x, y) => (isConst64(y!) && y!.imm2 === 0 && y!.imm === -1 ? b.extendU(b.wrap(x)) : null))

on(ops.i32_eqz, (b, x) => (isConst32(x) ? b.i32(x.imm === 0 ? 1 : 0) : null))
on(ops.i32_eqz, (b, x) => {
  const inverse = INVERSE.get(x.op)
  return inverse === undefined ? null : b.emit(inverse, x.a, x.b)
})
on(ops.i32_ne, (_b, x, y) => (isZero(y!) && isBool(x) ? x : null))
on(ops.i32_eq, (b, x, y) => (isZero(y!) ? b.emit(ops.i32_eqz, x) : null))
on(ops.i64_eq, (b, x, y) => (isZero(y!) ? b.emit(ops.i64_eqz, x) : null))

/** Integer comparisons and their negations (floating-point ones have none because of NaN). */
const INVERSE = new Map<OpRow, OpRow>()
const inverse = (x: OpRow, y: OpRow): void => {
  INVERSE.set(x, y)
  INVERSE.set(y, x)
}
inverse(ops.i32_eq, ops.i32_ne)
inverse(ops.i32_lt_s, ops.i32_ge_s)
inverse(ops.i32_lt_u, ops.i32_ge_u)
inverse(ops.i32_gt_s, ops.i32_le_s)
inverse(ops.i32_gt_u, ops.i32_le_u)
inverse(ops.i64_eq, ops.i64_ne)
inverse(ops.i64_lt_s, ops.i64_ge_s)
inverse(ops.i64_lt_u, ops.i64_ge_u)
inverse(ops.i64_gt_s, ops.i64_le_s)
inverse(ops.i64_gt_u, ops.i64_le_u)

for (const op of [ops.i32_select, ops.i64_select, ops.v128_select, ops.f32_select, ops.f64_select]) {
  on(op, (_b, x, y, z) => (x === y ? x : isConst32(z!) ? (z!.imm !== 0 ? x : y) : null))
}

// Scalar floating point lives in lane 0 of a vector register: reading back a lane just written is the value itself.
const lanes: [OpRow, OpRow][] = [
  [ops.f64x2_extract_lane, ops.f64x2_replace_lane],
  [ops.f32x4_extract_lane, ops.f32x4_replace_lane],
  [ops.i64x2_extract_lane, ops.i64x2_replace_lane],
  [ops.i32x4_extract_lane, ops.i32x4_replace_lane],
]
for (const [extract, replace] of lanes) {
  on(extract, (_b, x, _y, _z, imm) => (x.op === replace && x.imm === imm ? x.b : null))
  on(extract, (b, x, _y, _z, imm) => (x.op === replace && x.imm !== imm ? b.emit(extract, x.a, null, null, imm) : null))
  on(replace, (b, x, y, _z, imm) => (x.op === replace && x.imm === imm ? b.emit(replace, x.a, y, null, imm) : null))
}

/** The simpler node that equals `op(x, y, z)`, or null. */
export function fold(b: Builder, op: OpRow, x: Node | null, y: Node | null, z: Node | null, imm: number): Node | null {
  const list = rules.get(op)
  if (list === undefined || x === null) return null
  for (let i = 0; i < list.length; i++) {
    const result = list[i]!(b, x, y, z, imm)
    if (result !== null) return result
  }
  return null
}
