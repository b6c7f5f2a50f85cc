/** Exists to hold the 80-bit number: its classes, exact rounding to any precision, and how x87 status bits report it (Intel SDM vol. 1, chapters 4 and 8). */

/**
 * A number as a register holds it: sign, biased 15-bit exponent, 64-bit mantissa with an explicit integer bit.
 * Mantissas are BigInt: these instructions are rare, and exactness is what they are used for.
 */
export interface Extended {
  readonly sign: number
  readonly exponent: number
  readonly mantissa: bigint
}

/** Bits of the status word. */
export const STATUS = {
  invalid: 1,
  denormal: 2,
  zeroDivide: 4,
  overflow: 8,
  underflow: 16,
  precision: 32,
  stackFault: 64,
  summary: 128,
  c0: 0x100,
  c1: 0x200,
  c2: 0x400,
  c3: 0x4000,
  busy: 0x8000,
} as const

/** Exceptions found before an operation is executed: unmasked, they leave the destination alone. */
export const BEFORE = STATUS.invalid | STATUS.denormal | STATUS.zeroDivide

/** Classes of numbers. `unsupported` are the encodings without integer bit, which every operation refuses. */
export const CLASS = { zero: 0, denormal: 1, normal: 2, infinity: 3, nan: 4, unsupported: 5 } as const

const BIAS = 16383
const SPECIAL = 0x7fff
const INTEGER_BIT = 1n << 63n
const QUIET_BIT = 1n << 62n

/** The result of invalid operations: the negative quiet NaN without payload. */
export const INDEFINITE: Extended = { sign: 1, exponent: SPECIAL, mantissa: INTEGER_BIT | QUIET_BIT }

/** A signed zero. */
export const zeroOf = (sign: number): Extended => ({ sign, exponent: 0, mantissa: 0n })

/** A signed infinity. */
export const infinityOf = (sign: number): Extended => ({ sign, exponent: SPECIAL, mantissa: INTEGER_BIT })

/** The class of a number. */
export function classOf(x: Extended): number {
  if (x.exponent === 0) return x.mantissa === 0n ? CLASS.zero : CLASS.denormal
  if (x.mantissa < INTEGER_BIT) return CLASS.unsupported
  if (x.exponent !== SPECIAL) return CLASS.normal
  return x.mantissa === INTEGER_BIT ? CLASS.infinity : CLASS.nan
}

/** Is this NaN (of class nan) a signalling one? */
export const isSignalling = (x: Extended): boolean => (x.mantissa & QUIET_BIT) === 0n

/** The quiet form of a NaN. */
export const quieted = (x: Extended): Extended => ({
  sign: x.sign,
  exponent: x.exponent,
  mantissa: x.mantissa | QUIET_BIT,
})

/** The power of two that one unit of a finite number's mantissa stands for. */
export const scaleOf = (x: Extended): number => Math.max(x.exponent, 1) - BIAS - 63

/** Number of bits in a positive integer. */
export function bitLength(n: bigint): number {
  let length = 0
  while (n >= 1n << 1024n) {
    n >>= 1024n
    length += 1024
  }
  while (n >= 1n << 64n) {
    n >>= 64n
    length += 64
  }
  const high = Number(n >> 32n)
  return high !== 0 ? length + 64 - Math.clz32(high) : length + 32 - Math.clz32(Number(n))
}

/** Rounding modes as the control word encodes them. */
export const ROUND = { nearest: 0, down: 1, up: 2, zero: 3 } as const

/** The rounding mode in a control word. */
export const roundingOf = (control: number): number => (control >> 10) & 3

/** The precision in bits that a control word asks of additions, products, quotients and roots (SDM vol. 1, table 8-2). */
export function precisionOf(control: number): number {
  const field = (control >> 8) & 3
  return field === 0 ? 24 : field === 2 ? 53 : 64
}

/** An integer rounded after dropping low bits. */
export interface Dropped {
  readonly mantissa: bigint
  readonly inexact: boolean
  /** Was the magnitude rounded up? */
  readonly up: boolean
}

/**
 * Drops the low `count` bits of `mantissa` (a negative count appends zeros) and rounds. `sticky` says that the true value lies a
 * little above, by less than any bit that was kept.
 */
export function dropBits(mantissa: bigint, count: number, sticky: boolean, mode: number, sign: number): Dropped {
  if (count <= 0) {
    const exact = mantissa << BigInt(-count)
    const up = sticky && mode === (sign === 0 ? ROUND.up : ROUND.down)
    return { mantissa: up ? exact + 1n : exact, inexact: sticky, up }
  }
  const shift = BigInt(count)
  const kept = mantissa >> shift
  const rest = mantissa - (kept << shift)
  const inexact = sticky || rest !== 0n
  let up = false
  if (mode === ROUND.nearest) {
    const half = 1n << (shift - 1n)
    up = rest > half || (rest === half && (sticky || (kept & 1n) === 1n))
  } else if (mode !== ROUND.zero) {
    up = inexact && mode === (sign === 0 ? ROUND.up : ROUND.down)
  }
  return { mantissa: up ? kept + 1n : kept, inexact, up }
}

