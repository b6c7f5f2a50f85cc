/** Exists to give shifts and rotates: counts are masked, a zero count leaves the flags, rotates touch only CF and OF. */
import type { Builder } from '../../ir/builder.ts'
import { CC, FLAG, FLAG_KIND, type Size } from '../../ir/flags.ts'
import { ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { KIND } from '../table/operands.ts'
import { bitAt, truncate } from './arithmetic.ts'

/** CF (0 or 1) and OF (0 or 1) in EFLAGS positions. */
const carryOverflow = (b: Builder, cf: Node, of: Node): Node => b.or(b.shl(of, b.i32(11)), cf)

/** The most significant bit of a value of `size` bits. */
const top = (b: Builder, size: Size, value: Node): Node => bitAt(b, value, size - 1)

/** The masked count as i32: a constant unless it comes from CL. */
function countOf(l: LiftContext, operand: number): Node {
  const b = l.b
  const mask = l.size === 64 ? 63 : 31
  const kind = l.insn.form.operands[operand]!.kind
  if (kind === KIND.fixed) return b.and(b.to32(b.get(REG.rcx)), b.i32(mask))
  return b.i32(kind === KIND.one ? 1 : l.insn.immLo & mask)
}

const isConst = (x: Node): boolean => x.op === ops.i32_const

/** The count in the type of `like`. */
const countLike = (b: Builder, like: Node, count: Node): Node => (like.type === 'i64' ? b.extendU(count) : count)

/** ZF, SF, PF from the result, CF and OF from `bits`, unless the count is zero. */
function shiftFlags(l: LiftContext, count: Node, result: Node, bits: Node): void {
  if (isConst(count)) {
    if (count.imm !== 0) l.b.setFlagsResult(l.size, result, bits)
  } else {
    l.b.setFlagsIf(l.b.ne(count, l.b.i32(0)), FLAG_KIND.result, l.size, result, bits)
  }
}

/** CF and OF from `bits`, the others stay, unless the count is zero. */
function rotateFlags(l: LiftContext, count: Node, bits: Node): void {
  const b = l.b
  if (isConst(count) && count.imm === 0) return
  const old = b.getFlags()
  const changed = b.or(b.and(old, b.i32(~(FLAG.cf | FLAG.of))), bits)
  b.putFlags(isConst(count) ? changed : b.select(count, changed, old))
}

/** SHL: the last bit shifted out is CF; OF tells whether the sign changed. */
export const shl: Lifter = (l) => {
  const b = l.b
  const size = l.size
  const x = l.read(0)
  const count = countOf(l, 1)
  const by = countLike(b, x, count)
  const shifted = b.shl(x, by)
  const result = truncate(b, size, shifted)
  l.write(0, result)
  const cf = size < 32 ? bitAt(b, shifted, size) : b.and(b.to32(b.shrU(x, b.sub(b.constLike(x, size), by))), b.i32(1))
  shiftFlags(l, count, result, carryOverflow(b, cf, b.xor(cf, top(b, size, result))))
}

/** SHR: OF is the sign before. */
export const shr: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const count = countOf(l, 1)
  const by = countLike(b, x, count)
  const result = b.shrU(x, by)
  l.write(0, result)
  const cf = b.and(b.to32(b.shrU(x, b.sub(by, b.constLike(x, 1)))), b.i32(1))
  shiftFlags(l, count, result, carryOverflow(b, cf, top(b, l.size, x)))
}

/** SAR: OF is zero. */
export const sar: Lifter = (l) => {
  const b = l.b
  const read = l.read(0)
  const x = l.size === 8 ? b.emit(ops.i32_extend8_s, read) : l.size === 16 ? b.emit(ops.i32_extend16_s, read) : read
  const count = countOf(l, 1)
  const by = countLike(b, x, count)
  const result = truncate(b, l.size, b.shrS(x, by))
  l.write(0, result)
  shiftFlags(l, count, result, b.and(b.to32(b.shrS(x, b.sub(by, b.constLike(x, 1)))), b.i32(1)))
}

const rotl = (b: Builder, x: Node, by: Node): Node => b.emit(x.type === 'i64' ? ops.i64_rotl : ops.i32_rotl, x, by)
const rotr = (b: Builder, x: Node, by: Node): Node => b.emit(x.type === 'i64' ? ops.i64_rotr : ops.i32_rotr, x, by)

/** A rotation to the left of 8 or 16 bits in i32. */
function narrowRotl(b: Builder, size: Size, x: Node, count: Node): Node {
  const mask = b.i32(size - 1)
  const back = b.and(b.sub(b.i32(size), count), mask)
  return truncate(b, size, b.or(b.shl(x, b.and(count, mask)), b.shrU(x, back)))
}

/** ROL: CF is the bit that came round to the bottom. */
export const rol: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const count = countOf(l, 1)
  const result = l.size < 32 ? narrowRotl(b, l.size, x, count) : rotl(b, x, countLike(b, x, count))
  l.write(0, result)
  const cf = b.and(b.to32(result), b.i32(1))
  rotateFlags(l, count, carryOverflow(b, cf, b.xor(cf, top(b, l.size, result))))
}

