/** Exists to write numbers as gdb does, in every format of `print /F`. */

import { bitsOf } from '../locations/typed.ts'
import { bytesToNumber, extendedParts } from './floats.ts'
import { characterText } from './text.ts'

/** The letters behind `/` that say how scalars are written. */
export type Format = 'x' | 'd' | 'u' | 'o' | 't' | 'c' | 'a' | 'f' | 's' | 'z'

export const formats: ReadonlySet<string> = new Set('xduotcafsz')

/** A floating-point number of 4, 8 or 16 bytes with as many digits as tell it from all others (`%.9g`, `%.17g`, `%.18Lg`). */
export function floatText(bytes: Uint8Array, isBrain = false): string {
  if (isBrain) {
    // bfloat16 is the upper half of a float.
    const wide = new Uint8Array([0, 0, bytes[0], bytes[1]])
    const value = bytesToNumber(wide)
    if (Number.isFinite(value)) return general(value, 4)
    return Number.isNaN(value)
      ? `${bytes[1] & 0x80 ? '-' : ''}nan(0x${(bytes[0] & 0x7f).toString(16)})`
      : floatText(wide)
  }
  const number = bytesToNumber(bytes)
  if (Number.isNaN(number)) return nanText(bytes)
  if (!Number.isFinite(number)) return number < 0 ? '-inf' : 'inf'
  if (bytes.length >= 10) return extendedText(bytes)
  return general(number, bytes.length === 2 ? 5 : bytes.length === 4 ? 9 : 17)
}

const scratch = new DataView(new ArrayBuffer(8))

/** C's `%.{digits}g` of a double. */
function general(number: number, digits: number): string {
  if (number === 0) return Object.is(number, -0) ? '-0' : '0'
  scratch.setFloat64(0, Math.abs(number))
  const bits = scratch.getBigUint64(0)
  const exponent = Number(bits >> 52n)
  const fraction = bits & 0xfffffffffffffn
  const significand = exponent === 0 ? fraction : fraction | (1n << 52n)
  return (number < 0 ? '-' : '') + decimal(significand, Math.max(exponent, 1) - 1075, digits)
}

/**
 * `significand * 2^power` with `digits` significant digits, ties to even: computed with integers, since `toExponential` rounds ties up and
 * C does not.
 */
function decimal(significand: bigint, power: number, digits: number): string {
  const numerator = power >= 0 ? significand << BigInt(power) : significand
  const denominator = power >= 0 ? 1n : 1n << BigInt(-power)
  // An estimate that is off by one at most.
  let scale = numerator.toString().length - denominator.toString().length
  for (;;) {
    const shift = digits - 1 - scale
    const top = shift >= 0 ? numerator * 10n ** BigInt(shift) : numerator
    const bottom = shift >= 0 ? denominator : denominator * 10n ** BigInt(-shift)
    let quotient = top / bottom
    const twice = (top % bottom) * 2n
    if (quotient.toString().length === digits && (twice > bottom || (twice === bottom && (quotient & 1n) === 1n)))
      quotient++
    const text = quotient.toString()
    if (text.length > digits) scale++
    else if (text.length < digits) scale--
    else return layOut(`${text[0]}.${text.slice(1)}`, scale, digits)
  }
}

function layOut(mantissa: string, exponent: number, digits: number): string {
  const sign = mantissa.startsWith('-') ? '-' : ''
  const figures = mantissa.replace('-', '').replace('.', '')
  if (exponent < -4 || exponent >= digits) {
    const fraction = figures.slice(1).replace(/0+$/, '')
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
    return `${sign}${figures[0]}${fraction === '' ? '' : `.${fraction}`}e${power}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${figures}`.replace(/0+$/, '')
  const whole = figures.slice(0, exponent + 1)
  const fraction = figures.slice(exponent + 1).replace(/0+$/, '')
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** 18 digits of an x87 number, computed with integers: no host number holds them. */
function extendedText(bytes: Uint8Array): string {
  const { sign, exponent, fraction } = extendedParts(bytes)
  const minus = sign < 0 ? '-' : ''
  if (fraction === 0n) return `${minus}0`
  return minus + decimal(fraction, exponent - 16383 - 63, 18)
}

function nanText(bytes: Uint8Array): string {
  const bits = bitsOf(bytes)
  const [signBit, fractionBits] =
    bytes.length === 2 ? [15n, 10n] : bytes.length === 4 ? [31n, 23n] : bytes.length === 8 ? [63n, 52n] : [79n, 64n]
  const fraction = bits & ((1n << fractionBits) - 1n)
  return `${((bits >> signBit) & 1n) === 1n ? '-' : ''}nan(0x${fraction.toString(16)})`
}

/** A scalar of `bytes.length` bytes in format `format`; `isSigned` and `isFloat` say what it is by its type. */
export function scalarText(
  bytes: Uint8Array,
  format: Format,
  {
    isSigned,
    isFloat,
    symbolic,
  }: { isSigned: boolean; isFloat: boolean; symbolic: (address: number) => string | undefined },
): string {
  const size = bytes.length
  const unsigned = bitsOf(size === 16 && isFloat ? bytes.subarray(0, 10) : bytes)
  const signed = BigInt.asIntN(size * 8, unsigned)
  switch (format) {
    case 'x':
      return `0x${unsigned.toString(16)}`
    case 'z':
      return `0x${unsigned.toString(16).padStart(size * 2, '0')}`
    case 'o':
      return unsigned === 0n ? '0' : `0${unsigned.toString(8)}`
    case 't':
      return unsigned.toString(2)
    case 'd':
      return signed.toString()
    case 'u':
      return unsigned.toString()
    case 'c': {
      const code = isSigned ? BigInt.asIntN(8, unsigned) : BigInt.asUintN(8, unsigned)
      return `${code} ${characterText(Number(code), 1)}`
    }
    case 'a': {
      const name = symbolic(Number(unsigned))
      return `0x${unsigned.toString(16)}${name === undefined ? '' : ` <${name}>`}`
    }
    case 'f':
      if (size === 4 || size === 8 || size === 16 || isFloat) return floatText(bytes)
      return (isSigned ? signed : unsigned).toString()
    case 's':
      return (isSigned ? signed : unsigned).toString()
  }
}
