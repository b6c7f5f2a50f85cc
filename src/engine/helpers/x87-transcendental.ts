/**
 * Exists to compute sine, cosine, tangent, arc tangent, logarithms and powers of the x87. Processors approximate them to within one unit in the
 * last place; ours are computed with more than 120 correct bits and rounded once. The argument of sine, cosine and tangent is reduced by the
 * processors' pi of 66 bits (SDM vol. 1, 8.3.8), because programs see the difference.
 */
import { denormalFlag, integerRoot, refuse1, refuse2 } from './x87-arithmetic.ts'
import {
  bitLength,
  CLASS,
  classOf,
  type Extended,
  INDEFINITE,
  infinityOf,
  type Outcome,
  roundExtended,
  scaleOf,
  STATUS,
  zeroOf,
} from './x87-number.ts'

/** Fraction bits of the constants. */
const CONSTANT_BITS = 256
/** pi and ln 2, truncated to CONSTANT_BITS fraction bits. */
const PI = 0x3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89n
const LN2 = 0xb17217f7d1cf79abc9e3b39803f2f6af40f343267298b62d8a0d175b8baafa2bn
/** Half of the 66-bit pi, and the number of its fraction bits. */
const HALF_PI_66 = 0x3243f6a8885a308d3n
const HALF_PI_66_BITS = 65

/** Correct bits asked of every intermediate result. */
const WORKING_BITS = 140
/** Below this power of two, a function's first term decides every bit but the rounding. */
const TINY = -72

const INVALID: Outcome = { value: INDEFINITE, flags: STATUS.invalid }
const ONE: Extended = { sign: 0, exponent: 16383, mantissa: 1n << 63n }

/** A positive real number: `mantissa · 2^scale`, exact or a little more than that. */
interface Real {
  readonly mantissa: bigint
  readonly scale: number
}

const constant = (value: bigint, bits: number): bigint => value >> BigInt(CONSTANT_BITS - bits)

const round = (control: number, sign: number, x: Real, flags: number): Outcome => {
  const result = roundExtended(64, control, sign, x.mantissa, x.scale, true)
  return { value: result.value, flags: result.flags | flags }
}

/** The power of two of a finite number's leading bit. */
const leadingExponent = (x: Extended): number => scaleOf(x) + bitLength(x.mantissa) - 1

/** The leading 64 bits of a finite number, with the highest one set. */
const fractionOf = (x: Extended): bigint => x.mantissa << BigInt(64 - bitLength(x.mantissa))

/** A finite number with `bits` fraction bits, truncated. */
const fixed = (x: Extended, bits: number): bigint => {
  const shift = scaleOf(x) + bits
  return shift >= 0 ? x.mantissa << BigInt(shift) : x.mantissa >> BigInt(-shift)
}

/** The number a trifle nearer to zero. */
const below = (x: Extended): Real => ({ mantissa: (x.mantissa << 80n) - 1n, scale: scaleOf(x) - 80 })

/** Sums an alternating or a plain power series: `first`, then terms times `square / (k·(k+1))` for k from `k`, step 2. */
function series(first: bigint, square: bigint, k: number, bits: number): bigint {
  const shift = BigInt(bits)
  let term = first
  let sum = first
  for (let i = k; term !== 0n; i += 2) {
    term = -((term * square) >> shift) / BigInt(i * (i + 1))
    sum += term
  }
  return sum
}

/** An angle brought to [-pi/4, pi/4]: its magnitude with `bits` fraction bits (0 when it is tiny), its sign, and the quadrants taken away. */
interface Angle {
  readonly magnitude: bigint
  readonly bits: number
  readonly sign: number
  readonly quadrant: number
  readonly tiny: boolean
}

/** Reduces |x| < 2^63 by the 66-bit pi; the sign of x is left to the caller. */
function reduce(x: Extended): Angle {
  const exponent = leadingExponent(x)
  if (exponent < TINY) return { magnitude: 0n, bits: 0, sign: 0, quadrant: 0, tiny: true }
  const unit = Math.max(HALF_PI_66_BITS, -scaleOf(x))
  const value = fixed(x, unit)
  const half = HALF_PI_66 << BigInt(unit - HALF_PI_66_BITS)
  const turns = (value * 2n + half) / (half * 2n)
  const rest = value - turns * half
  const sign = rest < 0n ? 1 : 0
  const magnitude = sign === 1 ? -rest : rest
  const bits = WORKING_BITS + Math.max(0, unit - bitLength(magnitude))
  const shift = bits - unit
  const scaled = shift >= 0 ? magnitude << BigInt(shift) : magnitude >> BigInt(-shift)
  return { magnitude: scaled, bits, sign, quadrant: Number(turns & 3n), tiny: false }
}

