/** Exists to give multiplication and division, where wasm has no 128-bit arithmetic and x86 faults instead of trapping. */
import { makeBlock } from '../../ir/builder.ts'
import { EXIT } from '../../ir/exits.ts'
import { HELPER } from '../../ir/helpers.ts'
import { FLAG } from '../../ir/flags.ts'
import { ops } from '../../ir/ops.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { sameValue } from './arithmetic.ts'

const RAX = REG.rax
const RDX = REG.rdx

/** CF and OF together, from one condition. */
const carryOverflow = (l: LiftContext, lost: Node): Node => l.b.mul(lost, l.b.i32(FLAG.cf | FLAG.of))

const signExtend = (l: LiftContext, bits: number, x: Node): Node =>
  bits === 8 ? l.b.emit(ops.i32_extend8_s, x) : bits === 16 ? l.b.emit(ops.i32_extend16_s, x) : x

/** MUL r/m and one-operand IMUL r/m: the double-width product. */
const wide =
  (signed: boolean): Lifter =>
  (l) => {
    const b = l.b
    const size = l.size
    const y = l.read(0)
    const x = l.getFixed(RAX, size)
    if (size === 64) {
      const low = b.mul(x, y)
      const high = b.emit(signed ? ops.i64_mulhi_s : ops.i64_mulhi_u, x, y)
      b.put(RAX, low)
      b.put(RDX, high)
      b.setFlagsResult(64, low, carryOverflow(l, signed ? b.ne(high, b.shrS(low, b.i64(63))) : b.ne(high, b.i64(0))))
    } else if (size === 32) {
      const product = signed ? b.mul(b.extendS(x), b.extendS(y)) : b.mul(b.extendU(x), b.extendU(y))
      const low = b.wrap(product)
      const high = b.wrap(b.shrU(product, b.i64(32)))
      b.put(RAX, b.extendU(low))
      b.put(RDX, b.extendU(high))
      b.setFlagsResult(32, low, carryOverflow(l, signed ? b.ne(high, b.shrS(low, b.i32(31))) : b.ne(high, b.i32(0))))
    } else {
      const product = signed ? b.mul(signExtend(l, size, x), signExtend(l, size, y)) : b.mul(x, y)
      const low = b.and(product, b.i32(size === 8 ? 0xff : 0xffff))
      if (size === 8) l.putFixed(RAX, 16, product)
      else {
        l.putFixed(RAX, 16, product)
        l.putFixed(RDX, 16, b.shrU(product, b.i32(16)))
      }
      b.setFlagsResult(size, low, carryOverflow(l, b.ne(product, signed ? signExtend(l, size, low) : low)))
    }
  }

/** MUL. */
export const mul = wide(false)
/** IMUL with one operand. */
export const imul1 = wide(true)

/** The truncated signed product of `x` and `y` into operand 0. */
function imulInto(l: LiftContext, x: Node, y: Node): void {
  const b = l.b
  const size = l.size
  if (size === 64) {
    const low = b.mul(x, y)
    l.write(0, low)
    b.setFlagsResult(64, low, carryOverflow(l, b.ne(b.emit(ops.i64_mulhi_s, x, y), b.shrS(low, b.i64(63)))))
  } else if (size === 32) {
    const low = b.mul(x, y)
    l.write(0, low)
    b.setFlagsResult(32, low, carryOverflow(l, b.ne(b.mul(b.extendS(x), b.extendS(y)), b.extendS(low))))
  } else {
    const product = b.mul(signExtend(l, 16, x), signExtend(l, 16, y))
    const low = b.and(product, b.i32(0xffff))
    l.write(0, low)
    b.setFlagsResult(16, low, carryOverflow(l, b.ne(product, signExtend(l, 16, low))))
  }
}

/** IMUL Gv,Ev. */
export const imul2: Lifter = (l) => imulInto(l, l.read(0), l.read(1))
/** IMUL Gv,Ev,imm. */
export const imul3: Lifter = (l) => imulInto(l, l.read(1), l.read(2))

