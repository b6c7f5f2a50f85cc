/** Exists to convert between registers and the seven memory formats of the x87 (Intel SDM vol. 1, 8.1.6 and 4.2). */
import { X87_FORMAT } from '../../ir/helpers.ts'
import {
  CLASS,
  classOf,
  DOUBLE,
  dropBits,
  type Extended,
  type Format,
  INDEFINITE,
  infinityOf,
  isSignalling,
  type Outcome,
  pack,
  quieted,
  ROUND,
  roundTo,
  roundingOf,
  scaleOf,
  SINGLE,
  STATUS,
} from './x87-number.ts'
import { readExtended, writeExtended } from './x87-registers.ts'

/** Width of the exponent field and of the fraction field of a binary format. */
interface Layout {
  readonly exponentBits: number
  readonly fractionBits: number
  readonly format: Format
}

const LAYOUTS: readonly Layout[] = [
  { exponentBits: 8, fractionBits: 23, format: SINGLE },
  { exponentBits: 11, fractionBits: 52, format: DOUBLE },
]

/**
 * The number in the bytes at `offset`, with the exceptions of loading it. A signalling NaN is returned as it is: what becomes of it depends
 * on the other operand.
 */
export function loadNumber(view: DataView, offset: number, format: number): Outcome {
  switch (format) {
    case X87_FORMAT.f32:
      return fromBinary(BigInt(view.getUint32(offset, true)), LAYOUTS[0]!)
    case X87_FORMAT.f64:
      return fromBinary(view.getBigUint64(offset, true), LAYOUTS[1]!)
    case X87_FORMAT.f80:
      return { value: readExtended(view, offset), flags: 0 }
    case X87_FORMAT.i16:
      return fromInteger(BigInt(view.getInt16(offset, true)))
    case X87_FORMAT.i32:
      return fromInteger(BigInt(view.getInt32(offset, true)))
    case X87_FORMAT.i64:
      return fromInteger(view.getBigInt64(offset, true))
    default:
      return fromDecimal(view, offset)
  }
}

function fromInteger(n: bigint): Outcome {
  return { value: n < 0n ? pack(1, -n, 0) : pack(0, n, 0), flags: 0 }
}

function fromBinary(bits: bigint, { exponentBits, fractionBits, format }: Layout): Outcome {
  const fraction = BigInt.asUintN(fractionBits, bits)
  const exponent = Number(bits >> BigInt(fractionBits)) & ((1 << exponentBits) - 1)
  const sign = Number(bits >> BigInt(exponentBits + fractionBits))
  if (exponent === (1 << exponentBits) - 1) {
    if (fraction === 0n) return { value: infinityOf(sign), flags: 0 }
    const value: Extended = { sign, exponent: 0x7fff, mantissa: (1n << 63n) | (fraction << BigInt(63 - fractionBits)) }
    return { value, flags: isSignalling(value) ? STATUS.invalid : 0 }
  }
  const unit = format.minExponent - fractionBits
  if (exponent === 0) return { value: pack(sign, fraction, unit), flags: fraction === 0n ? 0 : STATUS.denormal }
  return { value: pack(sign, fraction | (1n << BigInt(fractionBits)), unit + exponent - 1), flags: 0 }
}

/** Ten bytes: 18 decimal digits and a sign. */
function fromDecimal(view: DataView, offset: number): Outcome {
  let n = 0n
  for (let i = 8; i >= 0; i--) {
    const byte = view.getUint8(offset + i)
    n = n * 100n + BigInt((byte >> 4) * 10 + (byte & 15))
  }
  return { value: pack(view.getUint8(offset + 9) >> 7, n, 0), flags: 0 }
}

/** Writes `x` in the given format; returns the exceptions. `truncate` overrides the rounding mode for integers. */
export function storeNumber(
  view: DataView,
  offset: number,
  format: number,
  x: Extended,
  control: number,
  truncate: boolean,
): number {
  switch (format) {
    case X87_FORMAT.f32: {
      const { bits, flags } = toBinary(x, control, LAYOUTS[0]!)
      view.setUint32(offset, Number(bits), true)
      return flags
    }
    case X87_FORMAT.f64: {
      const { bits, flags } = toBinary(x, control, LAYOUTS[1]!)
      view.setBigUint64(offset, bits, true)
      return flags
    }
    case X87_FORMAT.f80:
      writeExtended(view, offset, x)
      return 0
    case X87_FORMAT.bcd:
      return toDecimal(view, offset, x, control)
    default:
      return toInteger(view, offset, format, x, truncate ? ROUND.zero : roundingOf(control))
  }
}

