/** Exists to compute FPREM and FPREM1, which reduce at most 63 bits at a time and say in the condition codes how far they came. */
import { refuse2 } from './x87-arithmetic.ts'
import {
  bitLength,
  CLASS,
  classOf,
  dropBits,
  type Extended,
  INDEFINITE,
  type Outcome,
  ROUND,
  roundExtended,
  scaleOf,
  STATUS,
} from './x87-number.ts'

/** The remainder, and the condition codes C3-C0 to set; `codes` is -1 when the operands were refused (C2 is cleared, the others stay). */
export interface Remainder {
  readonly outcome: Outcome
  readonly codes: number
}

/** Exponent differences from here on are reduced partially. */
const COMPLETE = 64

/** x remainder y; the quotient is rounded to the nearest integer for FPREM1, truncated for FPREM. */
export function remainder(x: Extended, y: Extended, control: number, nearest: boolean): Remainder {
  const refused = refuse2(x, y)
  if (refused !== null) return { outcome: refused, codes: -1 }
  const p = classOf(x)
  const q = classOf(y)
  if (p === CLASS.infinity || q === CLASS.zero)
    return { outcome: { value: INDEFINITE, flags: STATUS.invalid }, codes: -1 }
  const flags = p === CLASS.denormal || q === CLASS.denormal ? STATUS.denormal : 0
  if (p === CLASS.zero || q === CLASS.infinity) {
    const same = roundExtended(64, control, x.sign, x.mantissa, scaleOf(x), false)
    return { outcome: { value: same.value, flags: same.flags | flags }, codes: 0 }
  }
  const difference = scaleOf(x) + bitLength(x.mantissa) - scaleOf(y) - bitLength(y.mantissa)
  const partial = difference >= COMPLETE
  // The manual leaves open how much a partial step reduces; processors take a number of bits that is congruent to the difference modulo 32.
  const skipped = partial ? difference - 32 - (difference & 31) : 0
  const scaleY = scaleOf(y) + skipped
  const scale = Math.max(Math.min(scaleOf(x), scaleY), scaleOf(x) - 200)
  const dividend = x.mantissa << BigInt(scaleOf(x) - scale)
  const divisor = scaleY >= scale ? y.mantissa << BigInt(scaleY - scale) : y.mantissa
  let quotient = dividend / divisor
  let rest = dividend - quotient * divisor
  let sign = x.sign
  if (nearest && !partial) {
    const rounded = dropBits((dividend << 1n) / divisor, 1, (dividend << 1n) % divisor !== 0n, ROUND.nearest, 0)
    if (rounded.mantissa !== quotient) {
      quotient = rounded.mantissa
      rest = divisor - rest
      sign ^= 1
    }
  }
  if (rest === 0n) sign = x.sign
  const result = roundExtended(64, control, sign, rest, scale, false)
  const bits = Number(quotient & 7n)
  const complete = (bits & 4 ? STATUS.c0 : 0) | (bits & 2 ? STATUS.c3 : 0) | (bits & 1 ? STATUS.c1 : 0)
  return { outcome: { value: result.value, flags: result.flags | flags }, codes: partial ? STATUS.c2 : complete }
}