const isConstant = (x: Node, value: number): boolean =>
  (x.op === ops.i32_const || (x.op === ops.i64_const && x.imm2 === value >> 31)) && x.imm === value

/** Was `high` just made by CDQ or CQO from `low`? */
function isSignOf(high: Node, low: Node, bits: number): boolean {
  return (
    (high.op === ops.i32_shr_s || high.op === ops.i64_shr_s) && isConstant(high.b!, bits - 1) && sameValue(high.a!, low)
  )
}

/** #DE when the quotient of `low / divisor` has no representation: division by zero and minimum / -1. Both are i32 or both i64. */
function guardSigned(l: LiftContext, low: Node, divisor: Node): void {
  const b = l.b
  b.faultIf(b.eqz(divisor), EXIT.divideError)
  const minimum = low.type === 'i64' ? b.i64pair(0, -0x80000000) : b.i32(-0x80000000)
  b.faultIf(b.and(b.eq(low, minimum), b.eq(divisor, b.constLike(divisor, -1))), EXIT.divideError)
}

/** DIV: unsigned; #DE when the high half is not below the divisor, which covers zero. */
export const div: Lifter = (l) => {
  const b = l.b
  const divisor = l.read(0)
  if (l.size === 64) {
    div64(l, divisor)
  } else if (l.size === 32) {
    const low = l.getFixed(RAX, 32)
    const high = l.getFixed(RDX, 32)
    if (isConstant(high, 0)) {
      b.faultIf(b.eqz(divisor), EXIT.divideError)
      b.put(RAX, b.extendU(b.emit(ops.i32_div_u, low, divisor)))
      b.put(RDX, b.extendU(b.emit(ops.i32_rem_u, low, divisor)))
      return
    }
    b.faultIf(b.eqz(b.ltU(high, divisor)), EXIT.divideError)
    const dividend = b.or(b.shl(b.extendU(high), b.i64(32)), b.extendU(low))
    const by = b.extendU(divisor)
    b.put(RAX, b.emit(ops.i64_div_u, dividend, by))
    b.put(RDX, b.emit(ops.i64_rem_u, dividend, by))
  } else {
    narrowDivide(l, divisor, false)
  }
}

/** IDIV. */
export const idiv: Lifter = (l) => {
  const b = l.b
  const divisor = l.read(0)
  if (l.size === 64) {
    idiv64(l, divisor)
  } else if (l.size === 32) {
    const low = l.getFixed(RAX, 32)
    const high = l.getFixed(RDX, 32)
    if (isSignOf(high, low, 32)) {
      guardSigned(l, low, divisor)
      b.put(RAX, b.extendU(b.emit(ops.i32_div_s, low, divisor)))
      b.put(RDX, b.extendU(b.emit(ops.i32_rem_s, low, divisor)))
      return
    }
    const dividend = b.or(b.shl(b.extendU(high), b.i64(32)), b.extendU(low))
    const by = b.extendS(divisor)
    guardSigned(l, dividend, by)
    const quotient = b.emit(ops.i64_div_s, dividend, by)
    const low32 = b.wrap(quotient)
    b.faultIf(b.ne(quotient, b.extendS(low32)), EXIT.divideError)
    b.put(RAX, b.extendU(low32))
    b.put(RDX, b.extendU(b.wrap(b.emit(ops.i64_rem_s, dividend, by))))
  } else {
    narrowDivide(l, divisor, true)
  }
}