/** ROR: CF is the bit that came round to the top. */
export const ror: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const count = countOf(l, 1)
  const result = l.size < 32 ? narrowRotl(b, l.size, x, b.sub(b.i32(0), count)) : rotr(b, x, countLike(b, x, count))
  l.write(0, result)
  const cf = top(b, l.size, result)
  rotateFlags(l, count, carryOverflow(b, cf, b.xor(cf, bitAt(b, result, l.size - 2))))
}

/** RCL and RCR rotate CF:operand. Below 64 bits that is a rotation of size + 1 bits in i64; `left` distance is computed for RCR too. */
function throughCarryNarrow(l: LiftContext, right: boolean): void {
  const b = l.b
  const size = l.size
  const x = l.read(0)
  const count = countOf(l, 1)
  const carry = b.cond(CC.b)
  const width = size + 1
  const within =
    size === 32 ? count : isConst(count) ? b.i32(count.imm % width) : b.emit(ops.i32_rem_u, count, b.i32(width))
  const value = b.or(b.extendU(x), b.shl(b.extendU(carry), b.i64(size)))
  const there = b.extendU(within)
  const back = b.sub(b.i64(width), there)
  const rotated = right
    ? b.or(b.shrU(value, there), b.shl(value, back))
    : b.or(b.shl(value, there), b.shrU(value, back))
  const result = truncate(b, size, b.wrap(rotated))
  l.write(0, result)
  const cf = bitAt(b, rotated, size)
  const of = right ? b.xor(top(b, size, result), bitAt(b, result, size - 2)) : b.xor(cf, top(b, size, result))
  rotateFlags(l, count, carryOverflow(b, cf, of))
}

/** RCL and RCR of 64 bits: three pieces; the shift by 64 - count is made in two steps because wasm takes counts modulo 64. */
function throughCarry64(l: LiftContext, right: boolean): void {
  const b = l.b
  const x = l.read(0)
  const count = countOf(l, 1)
  const carry = b.extendU(b.cond(CC.b))
  const there = b.extendU(count)
  const back = b.sub(b.i64(64), there)
  const one = b.i64(1)
  const pieces = right
    ? b.or(b.or(b.shrU(x, there), b.shl(carry, back)), b.shl(b.shl(x, one), back))
    : b.or(b.or(b.shl(x, there), b.shl(carry, b.sub(there, one))), b.shrU(b.shrU(x, one), back))
  const result = b.select(count, pieces, x)
  l.write(0, result)
  const out = right ? b.shrU(x, b.sub(there, one)) : b.shrU(x, back)
  const cf = b.and(b.wrap(out), b.i32(1))
  const of = right ? b.xor(top(b, 64, result), bitAt(b, result, 62)) : b.xor(cf, top(b, 64, result))
  rotateFlags(l, count, carryOverflow(b, cf, of))
}

/** RCL. */
export const rcl: Lifter = (l) => (l.size === 64 ? throughCarry64(l, false) : throughCarryNarrow(l, false))
/** RCR. */
export const rcr: Lifter = (l) => (l.size === 64 ? throughCarry64(l, true) : throughCarryNarrow(l, true))

/** SHLD and SHRD of 32 and 64 bits; the far operand is shifted in two steps so that a zero count brings in nothing. */
function doubleWide(l: LiftContext, right: boolean): void {
  const b = l.b
  const size = l.size
  const x = l.read(0)
  const y = l.read(1)
  const count = countOf(l, 2)
  const by = countLike(b, x, count)
  const one = b.constLike(x, 1)
  const rest = b.sub(b.constLike(x, size - 1), by)
  const result = right
    ? b.or(b.shrU(x, by), b.shl(b.shl(y, one), rest))
    : b.or(b.shl(x, by), b.shrU(b.shrU(y, one), rest))
  l.write(0, result)
  const out = right ? b.shrU(x, b.sub(by, one)) : b.shrU(x, b.sub(b.constLike(x, size), by))
  const cf = b.and(b.to32(out), b.i32(1))
  shiftFlags(l, count, result, carryOverflow(b, cf, b.xor(top(b, size, x), top(b, size, result))))
}

/** SHLD and SHRD of 16 bits: counts above 16 go on into the destination again, as processors do where the manual leaves it undefined. */
function double16(l: LiftContext, right: boolean): void {
  const b = l.b
  const x = l.read(0)
  const y = l.read(1)
  const count = countOf(l, 2)
  const by = b.extendU(count)
  const wide = b.extendU(x)
  const triple = b.or(b.or(b.shl(wide, b.i64(32)), b.shl(b.extendU(y), b.i64(16))), wide)
  const shifted = right ? b.shrU(triple, by) : b.shl(triple, by)
  const result = b.and(b.wrap(right ? shifted : b.shrU(shifted, b.i64(32))), b.i32(0xffff))
  l.write(0, result)
  const cf = right ? b.and(b.wrap(b.shrU(triple, b.sub(by, b.i64(1)))), b.i32(1)) : bitAt(b, shifted, 48)
  shiftFlags(l, count, result, carryOverflow(b, cf, b.xor(top(b, 16, x), top(b, 16, result))))
}

/** SHLD. */
export const shld: Lifter = (l) => (l.size === 16 ? double16(l, false) : doubleWide(l, false))
/** SHRD. */
export const shrd: Lifter = (l) => (l.size === 16 ? double16(l, true) : doubleWide(l, true))
