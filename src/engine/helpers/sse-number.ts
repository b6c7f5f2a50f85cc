/** Exists to take floats and doubles apart and to round exact values to them under MXCSR (Intel SDM vol. 1, chapters 4 and 11). */
import { bitLength, CLASS, DOUBLE, type Format, roundTo, SINGLE, STATUS } from './x87-number.ts'

/** One of the two formats: how wide its fraction is, and the bits of a value. */
export interface Layout {
  readonly format: Format
  readonly fraction: bigint
  readonly bias: number
  readonly special: number
  readonly signBit: bigint
  readonly quietBit: bigint
}

const layout = (format: Format, fraction: bigint): Layout => {
  const special = 2 * format.maxExponent + 1
  return {
    format,
    fraction,
    bias: format.maxExponent,
    special,
    signBit: BigInt(special + 1) << fraction,
    quietBit: 1n << (fraction - 1n),
  }
}

export const SINGLES = layout(SINGLE, 23n)
export const DOUBLES = layout(DOUBLE, 52n)

/** A number taken apart; a finite one is mantissa · 2^scale. */
export interface Real {
  readonly bits: bigint
  readonly sign: number
  /** One of CLASS, never `unsupported`. */
  readonly kind: number
  readonly mantissa: bigint
  readonly scale: number
}

/** What of MXCSR decides about results: an x87 control word with the same masks and rounding, and whether denormals become zeros. */
export interface Modes {
  readonly control: number
  readonly denormalsAreZeros: boolean
  readonly flushToZero: boolean
}

/** A result and the exception bits that it raises. */
export interface Outcome {
  readonly bits: bigint
  readonly flags: number
}

/** The modes in a MXCSR. */
export function modesOf(mxcsr: number): Modes {
  const control = ((mxcsr >>> 7) & 0x3f) | (((mxcsr >>> 13) & 3) << 10)
  // FTZ only counts while underflow is masked.
  return { control, denormalsAreZeros: (mxcsr & 0x40) !== 0, flushToZero: (mxcsr & 0x8800) === 0x8800 }
}

/** Takes apart the value whose bits are `bits`. */
export function decode(l: Layout, bits: bigint, modes: Modes): Real {
  const sign = (bits & l.signBit) === 0n ? 0 : 1
  const exponent = Number((bits & (l.signBit - 1n)) >> l.fraction)
  const fraction = bits & ((1n << l.fraction) - 1n)
  const scale = Math.max(exponent, 1) - l.bias - Number(l.fraction)
  if (exponent === l.special)
    return { bits, sign, kind: fraction === 0n ? CLASS.infinity : CLASS.nan, mantissa: fraction, scale }
  if (exponent !== 0) return { bits, sign, kind: CLASS.normal, mantissa: fraction | (1n << l.fraction), scale }
  if (fraction === 0n) return { bits, sign, kind: CLASS.zero, mantissa: 0n, scale }
  if (modes.denormalsAreZeros) return { bits: sign === 0 ? 0n : l.signBit, sign, kind: CLASS.zero, mantissa: 0n, scale }
  return { bits, sign, kind: CLASS.denormal, mantissa: fraction, scale }
}

/** A signed zero. */
export const zeroOf = (l: Layout, sign: number): bigint => (sign === 0 ? 0n : l.signBit)

/** A signed infinity. */
export const infinityOf = (l: Layout, sign: number): bigint => zeroOf(l, sign) | (BigInt(l.special) << l.fraction)

/** The result of invalid operations: the negative quiet NaN without payload. */
export const indefinite = (l: Layout): bigint => infinityOf(l, 1) | l.quietBit

/** Is this NaN a signalling one? */
export const isSignalling = (l: Layout, x: Real): boolean => (x.bits & l.quietBit) === 0n

function encode(l: Layout, sign: number, mantissa: bigint, scale: number): bigint {
  const length = bitLength(mantissa)
  const exponent = scale + length - 1 + l.bias
  const unit = Math.max(exponent, 1) - l.bias - Number(l.fraction)
  const aligned = scale >= unit ? mantissa << BigInt(scale - unit) : mantissa >> BigInt(unit - scale)
  // The implicit bit of a normal number adds the last one to its exponent field.
  return zeroOf(l, sign) | (exponent < 1 ? aligned : (BigInt(exponent - 1) << l.fraction) + aligned)
}

/** Exponents that no result reaches. */
const UNLIMITED = { minExponent: -0x8000, maxExponent: 0x8000 } as const

/** Rounds `mantissa · 2^scale` (`mantissa` not negative; zero only if exact); `sticky`: the true value lies a little above. */
export function round(
  l: Layout,
  modes: Modes,
  sign: number,
  mantissa: bigint,
  scale: number,
  sticky: boolean,
): Outcome {
  if (mantissa === 0n) return { bits: zeroOf(l, sign), flags: 0 }
  if (modes.flushToZero) {
    const unlimited = roundTo(
      { precision: l.format.precision, ...UNLIMITED },
      modes.control,
      sign,
      mantissa,
      scale,
      sticky,
    )
    if (unlimited.scale + bitLength(unlimited.mantissa) - 1 < l.format.minExponent) {
      return { bits: zeroOf(l, sign), flags: STATUS.underflow | STATUS.precision }
    }
  }
  const rounded = roundTo(l.format, modes.control, sign, mantissa, scale, sticky)
  const flags = rounded.flags & 0x3f
  if (rounded.infinite) return { bits: infinityOf(l, sign), flags }
  // An unmasked overflow or underflow has no result.
  if ((flags & ~modes.control & (STATUS.overflow | STATUS.underflow)) !== 0) return { bits: 0n, flags }
  return { bits: rounded.mantissa === 0n ? zeroOf(l, sign) : encode(l, sign, rounded.mantissa, rounded.scale), flags }
}