/** DIV and IDIV of 8 and 16 bits in i32: AX, or DX:AX, by the operand. */
function narrowDivide(l: LiftContext, read: Node, signed: boolean): void {
  const b = l.b
  const size = l.size
  const ax = l.getFixed(RAX, 16)
  const unsignedDividend = size === 8 ? ax : b.or(b.shl(l.getFixed(RDX, 16), b.i32(16)), ax)
  const dividend = signed && size === 8 ? signExtend(l, 16, ax) : unsignedDividend
  const divisor = signed ? signExtend(l, size, read) : read
  if (signed) guardSigned(l, dividend, divisor)
  else b.faultIf(b.eqz(b.ltU(b.shrU(dividend, b.i32(size)), divisor)), EXIT.divideError)
  const quotient = b.emit(signed ? ops.i32_div_s : ops.i32_div_u, dividend, divisor)
  if (signed) b.faultIf(b.ne(quotient, signExtend(l, size, quotient)), EXIT.divideError)
  const remainder = b.emit(signed ? ops.i32_rem_s : ops.i32_rem_u, dividend, divisor)
  if (size === 8) {
    l.putFixed(RAX, 16, b.or(b.shl(remainder, b.i32(8)), b.and(quotient, b.i32(0xff))))
  } else {
    l.putFixed(RAX, 16, quotient)
    l.putFixed(RDX, 16, remainder)
  }
}

/** Divides in plain i64 and puts quotient and remainder; the guards have run. */
function divide64(l: LiftContext, low: Node, divisor: Node, signed: boolean): void {
  const quotient = l.b.emit(signed ? ops.i64_div_s : ops.i64_div_u, low, divisor)
  const remainder = l.b.emit(signed ? ops.i64_rem_s : ops.i64_rem_u, low, divisor)
  l.b.put(RAX, quotient)
  l.b.put(RDX, remainder)
}

function div64(l: LiftContext, divisor: Node): void {
  const b = l.b
  const high = b.get(RDX)
  if (isConstant(high, 0)) {
    b.faultIf(b.eqz(divisor), EXIT.divideError)
    divide64(l, b.get(RAX), divisor, false)
    return
  }
  b.faultIf(b.eqz(b.ltU(high, divisor)), EXIT.divideError)
  split64(l, divisor, b.eqz(high), false)
}

function idiv64(l: LiftContext, divisor: Node): void {
  const b = l.b
  const high = b.get(RDX)
  const low = b.get(RAX)
  if (isSignOf(high, low, 64)) {
    guardSigned(l, low, divisor)
    divide64(l, low, divisor, true)
    return
  }
  b.faultIf(b.eqz(divisor), EXIT.divideError)
  const fits = b.eq(high, b.shrS(low, b.i64(63)))
  const overflow = b.and(b.eq(low, b.i64pair(0, -0x80000000)), b.eq(divisor, b.i64(-1)))
  b.faultIf(b.and(fits, overflow), EXIT.divideError)
  split64(l, divisor, fits, true)
}

/**
 * Ends the block with two internal ones: where `fits`, the dividend is RAX alone and i64 division does it; otherwise the helper divides RDX:RAX.
 * The divisor travels through the scratch area, because values do not cross blocks.
 */
function split64(l: LiftContext, divisor: Node, fits: Node, signed: boolean): void {
  const b = l.b
  const fromRegister = !l.isMem(0)
  if (!fromRegister) b.stateStore(64, STATE.scratch + 16, divisor)
  const fast = makeBlock(l.insn.pc, true)
  const slow = makeBlock(l.insn.pc, true)
  l.terminate({ kind: 'branch', cond: fits, then: fast, else: slow })
  b.startBlock(fast)
  divide64(l, b.get(RAX), fromRegister ? l.read(0) : b.stateLoad(64, STATE.scratch + 16), signed)
  l.terminate({ kind: 'jump', target: l.next })
  b.startBlock(slow)
  if (fromRegister) b.stateStore(64, STATE.scratch + 16, l.read(0))
  b.stateStore(64, STATE.scratch, b.get(RAX))
  b.stateStore(64, STATE.scratch + 8, b.get(RDX))
  b.faultIf(b.helper(signed ? HELPER.idiv128 : HELPER.div128, b.i32(0), b.i32(0)), EXIT.divideError)
  b.put(RAX, b.stateLoad(64, STATE.scratch))
  b.put(RDX, b.stateLoad(64, STATE.scratch + 8))
  l.terminate({ kind: 'jump', target: l.next })
}
