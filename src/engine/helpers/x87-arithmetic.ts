/** Exists to compute the basic x87 operations exactly: sum, product, quotient, root, comparison and the operations on exponents. */
import {
  bitLength,
  CLASS,
  classOf,
  dropBits,
  type Extended,
  INDEFINITE,
  infinityOf,
  isSignalling,
  type Outcome,
  pack,
  precisionOf,
  quieted,
  ROUND,
  roundExtended,
  roundingOf,
  scaleOf,
  STATUS,
  zeroOf,
} from './x87-number.ts'

/** An operation on two registers under a control word. */
export type Binary = (x: Extended, y: Extended, control: number) => Outcome

/** An operation on one register under a control word. */
export type Unary = (x: Extended, control: number) => Outcome

const INVALID: Outcome = { value: INDEFINITE, flags: STATUS.invalid }
const exact = (value: Extended): Outcome => ({ value, flags: 0 })
const withFlags = (outcome: Outcome, flags: number): Outcome =>
  flags === 0 ? outcome : { value: outcome.value, flags: outcome.flags | flags }

/** DE if an operand is denormal. */
export const denormalFlag = (p: number, q: number): number =>
  p === CLASS.denormal || q === CLASS.denormal ? STATUS.denormal : 0

/** The NaN that two operands, at least one of them a NaN, give: the larger mantissa, then the positive sign (SDM vol. 1, table 4-7). */
function nanOf(x: Extended, y: Extended, p: number, q: number): Outcome {
  const flags = (p === CLASS.nan && isSignalling(x)) || (q === CLASS.nan && isSignalling(y)) ? STATUS.invalid : 0
  if (q !== CLASS.nan) return { value: quieted(x), flags }
  if (p !== CLASS.nan) return { value: quieted(y), flags }
  const first = x.mantissa > y.mantissa || (x.mantissa === y.mantissa && x.sign === 0)
  return { value: quieted(first ? x : y), flags }
}

/** The outcome if an operand is a NaN or unsupported, else null. */
export function refuse2(x: Extended, y: Extended): Outcome | null {
  const p = classOf(x)
  const q = classOf(y)
  if (p === CLASS.unsupported || q === CLASS.unsupported) return INVALID
  return p === CLASS.nan || q === CLASS.nan ? nanOf(x, y, p, q) : null
}

/** The outcome if the operand is a NaN or unsupported, else null. */
export function refuse1(x: Extended): Outcome | null {
  const p = classOf(x)
  if (p === CLASS.unsupported) return INVALID
  return p === CLASS.nan ? { value: quieted(x), flags: isSignalling(x) ? STATUS.invalid : 0 } : null
}

/** Operands further apart than this only matter as a sticky bit. */
const FAR = 130

/** x + y. */
export const add: Binary = (x, y, control) => {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  if (p === CLASS.infinity) return q === CLASS.infinity && x.sign !== y.sign ? INVALID : { value: x, flags }
  if (q === CLASS.infinity) return { value: y, flags }
  const cancelled = roundingOf(control) === ROUND.down ? 1 : 0
  if (p === CLASS.zero && q === CLASS.zero) return exact(zeroOf(x.sign === y.sign ? x.sign : cancelled))
  let big = x
  let small = y
  if (p === CLASS.zero || (q !== CLASS.zero && scaleOf(y) > scaleOf(x))) {
    big = y
    small = x
  }
  let bigMantissa = big.mantissa
  let smallMantissa = small.mantissa
  let scale = scaleOf(big)
  if (smallMantissa !== 0n) {
    let distance = scale - scaleOf(small)
    if (distance > FAR) {
      smallMantissa = 1n
      distance = FAR
    }
    bigMantissa <<= BigInt(distance)
    scale -= distance
  }
  const sum = (big.sign === 0 ? bigMantissa : -bigMantissa) + (small.sign === 0 ? smallMantissa : -smallMantissa)
  if (sum === 0n) return { value: zeroOf(cancelled), flags }
  const sign = sum < 0n ? 1 : 0
  return withFlags(roundExtended(precisionOf(control), control, sign, sign === 1 ? -sum : sum, scale, false), flags)
}