const sineOf = (a: Angle): bigint => series(a.magnitude, (a.magnitude * a.magnitude) >> BigInt(a.bits), 2, a.bits)
/** Just below one when the angle is too small to tell, so that directed rounding sees that it is not one. */
const cosineOf = (a: Angle): bigint => {
  const one = 1n << BigInt(a.bits)
  const sum = series(one, (a.magnitude * a.magnitude) >> BigInt(a.bits), 1, a.bits)
  return sum === one ? one - 1n : sum
}

/** Sine (`shift` 0) or cosine (`shift` 1) of a finite number below 2^63 that is not zero. */
function circular(x: Extended, shift: number, control: number, flags: number): Outcome {
  const a = reduce(x)
  const quadrant = (a.quadrant + shift) & 3
  if (a.tiny) return shift === 0 ? round(control, x.sign, below(x), flags) : round(control, 0, below(ONE), flags)
  const odd = (quadrant & 1) === 1
  const mantissa = odd ? cosineOf(a) : sineOf(a)
  const sign = (quadrant >> 1) ^ (odd ? 0 : a.sign) ^ (shift === 0 ? x.sign : 0)
  return round(control, sign, { mantissa, scale: -a.bits }, flags)
}

/** Is x too large for FSIN, FCOS, FSINCOS and FPTAN, which then only set C2? */
export const isOutOfRange = (x: Extended): boolean => classOf(x) === CLASS.normal && x.exponent >= 16383 + 63

/** FSIN. */
export function sine(x: Extended, control: number): Outcome {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  if (p === CLASS.infinity) return INVALID
  if (p === CLASS.zero) return { value: x, flags: 0 }
  return circular(x, 0, control, denormalFlag(p, p))
}

/** FCOS. */
export function cosine(x: Extended, control: number): Outcome {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  if (p === CLASS.infinity) return INVALID
  if (p === CLASS.zero) return { value: ONE, flags: 0 }
  return circular(x, 1, control, denormalFlag(p, p))
}

/** The tangent of FPTAN, which then pushes 1. */
export function tangent(x: Extended, control: number): Outcome {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  if (p === CLASS.infinity) return INVALID
  if (p === CLASS.zero) return { value: x, flags: 0 }
  const flags = denormalFlag(p, p)
  const a = reduce(x)
  if (a.tiny) return round(control, x.sign, { mantissa: (x.mantissa << 80n) + 1n, scale: scaleOf(x) - 80 }, flags)
  const odd = (a.quadrant & 1) === 1
  const numerator = odd ? cosineOf(a) : sineOf(a)
  const denominator = odd ? sineOf(a) : cosineOf(a)
  const quotient = (numerator << BigInt(WORKING_BITS + a.bits)) / denominator
  return round(control, x.sign ^ a.sign ^ (odd ? 1 : 0), { mantissa: quotient, scale: -WORKING_BITS - a.bits }, flags)
}

/** atan(t) for 0 < t <= 1 with `bits` fraction bits: two halvings of the angle, then the power series. */
function arcTangentFixed(t: bigint, bits: number): bigint {
  const shift = BigInt(bits)
  const one = 1n << shift
  let z = t
  for (let i = 0; i < 2; i++) z = (z << shift) / (one + integerRoot(one * one + z * z))
  const square = (z * z) >> shift
  let power = z
  let sum = z
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -((power * square) >> shift)
    sum += power / k
  }
  return sum << 2n
}

/** pi · numerator / 4 as a number with a sign. */
const quarters = (control: number, sign: number, numerator: bigint): Outcome =>
  round(control, sign, { mantissa: PI * numerator, scale: -CONSTANT_BITS - 2 }, 0)