function toBinary(
  x: Extended,
  control: number,
  { exponentBits, fractionBits, format }: Layout,
): { bits: bigint; flags: number } {
  const special = (1n << BigInt(exponentBits)) - 1n
  const compose = (sign: number, exponent: bigint, fraction: bigint): bigint =>
    (BigInt(sign) << BigInt(exponentBits + fractionBits)) |
    (exponent << BigInt(fractionBits)) |
    BigInt.asUintN(fractionBits, fraction)
  const nan = (n: Extended): bigint => compose(n.sign, special, n.mantissa >> BigInt(63 - fractionBits))
  switch (classOf(x)) {
    case CLASS.unsupported:
      return { bits: nan(INDEFINITE), flags: STATUS.invalid }
    case CLASS.nan:
      return { bits: nan(quieted(x)), flags: isSignalling(x) ? STATUS.invalid : 0 }
    case CLASS.infinity:
      return { bits: compose(x.sign, special, 0n), flags: 0 }
    case CLASS.zero:
      return { bits: compose(x.sign, 0n, 0n), flags: 0 }
    default: {
      const rounded = roundTo(format, control, x.sign, x.mantissa, scaleOf(x), false)
      if (rounded.infinite) return { bits: compose(x.sign, special, 0n), flags: rounded.flags }
      // The field of the exponent is that of the unit, plus one where the integer bit is set; a carry of the mantissa moves it on.
      const field = BigInt(rounded.scale - (format.minExponent - fractionBits))
      const packed = (field << BigInt(fractionBits)) + rounded.mantissa
      return { bits: compose(x.sign, 0n, 0n) | packed, flags: rounded.flags }
    }
  }
}

const INTEGER_BITS: Record<number, number> = { [X87_FORMAT.i16]: 16, [X87_FORMAT.i32]: 32, [X87_FORMAT.i64]: 64 }

/** A number rounded to an integer, or null when it has none; and the exceptions. */
function integerOf(x: Extended, mode: number, limit: bigint): { magnitude: bigint | null; flags: number } {
  const p = classOf(x)
  if (p === CLASS.unsupported || p === CLASS.nan || p === CLASS.infinity || scaleOf(x) > 0)
    return { magnitude: null, flags: STATUS.invalid }
  const rounded = dropBits(x.mantissa, -scaleOf(x), false, mode, x.sign)
  if (rounded.mantissa > limit) return { magnitude: null, flags: STATUS.invalid }
  return { magnitude: rounded.mantissa, flags: rounded.inexact ? STATUS.precision | (rounded.up ? STATUS.c1 : 0) : 0 }
}

function toInteger(view: DataView, offset: number, format: number, x: Extended, mode: number): number {
  const bits = INTEGER_BITS[format]!
  const indefinite = 1n << BigInt(bits - 1)
  const { magnitude, flags } = integerOf(x, mode, x.sign === 1 ? indefinite : indefinite - 1n)
  const value = magnitude === null ? indefinite : x.sign === 1 ? -magnitude : magnitude
  if (bits === 16) view.setInt16(offset, Number(BigInt.asIntN(16, value)), true)
  else if (bits === 32) view.setInt32(offset, Number(BigInt.asIntN(32, value)), true)
  else view.setBigInt64(offset, BigInt.asIntN(64, value), true)
  return flags
}

const LARGEST_DECIMAL = 10n ** 18n - 1n

function toDecimal(view: DataView, offset: number, x: Extended, control: number): number {
  const { magnitude, flags } = integerOf(x, roundingOf(control), LARGEST_DECIMAL)
  if (magnitude === null) {
    // The packed decimal indefinite.
    view.setBigUint64(offset, 0xc0n << 56n, true)
    view.setUint16(offset + 8, 0xffff, true)
    return flags
  }
  let rest = magnitude
  for (let i = 0; i < 9; i++) {
    const pair = Number(rest % 100n)
    rest /= 100n
    view.setUint8(offset + i, (Math.trunc(pair / 10) << 4) | (pair % 10))
  }
  view.setUint8(offset + 9, x.sign << 7)
  return flags
}