/** The number with the other sign; NaNs keep theirs, because subtraction returns them as they are. */
const opposite = (x: Extended): Extended =>
  classOf(x) === CLASS.nan ? x : { sign: x.sign ^ 1, exponent: x.exponent, mantissa: x.mantissa }

/** x - y. */
export const subtract: Binary = (x, y, control) => add(x, opposite(y), control)

/** x · y. */
export const multiply: Binary = (x, y, control) => {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  const sign = x.sign ^ y.sign
  if (p === CLASS.infinity || q === CLASS.infinity) {
    return p === CLASS.zero || q === CLASS.zero ? INVALID : { value: infinityOf(sign), flags }
  }
  if (p === CLASS.zero || q === CLASS.zero) return { value: zeroOf(sign), flags }
  const product = roundExtended(
    precisionOf(control),
    control,
    sign,
    x.mantissa * y.mantissa,
    scaleOf(x) + scaleOf(y),
    false,
  )
  return withFlags(product, flags)
}

/** x / y. */
export const divide: Binary = (x, y, control) => {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  const sign = x.sign ^ y.sign
  if (p === CLASS.infinity) return q === CLASS.infinity ? INVALID : { value: infinityOf(sign), flags }
  if (q === CLASS.infinity) return { value: zeroOf(sign), flags }
  if (q === CLASS.zero) return p === CLASS.zero ? INVALID : { value: infinityOf(sign), flags: STATUS.zeroDivide }
  if (p === CLASS.zero) return { value: zeroOf(sign), flags }
  const dividend = x.mantissa << 132n
  const quotient = dividend / y.mantissa
  const sticky = quotient * y.mantissa !== dividend
  return withFlags(
    roundExtended(precisionOf(control), control, sign, quotient, scaleOf(x) - scaleOf(y) - 132, sticky),
    flags,
  )
}