/** A binary format to round to: bits of precision, and the exponents of its smallest normal and largest numbers. */
export interface Format {
  readonly precision: number
  readonly minExponent: number
  readonly maxExponent: number
}

/** The memory formats of 32 and 64 bits. */
export const SINGLE: Format = { precision: 24, minExponent: -126, maxExponent: 127 }
export const DOUBLE: Format = { precision: 53, minExponent: -1022, maxExponent: 1023 }
const EXTENDED_24: Format = { precision: 24, minExponent: 1 - BIAS, maxExponent: BIAS }
const EXTENDED_53: Format = { precision: 53, minExponent: 1 - BIAS, maxExponent: BIAS }
const EXTENDED_64: Format = { precision: 64, minExponent: 1 - BIAS, maxExponent: BIAS }

/** A finite value rounded to a format. */
export interface Rounded {
  /** At most `precision` bits. */
  readonly mantissa: bigint
  /** The power of two of the mantissa's lowest bit. */
  readonly scale: number
  /** STATUS bits: overflow, underflow, precision, c1. */
  readonly flags: number
  /** The value is beyond the largest number (overflow is masked): infinity, or the largest number when false. */
  readonly infinite: boolean
}

/** What an unmasked overflow or underflow subtracts from or adds to the exponent of a register result. */
const WRAP = 24576

/** Rounds `mantissa · 2^scale` (positive, `sticky` as in dropBits) to a format under a control word's rounding mode and masks. */
export function roundTo(
  format: Format,
  control: number,
  sign: number,
  mantissa: bigint,
  scale: number,
  sticky: boolean,
): Rounded {
  const mode = roundingOf(control)
  const { precision } = format
  const drop = bitLength(mantissa) - precision
  let result = dropBits(mantissa, drop, sticky, mode, sign)
  let unit = scale + drop
  let flags = 0
  const exponent = unit + bitLength(result.mantissa) - 1
  if (exponent > format.maxExponent) {
    flags |= STATUS.overflow
    if ((control & STATUS.overflow) === 0) {
      unit -= WRAP
    } else {
      const infinite = mode === ROUND.nearest || mode === (sign === 0 ? ROUND.up : ROUND.down)
      flags |= STATUS.precision | (infinite ? STATUS.c1 : 0)
      return { mantissa: (1n << BigInt(precision)) - 1n, scale: format.maxExponent - precision + 1, flags, infinite }
    }
  } else if (exponent < format.minExponent) {
    if ((control & STATUS.underflow) === 0) {
      flags |= STATUS.underflow
      unit += WRAP
    } else {
      unit = format.minExponent - precision + 1
      result = dropBits(mantissa, unit - scale, sticky, mode, sign)
      if (result.inexact) flags |= STATUS.underflow
    }
  } else if (unit + precision - 1 < format.minExponent) {
    // Rounded up to the smallest normal number, as seen with unlimited exponents: not tiny, but the unit is the denormal one.
    unit = format.minExponent - precision + 1
    result = dropBits(mantissa, unit - scale, sticky, mode, sign)
  }
  if (result.inexact) flags |= STATUS.precision | (result.up ? STATUS.c1 : 0)
  return { mantissa: result.mantissa, scale: unit, flags, infinite: false }
}

/** A register result with the STATUS bits that it raises. */
export interface Outcome {
  readonly value: Extended
  readonly flags: number
}

/** Rounds `mantissa · 2^scale` (`mantissa` not negative; zero only if exact) to a register, with `precision` bits. */
export function roundExtended(
  precision: number,
  control: number,
  sign: number,
  mantissa: bigint,
  scale: number,
  sticky: boolean,
): Outcome {
  if (mantissa === 0n) return { value: zeroOf(sign), flags: 0 }
  const format = precision === 64 ? EXTENDED_64 : precision === 53 ? EXTENDED_53 : EXTENDED_24
  const rounded = roundTo(format, control, sign, mantissa, scale, sticky)
  if (rounded.infinite) return { value: infinityOf(sign), flags: rounded.flags }
  return { value: pack(sign, rounded.mantissa, rounded.scale), flags: rounded.flags }
}

/** The register form of an exact value of at most 64 significant bits within range. */
export function pack(sign: number, mantissa: bigint, scale: number): Extended {
  if (mantissa === 0n) return zeroOf(sign)
  const length = bitLength(mantissa)
  const exponent = scale + length - 1 + BIAS
  if (exponent >= 1)
    return { sign, exponent, mantissa: length > 64 ? mantissa >> BigInt(length - 64) : mantissa << BigInt(64 - length) }
  return { sign, exponent: 0, mantissa: mantissa << BigInt(scale + BIAS + 62) }
}