/** FPATAN: the angle of the point (x, y), with y in ST(1) and x in ST(0). */
export function arcTangent(y: Extended, x: Extended, control: number): Outcome {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  const withFlags = (o: Outcome): Outcome => ({ value: o.value, flags: o.flags | flags })
  if (q === CLASS.infinity) {
    return withFlags(quarters(control, y.sign, p !== CLASS.infinity ? 2n : x.sign === 0 ? 1n : 3n))
  }
  if (q === CLASS.zero || p === CLASS.infinity) {
    return withFlags(x.sign === 0 ? { value: zeroOf(y.sign), flags: 0 } : quarters(control, y.sign, 4n))
  }
  if (p === CLASS.zero) return withFlags(quarters(control, y.sign, 2n))
  const difference = leadingExponent(y) - leadingExponent(x)
  if (difference < TINY && x.sign === 0) {
    const quotient = (y.mantissa << 200n) / x.mantissa
    // A quotient that fits is exact, and the arc tangent lies below it.
    const exact = quotient * x.mantissa === y.mantissa << 200n
    return round(
      control,
      y.sign,
      { mantissa: (quotient << 1n) - (exact ? 1n : 0n), scale: scaleOf(y) - scaleOf(x) - 201 },
      flags,
    )
  }
  const bits = CONSTANT_BITS - 8
  if (Math.abs(difference) > bits) {
    // Within less than any bit of pi/2 (y far larger) or of pi (x far larger and negative), from below unless x < 0 < y's angle.
    const base = difference > 0 ? constant(PI, bits) >> 1n : constant(PI, bits)
    const above = difference > 0 && x.sign === 1
    return round(control, y.sign, { mantissa: above ? base + 1n : base - 1n, scale: -bits }, flags)
  }
  const near = difference > 0 || (difference === 0 && fractionOf(y) > fractionOf(x))
  const small = near ? x : y
  const large = near ? y : x
  // The quotient may need up to 63 fewer bits than `bits` when a mantissa is denormal: 64 more, dropped again.
  const ratio = ((small.mantissa << BigInt(scaleOf(small) - scaleOf(large) + bits + 64)) / large.mantissa) >> 64n
  const angle = arcTangentFixed(ratio, bits)
  const half = constant(PI, bits) >> 1n
  const first = near ? half - angle : angle
  const value = near ? (x.sign === 0 ? first : half + angle) : x.sign === 0 ? angle : 2n * half - angle
  return round(control, y.sign, { mantissa: value, scale: -bits }, flags)
}

/** F2XM1: 2^x - 1 for -1 <= x <= 1; outside the manual leaves the result undefined, and x is returned. */
export function powerMinusOne(x: Extended, control: number): Outcome {
  const refused = refuse1(x)
  if (refused !== null) return refused
  const p = classOf(x)
  if (p === CLASS.zero) return { value: x, flags: 0 }
  if (p === CLASS.infinity) return { value: x.sign === 0 ? x : { ...ONE, sign: 1 }, flags: 0 }
  const flags = denormalFlag(p, p)
  const exponent = leadingExponent(x)
  if (exponent >= 0) {
    const isOne = x.exponent === ONE.exponent && x.mantissa === ONE.mantissa
    if (!isOne) return { value: x, flags: flags | STATUS.precision }
    const result = x.sign === 0 ? x : { sign: 1, exponent: ONE.exponent - 1, mantissa: ONE.mantissa }
    return { value: result, flags: STATUS.precision }
  }
  if (exponent < TINY)
    return round(control, x.sign, { mantissa: x.mantissa * LN2, scale: scaleOf(x) - CONSTANT_BITS }, flags)
  const bits = WORKING_BITS - exponent
  const shift = BigInt(bits)
  const magnitude = (fixed(x, bits) * constant(LN2, bits)) >> shift
  const y = x.sign === 0 ? magnitude : -magnitude
  let term = y
  let sum = y
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    term = ((term * y) >> shift) / k
    sum += term
  }
  return round(control, x.sign, { mantissa: sum < 0n ? -sum : sum, scale: -bits }, flags)
}

/** ln((1+z)/(1-z)) = 2·atanh(z), for |z| < 1/4 with `bits` fraction bits. */
function doubleArcTangentHyperbolic(z: bigint, bits: number): bigint {
  const shift = BigInt(bits)
  const square = (z * z) >> shift
  let power = z
  let sum = z
  for (let k = 3n; power !== 0n && power !== -1n; k += 2n) {
    power = (power * square) >> shift
    sum += power / k
  }
  return sum << 1n
}

/** y times a logarithm with `bits` fraction bits. An exact product is reported as inexact all the same, as processors do. */
function scaledLogarithm(
  y: Extended,
  logarithm: bigint,
  bits: number,
  exact: boolean,
  control: number,
  flags: number,
): Outcome {
  const sign = y.sign ^ (logarithm < 0n ? 1 : 0)
  const magnitude = logarithm < 0n ? -logarithm : logarithm
  const result = roundExtended(64, control, sign, magnitude * y.mantissa, scaleOf(y) - bits, !exact)
  const tiny = result.value.exponent === 0 ? STATUS.underflow : 0
  return { value: result.value, flags: result.flags | flags | STATUS.precision | tiny }
}