/** Largest integer whose square is at most `n`. */
export function integerRoot(n: bigint): bigint {
  if (n < 2n) return n
  let root = 1n << BigInt((bitLength(n) + 1) >> 1)
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** Square root. */
export const squareRoot: Unary = (x, control) => {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  if (p === CLASS.zero) return exact(x)
  if (x.sign === 1) return INVALID
  if (p === CLASS.infinity) return exact(x)
  // An even scale, and enough bits that the root has more than are kept.
  const scale = scaleOf(x)
  const shift = 136 + (scale & 1)
  const radicand = x.mantissa << BigInt(shift)
  const root = integerRoot(radicand)
  const sticky = root * root !== radicand
  return withFlags(
    roundExtended(precisionOf(control), control, 0, root, (scale - shift) / 2, sticky),
    denormalFlag(p, p),
  )
}

/** FRNDINT: to an integer, by the rounding mode; the precision control does not apply. */
export const roundToInteger: Unary = (x, control) => {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  const flags = denormalFlag(p, p)
  const scale = scaleOf(x)
  if (p === CLASS.infinity || p === CLASS.zero || scale >= 0) return { value: x, flags }
  const result = dropBits(x.mantissa, -scale, false, roundingOf(control), x.sign)
  const inexact = result.inexact ? STATUS.precision | (result.up ? STATUS.c1 : 0) : 0
  return { value: pack(x.sign, result.mantissa, 0), flags: flags | inexact }
}

/** A shift that carries any number beyond the range in either direction. */
const BEYOND = 70000

/** Exponents (unbiased) that an unmasked overflow or underflow can still wrap into the range. */
const WRAPPED = { max: 16383 + 24576, min: -16382 - 24576 } as const

/** FSCALE: x · 2^trunc(y). */
export const scale: Binary = (x, y, control) => {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  if (q === CLASS.infinity) {
    if (y.sign === 0) return p === CLASS.zero ? INVALID : { value: infinityOf(x.sign), flags }
    return p === CLASS.infinity ? INVALID : { value: zeroOf(x.sign), flags }
  }
  if (p === CLASS.zero || p === CLASS.infinity) return { value: x, flags }
  const distance =
    y.exponent > 16383 + 30 ? BEYOND : Number(dropBits(y.mantissa, -scaleOf(y), false, ROUND.zero, 0).mantissa)
  const shift = Math.min(distance, BEYOND) * (y.sign === 0 ? 1 : -1)
  const exponent = scaleOf(x) + bitLength(x.mantissa) - 1 + shift
  if (exponent > WRAPPED.max && (control & STATUS.overflow) === 0) {
    return { value: infinityOf(x.sign), flags: flags | STATUS.overflow | STATUS.precision | STATUS.c1 }
  }
  if (exponent < WRAPPED.min && (control & STATUS.underflow) === 0) {
    return { value: zeroOf(x.sign), flags: flags | STATUS.underflow | STATUS.precision }
  }
  return withFlags(roundExtended(64, control, x.sign, x.mantissa, scaleOf(x) + shift, false), flags)
}

/** FXTRACT's two results: the exponent as a number, and the significand with exponent zero. */
export function extract(x: Extended): { exponent: Extended; significand: Extended; flags: number } {
  const refused = refuse1(x)
  if (refused !== null) return { exponent: refused.value, significand: refused.value, flags: refused.flags }
  const p = classOf(x)
  if (p === CLASS.zero) return { exponent: infinityOf(1), significand: x, flags: STATUS.zeroDivide }
  if (p === CLASS.infinity) return { exponent: infinityOf(0), significand: x, flags: 0 }
  const length = bitLength(x.mantissa)
  const exponent = scaleOf(x) + length - 1
  return {
    exponent: pack(exponent < 0 ? 1 : 0, BigInt(Math.abs(exponent)), 0),
    significand: { sign: x.sign, exponent: 16383, mantissa: x.mantissa << BigInt(64 - length) },
    flags: denormalFlag(p, p),
  }
}

/** The order of two numbers as the condition codes C3, C2, C0 of a STATUS word. */
export interface Order {
  readonly codes: number
  readonly flags: number
}

const UNORDERED = STATUS.c3 | STATUS.c2 | STATUS.c0

/** Compares x with y. `quiet` comparisons accept quiet NaNs without an exception. */
export function compare(x: Extended, y: Extended, quiet: boolean): Order {
  const p = classOf(x)
  const q = classOf(y)
  if (p === CLASS.unsupported || q === CLASS.unsupported) return { codes: UNORDERED, flags: STATUS.invalid }
  if (p === CLASS.nan || q === CLASS.nan) {
    const invalid = !quiet || (p === CLASS.nan && isSignalling(x)) || (q === CLASS.nan && isSignalling(y))
    return { codes: UNORDERED, flags: invalid ? STATUS.invalid : 0 }
  }
  const flags = denormalFlag(p, q)
  const difference = signedOrder(x, y)
  return { codes: difference === 0 ? STATUS.c3 : difference < 0 ? STATUS.c0 : 0, flags }
}

/** Negative, zero or positive as x is below, equal to or above y; neither is a NaN. */
function signedOrder(x: Extended, y: Extended): number {
  const bothZero = x.mantissa === 0n && y.mantissa === 0n
  if (bothZero) return 0
  if (x.sign !== y.sign) return x.sign === 1 ? -1 : 1
  const direction = x.sign === 1 ? -1 : 1
  // A pseudo-denormal has the exponent field 0 and the value of exponent 1.
  const exponents = Math.max(x.exponent, 1) - Math.max(y.exponent, 1)
  if (exponents !== 0) return direction * exponents
  return x.mantissa === y.mantissa ? 0 : x.mantissa > y.mantissa ? direction : -direction
}
