/** Exists to execute the instructions on the top of the stack (D9 E0 to D9 FF): signs, classes, roots, scaling and the transcendental functions. */
import { compare, extract, roundToInteger, scale, squareRoot } from './x87-arithmetic.ts'
import { CLASS, classOf, type Extended, type Outcome, STATUS, zeroOf } from './x87-number.ts'
import { OVERFLOW, type Stack, UNDERFLOW } from './x87-registers.ts'
import { remainder } from './x87-remainder.ts'
import {
  arcTangent,
  cosine,
  isOutOfRange,
  powerMinusOne,
  sine,
  tangent,
  yLog2x,
  yLog2xPlus1,
} from './x87-transcendental.ts'

const CODES = STATUS.c0 | STATUS.c1 | STATUS.c2 | STATUS.c3
const ONE: Extended = { sign: 0, exponent: 16383, mantissa: 1n << 63n }

/** Condition codes of FXAM by class (SDM vol. 2, FXAM); an empty register is C3 and C0. */
const EXAMINED: Record<number, number> = {
  [CLASS.unsupported]: 0,
  [CLASS.nan]: STATUS.c0,
  [CLASS.normal]: STATUS.c2,
  [CLASS.infinity]: STATUS.c2 | STATUS.c0,
  [CLASS.zero]: STATUS.c3,
  [CLASS.denormal]: STATUS.c3 | STATUS.c2,
}

/** Replaces ST(0) by a function of it. */
function unary(stack: Stack, operation: (x: Extended, control: number) => Outcome): void {
  stack.finish(0, stack.isEmpty(0) ? UNDERFLOW : operation(stack.read(0), stack.control))
}

/** Replaces ST(1) by a function of ST(1) and ST(0), and pops. */
function binaryPop(stack: Stack, operation: (y: Extended, x: Extended, control: number) => Outcome): void {
  const missing = stack.isEmpty(0) || stack.isEmpty(1)
  if (stack.finish(1, missing ? UNDERFLOW : operation(stack.read(1), stack.read(0), stack.control))) stack.pop()
}

/** Replaces ST(0) by one result and pushes another; a stack fault makes both indefinite. */
function replaceAndPush(
  stack: Stack,
  results: (x: Extended) => { first: Extended; pushed: Extended; flags: number },
): void {
  const fault = stack.isEmpty(0) ? UNDERFLOW : stack.isEmpty(7) ? null : OVERFLOW
  const { first, pushed, flags } =
    fault === null ? results(stack.read(0)) : { first: fault.value, pushed: fault.value, flags: fault.flags }
  if (!stack.raise(flags)) return
  stack.write(0, first)
  stack.push(pushed)
}

/** FSIN, FCOS: arguments of 2^63 and more only set C2. */
function circular(stack: Stack, operation: (x: Extended, control: number) => Outcome): void {
  if (!refuses(stack)) unary(stack, operation)
}

/** Sets C2 as the argument of a circular function is out of range or not; an empty register is no reason to refuse. */
function refuses(stack: Stack): boolean {
  const outside = !stack.isEmpty(0) && isOutOfRange(stack.read(0))
  stack.setCodes(STATUS.c2 | STATUS.c1, outside ? STATUS.c2 : 0)
  return outside
}

/** The same for the functions that push a second result, where a full stack counts first. */
function refusesPush(stack: Stack): boolean {
  if (stack.isEmpty(7)) return refuses(stack)
  stack.setCodes(STATUS.c2, 0)
  return false
}

/** FPREM, FPREM1. */
function partialRemainder(stack: Stack, nearest: boolean): void {
  const missing = stack.isEmpty(0) || stack.isEmpty(1)
  const { outcome, codes } = missing
    ? { outcome: UNDERFLOW, codes: -1 }
    : remainder(stack.read(0), stack.read(1), stack.control, nearest)
  const permitted = stack.finish(0, outcome)
  if (codes < 0 || !permitted) stack.setCodes(STATUS.c2, 0)
  else stack.setCodes(CODES, codes)
}

/** FXAM. */
function examine(stack: Stack): void {
  const x = stack.read(0)
  const codes = stack.isEmpty(0) ? STATUS.c3 | STATUS.c0 : EXAMINED[classOf(x)]!
  stack.setCodes(CODES, codes | (x.sign === 1 ? STATUS.c1 : 0))
}

/** FTST: compares with zero. */
function test(stack: Stack): void {
  const fault = stack.isEmpty(0)
  const order = fault
    ? { codes: STATUS.c3 | STATUS.c2 | STATUS.c0, flags: UNDERFLOW.flags }
    : compare(stack.read(0), zeroOf(0), false)
  stack.raise(order.flags)
  stack.setCodes(STATUS.c3 | STATUS.c2 | STATUS.c0, order.codes)
}

/** Executes the instruction whose second opcode byte is `code`. */
export function executeTop(stack: Stack, code: number): void {
  switch (code) {
    case 0xe0:
      return unary(stack, (x) => ({ value: { ...x, sign: x.sign ^ 1 }, flags: 0 }))
    case 0xe1:
      return unary(stack, (x) => ({ value: { ...x, sign: 0 }, flags: 0 }))
    case 0xe4:
      return test(stack)
    case 0xe5:
      return examine(stack)
    case 0xf0:
      return unary(stack, powerMinusOne)
    case 0xf1:
      return binaryPop(stack, yLog2x)
    case 0xf2:
      if (refusesPush(stack)) return
      return replaceAndPush(stack, (x) => {
        const result = tangent(x, stack.control)
        const numeric = classOf(result.value) !== CLASS.nan
        return { first: result.value, pushed: numeric ? ONE : result.value, flags: result.flags }
      })
    case 0xf3:
      return binaryPop(stack, arcTangent)
    case 0xf4:
      return replaceAndPush(stack, (x) => {
        const { exponent, significand, flags } = extract(x)
        return { first: exponent, pushed: significand, flags }
      })
    case 0xf5:
      return partialRemainder(stack, true)
    case 0xf8:
      return partialRemainder(stack, false)
    case 0xf9:
      return binaryPop(stack, yLog2xPlus1)
    case 0xfa:
      return unary(stack, squareRoot)
    case 0xfb:
      if (refusesPush(stack)) return
      return replaceAndPush(stack, (x) => {
        const first = sine(x, stack.control)
        const pushed = cosine(x, stack.control)
        return { first: first.value, pushed: pushed.value, flags: first.flags | pushed.flags }
      })
    case 0xfc:
      return unary(stack, roundToInteger)
    case 0xfd: {
      const missing = stack.isEmpty(0) || stack.isEmpty(1)
      stack.finish(0, missing ? UNDERFLOW : scale(stack.read(0), stack.read(1), stack.control))
      return
    }
    case 0xfe:
      return circular(stack, sine)
    default:
      return circular(stack, cosine)
  }
}