/** FYL2X: y · log2(x), with x in ST(0). */
export function yLog2x(y: Extended, x: Extended, control: number): Outcome {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  if (p !== CLASS.zero && x.sign === 1) return INVALID
  if (p === CLASS.zero) {
    if (q === CLASS.zero) return INVALID
    return { value: infinityOf(y.sign ^ 1), flags: q === CLASS.infinity ? 0 : STATUS.zeroDivide }
  }
  const flags = denormalFlag(p, q)
  if (p === CLASS.infinity) return q === CLASS.zero ? INVALID : { value: infinityOf(y.sign), flags }
  const exponent = leadingExponent(x)
  const fraction = fractionOf(x)
  const isPower = fraction === ONE.mantissa
  const negative = exponent < 0 ? 1 : 0
  if (q === CLASS.infinity) return isPower && exponent === 0 ? INVALID : { value: infinityOf(y.sign ^ negative), flags }
  if (q === CLASS.zero) return { value: zeroOf(y.sign ^ negative), flags }
  if (isPower) {
    if (exponent === 0) return { value: zeroOf(y.sign), flags }
    return scaledLogarithm(y, BigInt(exponent), 0, true, control, flags)
  }
  // m = fraction / 2^63 in [1, 2), or half of it when that is nearer to one; then ln m = 2 atanh((m-1)/(m+1)).
  const upper = fraction > 0xb504f333f9de6484n
  const one = upper ? 1n << 64n : 1n << 63n
  const distance = fraction - one
  const bits = WORKING_BITS + 64
  const shift = BigInt(bits)
  const z = (distance << shift) / (fraction + one)
  const natural = doubleArcTangentHyperbolic(z, bits)
  const fractionLog = (natural << shift) / constant(LN2, bits)
  const whole = BigInt(exponent + (upper ? 1 : 0))
  return scaledLogarithm(y, (whole << shift) + fractionLog, bits, false, control, flags)
}

/** FYL2XP1: y · log2(x + 1), with x in ST(0). The manual defines it near zero only; it is computed wherever x > -1, else x is returned. */
export function yLog2xPlus1(y: Extended, x: Extended, control: number): Outcome {
  const refused = refuse2(x, y)
  if (refused !== null) return refused
  const p = classOf(x)
  const q = classOf(y)
  const flags = denormalFlag(p, q)
  if (p === CLASS.infinity) return x.sign === 1 || q === CLASS.zero ? INVALID : { value: infinityOf(y.sign), flags }
  if (p === CLASS.zero) return q === CLASS.infinity ? INVALID : { value: zeroOf(x.sign ^ y.sign), flags }
  if (q === CLASS.infinity) return { value: infinityOf(x.sign ^ y.sign), flags }
  if (q === CLASS.zero) return { value: zeroOf(x.sign ^ y.sign), flags }
  const exponent = leadingExponent(x)
  if (exponent >= 0)
    return x.sign === 1 ? { value: x, flags: flags | STATUS.precision } : largeLogarithm(y, x, control, flags)
  if (exponent < TINY) {
    // log2(1+x) = x · (1 - x/2 …) / ln 2: a trifle below x/ln 2 in both directions of x.
    const quotient = ((x.mantissa << BigInt(2 * CONSTANT_BITS)) / LN2) * y.mantissa
    const sign = x.sign ^ y.sign
    return round(control, sign, { mantissa: quotient, scale: scaleOf(x) - CONSTANT_BITS + scaleOf(y) }, flags)
  }
  const bits = WORKING_BITS - exponent
  const shift = BigInt(bits)
  const value = x.sign === 0 ? fixed(x, bits) : -fixed(x, bits)
  const natural = naturalOfOnePlus(value, bits)
  return scaledLogarithm(y, (natural << shift) / constant(LN2, bits), bits, false, control, flags)
}

/** ln(1 + x) for -1 < x < 1, `bits` fraction bits; halves or doubles 1 + x towards one as often as needed. */
function naturalOfOnePlus(x: bigint, bits: number): bigint {
  const one = 1n << BigInt(bits)
  let argument = one + x
  let twos = 0n
  while (argument * 2n < one) {
    argument <<= 1n
    twos--
  }
  const z = ((argument - one) << BigInt(bits)) / (argument + one)
  return doubleArcTangentHyperbolic(z, bits) + twos * constant(LN2, bits)
}

/** y · log2(1 + x) for x >= 1. */
function largeLogarithm(y: Extended, x: Extended, control: number, flags: number): Outcome {
  const bits = CONSTANT_BITS - 8
  const exponent = leadingExponent(x)
  const one = 1n << BigInt(bits)
  const shift = scaleOf(x) + bits - exponent - 1
  const scaled =
    (shift >= 0 ? x.mantissa << BigInt(shift) : x.mantissa >> BigInt(-shift)) +
    (one >> BigInt(Math.min(exponent + 1, bits)))
  const natural = naturalOfOnePlus(scaled - one, bits)
  const logarithm = (natural << BigInt(bits)) / constant(LN2, bits) + (BigInt(exponent + 1) << BigInt(bits))
  return scaledLogarithm(y, logarithm, bits, false, control, flags)
}
