/** Exists to turn a flag record of known kind into the plain comparison that a condition code means, so that compare-and-branch fuses. */
import type { Builder } from './builder.ts'
import { FLAG, FLAG_KIND, type Size } from './flags.ts'
import { ops } from './ops.ts'
import type { Node } from './types.ts'

/** Pseudo-kind of a record that the builder remembers beside its explicit bits: a floating-point comparison of two nodes. */
export const COMPARE = -1

/** A flag record whose kind and size are known while translating. Operands are zero-extended from `size`. */
export interface FlagRecord {
  kind: number
  size: Size
  a: Node
  b: Node
}

/** i32 0 or 1: condition `cc` (Intel encoding) of a record. */
export function condition(b: Builder, cc: number, record: FlagRecord): Node {
  const positive = positiveCondition(b, cc & ~1, record)
  return (cc & 1) === 0 ? positive : b.eqz(positive)
}

function positiveCondition(b: Builder, cc: number, r: FlagRecord): Node {
  switch (r.kind) {
    case COMPARE:
      return compareCondition(b, cc, r)
    case FLAG_KIND.sub:
      return subCondition(b, cc, r)
    case FLAG_KIND.explicit:
      return explicitCondition(b, cc, b.to32(r.a))
    default:
      return resultCondition(b, cc, r)
  }
}

/** The operand in the narrowest wasm type that holds it. */
function natural(b: Builder, size: Size, x: Node): Node {
  return size === 64 ? b.to64(x) : b.to32(x)
}

/** The operand sign-extended from `size` within its wasm type. */
function signed(b: Builder, size: Size, x: Node): Node {
  const n = natural(b, size, x)
  return size === 8 ? b.emit(ops.i32_extend8_s, n) : size === 16 ? b.emit(ops.i32_extend16_s, n) : n
}

/** Sign bit of `x` at `size` as 0 or 1. */
function negative(b: Builder, size: Size, x: Node): Node {
  const s = signed(b, size, x)
  return b.ltS(s, b.constLike(s, 0))
}

/** Zero-extends from `size` within the wasm type. */
function masked(b: Builder, size: Size, x: Node): Node {
  return size === 8 ? b.and(x, b.i32(0xff)) : size === 16 ? b.and(x, b.i32(0xffff)) : x
}

function parity(b: Builder, x: Node): Node {
  const ones = b.emit(ops.i32_popcnt, b.and(b.to32(x), b.i32(0xff)))
  return b.eqz(b.and(ones, b.i32(1)))
}

function subCondition(b: Builder, cc: number, r: FlagRecord): Node {
  const x = natural(b, r.size, r.a)
  const y = natural(b, r.size, r.b)
  switch (cc) {
    case 0: {
      const d = b.sub(x, y)
      return negative(b, r.size, b.and(b.xor(x, y), b.xor(x, d)))
    }
    case 2:
      return b.ltU(x, y)
    case 4:
      return b.eq(x, y)
    case 6:
      return b.eqz(b.ltU(y, x))
    case 8:
      return negative(b, r.size, b.sub(x, y))
    case 10:
      return parity(b, b.sub(x, y))
    case 12:
      return b.ltS(signed(b, r.size, r.a), signed(b, r.size, r.b))
    default:
      return b.eqz(b.ltS(signed(b, r.size, r.b), signed(b, r.size, r.a)))
  }
}

/** add, result, inc, dec: the result gives ZF, SF, PF; carry and overflow depend on the kind. */
function resultCondition(b: Builder, cc: number, r: FlagRecord): Node {
  const value =
    r.kind === FLAG_KIND.add
      ? masked(b, r.size, b.add(natural(b, r.size, r.a), natural(b, r.size, r.b)))
      : natural(b, r.size, r.a)
  const plain = r.kind === FLAG_KIND.result && (r.b.op === ops.i64_const || r.b.op === ops.i32_const) && r.b.imm === 0
  switch (cc) {
    case 0:
      return plain ? b.i32(0) : overflow(b, r, value)
    case 2:
      return plain ? b.i32(0) : carry(b, r, value)
    case 4:
      return b.eqz(value)
    case 6:
      return plain ? b.eqz(value) : b.or(carry(b, r, value), b.eqz(value))
    case 8:
      return negative(b, r.size, value)
    case 10:
      return parity(b, value)
    case 12:
      return plain ? negative(b, r.size, value) : b.xor(negative(b, r.size, value), overflow(b, r, value))
    default: {
      if (!plain) return b.or(b.xor(negative(b, r.size, value), overflow(b, r, value)), b.eqz(value))
      const s = signed(b, r.size, value)
      return b.ltS(s, b.constLike(s, 1))
    }
  }
}

