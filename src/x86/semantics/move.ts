/** Exists to give the moves between registers and memory, exchanges, and the conversions between widths. */
import type { Builder } from '../../ir/builder.ts'
import { type CC, FLAG, FLAG_KIND } from '../../ir/flags.ts'
import { ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { truncate } from './arithmetic.ts'

type Condition = (typeof CC)[keyof typeof CC]

/** MOV, and everything that only copies operand 1 to operand 0. */
export const mov: Lifter = (l) => l.write(0, l.read(1))

/** MOV from a segment register: a register destination takes the selector at its own width. */
export const movFromSegment: Lifter = (l) => {
  const selector = l.read(1)
  l.write(0, l.size === 64 ? l.b.extendU(selector) : selector)
}

/** LEA: the address without segment base, cut to the operand size. */
export const lea: Lifter = (l) => l.write(0, l.size === 64 ? l.offset() : l.b.wrap(l.offset()))

/** MOVZX: what is read is zero-extended already. */
export const movzx: Lifter = (l) => l.write(0, l.size === 64 ? l.b.extendU(l.read(1)) : l.read(1))

/** MOVSX and MOVSXD. */
export const movsx: Lifter = (l) => {
  const bits = l.bits(1)
  const x = signExtend(l.b, bits, l.read(1))
  l.write(0, l.size === 64 ? l.b.extendS(x) : truncate(l.b, l.size, x))
}

function signExtend(b: Builder, bits: number, x: Node): Node {
  return bits === 8 ? b.emit(ops.i32_extend8_s, x) : bits === 16 ? b.emit(ops.i32_extend16_s, x) : x
}

/** CBW, CWDE, CDQE: the accumulator from half its width. */
export const cbw: Lifter = (l) => {
  const b = l.b
  const opsize = l.insn.opsize
  if (opsize === 64) b.put(REG.rax, b.extendS(l.getFixed(REG.rax, 32)))
  else l.putFixed(REG.rax, opsize, signExtend(b, opsize >> 1, l.getFixed(REG.rax, opsize >> 1)))
}

/** CWD, CDQ, CQO: rDX becomes the sign of rAX. */
export const cwd: Lifter = (l) => {
  const b = l.b
  const opsize = l.insn.opsize
  const x = l.getFixed(REG.rax, opsize)
  const sign = opsize === 64 ? b.shrS(x, b.i64(63)) : b.shrS(signExtend(b, opsize, x), b.i32(31))
  l.putFixed(REG.rdx, opsize, sign)
}

/** XCHG: memory, if any, is operand 0 and written first. */
export const xchg: Lifter = (l) => {
  const x = l.read(0)
  const y = l.read(1)
  l.write(0, y)
  l.write(1, x)
}

/** XCHG with the accumulator; 90 without REX.B is NOP and leaves even the upper half of RAX. */
export const xchgAccumulator: Lifter = (l) => {
  if (l.insn.rm !== 0) xchg(l)
}

/** XADD: memory is written before the register; of a register with itself the sum stays. */
export const xadd: Lifter = (l) => {
  const b = l.b
  const x = l.read(0)
  const y = l.read(1)
  const sum = truncate(b, l.size, b.add(x, y))
  if (l.isMem(0)) {
    l.write(0, sum)
    l.write(1, x)
  } else {
    l.write(1, x)
    l.write(0, sum)
  }
  b.setFlags(FLAG_KIND.add, l.size, x, y)
}

/**
 * CMPXCHG: memory is always written; of registers only the one that changes is, so that the other keeps even its upper half
 * (which the manual's pseudocode leaves open, and processors do).
 */
export const cmpxchg: Lifter = (l) => {
  const b = l.b
  const accumulator = l.getFixed(REG.rax, l.size)
  const x = l.read(0)
  const equal = b.eq(accumulator, x)
  const value = l.read(1)
  const whole = b.get(REG.rax)
  const loaded = l.size >= 32 ? b.to64(x) : b.or(b.and(whole, b.i64(l.size === 8 ? -0x100 : -0x10000)), b.extendU(x))
  const rax = b.select(equal, whole, loaded)
  if (l.isMem(0)) {
    l.write(0, b.select(equal, value, x))
    b.put(REG.rax, rax)
  } else {
    b.put(REG.rax, rax)
    if (l.size === 32) b.put(l.register(0), b.select(equal, b.extendU(value), b.get(l.register(0))))
    else l.write(0, b.select(equal, value, x))
  }
  b.setFlags(FLAG_KIND.sub, l.size, accumulator, x)
}

/** Sets ZF (i32 0 or 1); the other flags stay. */
function putZero(b: Builder, zf: Node): void {
  b.putFlags(b.or(b.and(b.getFlags(), b.i32(~FLAG.zf)), b.shl(zf, b.i32(6))))
}

/** CMPXCHG8B: EDX:EAX against memory, ECX:EBX into it. */
export const cmpxchg8b: Lifter = (l) => {
  const b = l.b
  const x = b.load(64, l.ea())
  const pair = (high: number, low: number): Node => b.or(b.shl(b.get(high), b.i64(32)), b.extendU(b.wrap(b.get(low))))
  const equal = b.eq(pair(REG.rdx, REG.rax), x)
  b.store(64, l.ea(), b.select(equal, pair(REG.rcx, REG.rbx), x))
  b.put(REG.rax, b.select(equal, b.get(REG.rax), b.extendU(b.wrap(x))))
  b.put(REG.rdx, b.select(equal, b.get(REG.rdx), b.shrU(x, b.i64(32))))
  putZero(b, equal)
}

/** CMPXCHG16B: RDX:RAX against memory, RCX:RBX into it; #GP unless aligned. */
export const cmpxchg16b: Lifter = (l) => {
  const b = l.b
  l.checkAligned16(l.ea())
  const x = b.load128(l.ea())
  const low = b.emit(ops.i64x2_extract_lane, x)
  const high = b.emit(ops.i64x2_extract_lane, x, null, null, 1)
  const equal = b.and(b.eq(b.get(REG.rax), low), b.eq(b.get(REG.rdx), high))
  const replacement = b.emit(ops.i64x2_replace_lane, b.emit(ops.i64x2_splat, b.get(REG.rbx)), b.get(REG.rcx), null, 1)
  b.store128(l.ea(), b.select(equal, replacement, x))
  b.put(REG.rax, low)
  b.put(REG.rdx, high)
  putZero(b, equal)
}

/** SETcc. */
export const setcc =
  (cc: Condition): Lifter =>
  (l) =>
    l.write(0, l.b.cond(cc))

/** CMOVcc: memory is read in any case, a 32-bit destination is zero-extended in any case. */
export const cmovcc =
  (cc: Condition): Lifter =>
  (l) => {
    const y = l.read(1)
    l.write(0, l.b.select(l.b.cond(cc), y, l.read(0)))
  }

/** XLATB: AL from the table at rBX. */
export const xlat: Lifter = (l) => {
  const b = l.b
  const sum = b.add(b.get(REG.rbx), b.extendU(l.getFixed(REG.rax, 8)))
  const offset = l.insn.addrsize === 32 ? b.extendU(b.wrap(sum)) : sum
  l.putFixed(REG.rax, 8, b.load(8, l.segmented(offset)))
}

/** The pointer operand is only decoded: prefetches, NOP with ModRM, and hints. */
export const nothing = (_l: LiftContext): void => {}
