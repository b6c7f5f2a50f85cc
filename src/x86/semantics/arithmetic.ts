/** Exists to give addition, subtraction and the bitwise operations with their flags (Intel SDM vol. 1, 7.3.2). */
import { CC, FLAG, FLAG_KIND, type Size } from '../../ir/flags.ts'
import type { Builder } from '../../ir/builder.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'

/** Clears what lies above `size` bits in an i32 or i64 of the type that holds that size. */
export function truncate(b: Builder, size: Size, value: Node): Node {
  return size === 8 ? b.and(value, b.i32(0xff)) : size === 16 ? b.and(value, b.i32(0xffff)) : value
}

/** Bit `position` of `value` as i32 0 or 1. */
export function bitAt(b: Builder, value: Node, position: number): Node {
  return b.and(b.to32(b.shrU(value, b.constLike(value, position))), b.i32(1))
}

/** All ones of the type and size. */
export const allOnes = (b: Builder, size: Size): Node =>
  size === 64 ? b.i64(-1) : b.i32(size === 32 ? -1 : (1 << size) - 1)

/** ADD. */
export const add: Lifter = (l) => {
  const x = l.read(0)
  const y = l.read(1)
  l.write(0, truncate(l.b, l.size, l.b.add(x, y)))
  l.b.setFlags(FLAG_KIND.add, l.size, x, y)
}

/** SUB. */
export const sub: Lifter = (l) => {
  const x = l.read(0)
  const y = l.read(1)
  l.write(0, truncate(l.b, l.size, l.b.sub(x, y)))
  l.b.setFlags(FLAG_KIND.sub, l.size, x, y)
}

/** CMP. */
export const cmp: Lifter = (l) => l.b.setFlags(FLAG_KIND.sub, l.size, l.read(0), l.read(1))

/**
 * CF, AF and OF of `result = x ± y ± carry` in EFLAGS positions. Per bit, a carry leaves where both operands have it, or one does and the
 * result does not (Hacker's Delight, 2-13); for a borrow x is complemented and the result's sense turns.
 */
function carries(b: Builder, size: Size, x: Node, y: Node, result: Node, subtract: boolean): Node {
  const ones = allOnes(b, size)
  const left = subtract ? b.xor(x, ones) : x
  const kept = subtract ? result : b.xor(result, ones)
  const out = b.or(b.and(left, y), b.and(b.or(left, y), kept))
  const cf = bitAt(b, out, size - 1)
  const af = b.and(b.to32(b.xor(b.xor(x, y), result)), b.i32(FLAG.af))
  const changed = b.and(b.xor(x, result), subtract ? b.xor(x, y) : b.xor(y, result))
  const of = b.shl(bitAt(b, changed, size - 1), b.i32(11))
  return b.or(b.or(of, af), cf)
}

/** ADC. */
export const adc: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const y = l.read(1)
  const carry = b.cond(CC.b)
  const result = truncate(b, l.size, b.add(b.add(x, y), l.size === 64 ? b.extendU(carry) : carry))
  l.write(0, result)
  b.setFlagsResult(l.size, result, carries(b, l.size, x, y, result, false))
}

/** SBB; of a register with itself it only spreads the carry. */
export const sbb: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const y = l.read(1)
  const carry = b.cond(CC.b)
  const wide = l.size === 64 ? b.extendU(carry) : carry
  if (!l.isMem(0) && !l.isMem(1) && sameValue(x, y)) {
    const spread = truncate(b, l.size, b.sub(b.constLike(wide, 0), wide))
    l.write(0, spread)
    b.setFlagsResult(l.size, spread, b.mul(carry, b.i32(FLAG.cf | FLAG.af)))
    return
  }
  const result = truncate(b, l.size, b.sub(b.sub(x, y), wide))
  l.write(0, result)
  b.setFlagsResult(l.size, result, carries(b, l.size, x, y, result, true))
}

/** Are both surely the same value? Looks through the narrowing that every register read makes anew. */
export function sameValue(x: Node, y: Node): boolean {
  if (x === y) return true
  if (
    x.op !== y.op ||
    x.op.effect !== 'pure' ||
    x.imm !== y.imm ||
    x.imm2 !== y.imm2 ||
    x.bytes !== null ||
    x.a === null
  )
    return (
      x.op === y.op &&
      x.op.args.length === 0 &&
      x.op.effect === 'pure' &&
      x.imm === y.imm &&
      x.imm2 === y.imm2 &&
      x.bytes === null
    )
  if (!sameValue(x.a, y.a!)) return false
  return x.b === null ? y.b === null : y.b !== null && x.c === null && sameValue(x.b, y.b)
}

const bitwise =
  (operation: (b: Builder, x: Node, y: Node) => Node): Lifter =>
  (l) => {
    const result = operation(l.b, l.read(0), l.read(1))
    l.write(0, result)
    l.b.setFlagsResult(l.size, result, null)
  }

/** AND. */
export const and = bitwise((b, x, y) => b.and(x, y))
/** OR. */
export const or = bitwise((b, x, y) => b.or(x, y))

/** XOR; of a register with itself it is the constant zero. */
export const xor: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const y = l.read(1)
  const result = !l.isMem(0) && !l.isMem(1) && sameValue(x, y) ? b.constLike(x, 0) : b.xor(x, y)
  l.write(0, result)
  b.setFlagsResult(l.size, result, null)
}

/** TEST. */
export const test: Lifter = (l) => {
  const x = l.read(0)
  const y = l.read(1)
  l.b.setFlagsResult(l.size, !l.isMem(0) && sameValue(x, y) ? x : l.b.and(x, y), null)
}

const step = (l: LiftContext, kind: number, amount: number): void => {
  const b = l.b
  const x = l.read(0)
  const result = truncate(b, l.size, b.add(x, b.constLike(x, amount)))
  l.write(0, result)
  b.setFlags(kind, l.size, result, b.cond(CC.b))
}

/** INC: CF stays. */
export const inc: Lifter = (l) => step(l, FLAG_KIND.inc, 1)
/** DEC: CF stays. */
export const dec: Lifter = (l) => step(l, FLAG_KIND.dec, -1)

/** NEG: the flags of 0 - x. */
export const neg: Lifter = (l) => {
  const x = l.read(0)
  const zero = l.b.constLike(x, 0)
  l.write(0, truncate(l.b, l.size, l.b.sub(zero, x)))
  l.b.setFlags(FLAG_KIND.sub, l.size, zero, x)
}

/** NOT: no flags. */
export const not: Lifter = (l) => l.write(0, l.b.xor(l.read(0), allOnes(l.b, l.size)))