function carry(b: Builder, r: FlagRecord, value: Node): Node {
  if (r.kind === FLAG_KIND.add) return b.ltU(value, natural(b, r.size, r.a))
  return b.and(b.to32(r.b), b.i32(FLAG.cf))
}

function overflow(b: Builder, r: FlagRecord, value: Node): Node {
  switch (r.kind) {
    case FLAG_KIND.add: {
      const x = natural(b, r.size, r.a)
      const y = natural(b, r.size, r.b)
      return negative(b, r.size, b.and(b.xor(x, value), b.xor(y, value)))
    }
    case FLAG_KIND.inc:
    case FLAG_KIND.dec: {
      const minimum =
        r.size === 64 ? b.i64pair(0, 0x80000000 | 0) : b.i32(r.size === 32 ? 0x80000000 | 0 : 1 << (r.size - 1))
      return b.eq(value, r.kind === FLAG_KIND.inc ? minimum : b.sub(minimum, b.constLike(minimum, 1)))
    }
    default:
      return b.and(b.shrU(b.to32(r.b), b.i32(11)), b.i32(1))
  }
}

function bit(b: Builder, bits: Node, position: number): Node {
  return b.and(b.shrU(bits, b.i32(position)), b.i32(1))
}

function explicitCondition(b: Builder, cc: number, bits: Node): Node {
  switch (cc) {
    case 0:
      return bit(b, bits, 11)
    case 2:
      return bit(b, bits, 0)
    case 4:
      return bit(b, bits, 6)
    case 6:
      return b.ne(b.and(bits, b.i32(FLAG.cf | FLAG.zf)), b.i32(0))
    case 8:
      return bit(b, bits, 7)
    case 10:
      return bit(b, bits, 2)
    case 12:
      return b.xor(bit(b, bits, 7), bit(b, bits, 11))
    default:
      return b.or(bit(b, bits, 6), b.xor(bit(b, bits, 7), bit(b, bits, 11)))
  }
}

function compareOp(x: Node, name: 'lt' | 'gt' | 'eq' | 'ne' | 'ge'): (typeof ops)['f32_lt'] {
  return x.type === 'f32' ? ops[`f32_${name}`] : ops[`f64_${name}`]
}

function unordered(b: Builder, x: Node, y: Node): Node {
  return b.or(b.emit(compareOp(x, 'ne'), x, x), b.emit(compareOp(y, 'ne'), y, y))
}

/** UCOMISD: unordered sets ZF, PF, CF; less sets CF; equal sets ZF (Intel SDM vol. 2, UCOMISD). */
function compareCondition(b: Builder, cc: number, { a: x, b: y }: FlagRecord): Node {
  switch (cc) {
    case 2:
      return b.eqz(b.emit(compareOp(x, 'ge'), x, y))
    case 4:
      return b.or(b.emit(compareOp(x, 'eq'), x, y), unordered(b, x, y))
    case 6:
      return b.eqz(b.emit(compareOp(x, 'gt'), x, y))
    case 10:
      return unordered(b, x, y)
    case 14:
      return b.or(b.emit(compareOp(x, 'eq'), x, y), unordered(b, x, y))
    default:
      return b.i32(0)
  }
}

/** The EFLAGS bits of a floating-point comparison. */
export function compareBits(b: Builder, x: Node, y: Node): Node {
  const nan = unordered(b, x, y)
  const less = b.or(b.emit(compareOp(x, 'lt'), x, y), nan)
  const equal = b.or(b.emit(compareOp(x, 'eq'), x, y), nan)
  return b.or(b.or(less, b.shl(nan, b.i32(2))), b.shl(equal, b.i32(6)))
}
