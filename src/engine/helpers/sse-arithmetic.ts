/** Exists to compute the floating-point operations of SSE exactly, one lane at a time, with the exceptions that they raise (Intel SDM vol. 1, 4.8, 4.9, 11.5). */
import { FLOAT } from '../../ir/helpers.ts'
import {
  decode,
  DOUBLES,
  indefinite,
  infinityOf,
  isSignalling,
  type Layout,
  type Modes,
  type Outcome,
  type Real,
  round,
  SINGLES,
  zeroOf,
} from './sse-number.ts'
import { integerRoot } from './x87-arithmetic.ts'
import { CLASS, dropBits, ROUND, roundingOf, STATUS } from './x87-number.ts'

const exact = (bits: bigint, flags = 0): Outcome => ({ bits, flags })
const invalid = (l: Layout): Outcome => exact(indefinite(l), STATUS.invalid)
const withFlags = (outcome: Outcome, flags: number): Outcome => ({ bits: outcome.bits, flags: outcome.flags | flags })

const signalling = (l: Layout, x: Real): boolean => x.kind === CLASS.nan && isSignalling(l, x)
const denormal = (x: Real, y: Real): number =>
  x.kind === CLASS.denormal || y.kind === CLASS.denormal ? STATUS.denormal : 0

/** The NaN that the operands give, the first before the second, or null when neither is one. */
function nanOf(l: Layout, x: Real, y: Real): Outcome | null {
  if (x.kind !== CLASS.nan && y.kind !== CLASS.nan) return null
  const first = x.kind === CLASS.nan ? x : y
  return exact(first.bits | l.quietBit, signalling(l, x) || signalling(l, y) ? STATUS.invalid : 0)
}

function add(l: Layout, modes: Modes, x: Real, y: Real, ySign: number): Outcome {
  const flags = denormal(x, y)
  if (x.kind === CLASS.infinity)
    return y.kind === CLASS.infinity && x.sign !== ySign ? invalid(l) : exact(x.bits, flags)
  if (y.kind === CLASS.infinity) return exact(infinityOf(l, ySign), flags)
  const cancelled = roundingOf(modes.control) === ROUND.down ? 1 : 0
  const scale = Math.min(x.scale, y.scale)
  const p = x.mantissa << BigInt(x.scale - scale)
  const q = y.mantissa << BigInt(y.scale - scale)
  const sum = (x.sign === 0 ? p : -p) + (ySign === 0 ? q : -q)
  if (sum === 0n) return exact(zeroOf(l, p === 0n && x.sign === ySign ? x.sign : cancelled), flags)
  return withFlags(round(l, modes, sum < 0n ? 1 : 0, sum < 0n ? -sum : sum, scale, false), flags)
}

function multiply(l: Layout, modes: Modes, x: Real, y: Real): Outcome {
  const sign = x.sign ^ y.sign
  const flags = denormal(x, y)
  if (x.kind === CLASS.infinity || y.kind === CLASS.infinity) {
    return x.kind === CLASS.zero || y.kind === CLASS.zero ? invalid(l) : exact(infinityOf(l, sign), flags)
  }
  return withFlags(round(l, modes, sign, x.mantissa * y.mantissa, x.scale + y.scale, false), flags)
}

/** Bits of a quotient or root beyond those of the operands: more than are kept. */
const EXTRA = 66

function divide(l: Layout, modes: Modes, x: Real, y: Real): Outcome {
  const sign = x.sign ^ y.sign
  const flags = denormal(x, y)
  if (x.kind === CLASS.infinity) return y.kind === CLASS.infinity ? invalid(l) : exact(infinityOf(l, sign), flags)
  if (y.kind === CLASS.infinity) return exact(zeroOf(l, sign), flags)
  if (y.kind === CLASS.zero) return x.kind === CLASS.zero ? invalid(l) : exact(infinityOf(l, sign), STATUS.zeroDivide)
  // A denormal dividend has fewer bits than the divisor.
  const dividend = x.mantissa << BigInt(2 * EXTRA)
  const quotient = dividend / y.mantissa
  const sticky = quotient * y.mantissa !== dividend
  return withFlags(round(l, modes, sign, quotient, x.scale - y.scale - 2 * EXTRA, sticky), flags)
}

function squareRoot(l: Layout, modes: Modes, x: Real): Outcome {
  if (x.kind === CLASS.nan) return exact(x.bits | l.quietBit, isSignalling(l, x) ? STATUS.invalid : 0)
  if (x.kind === CLASS.zero) return exact(x.bits)
  if (x.sign === 1) return invalid(l)
  if (x.kind === CLASS.infinity) return exact(x.bits)
  const shift = 2 * EXTRA + (x.scale & 1)
  const radicand = x.mantissa << BigInt(shift)
  const root = integerRoot(radicand)
  return withFlags(round(l, modes, 0, root, (x.scale - shift) / 2, root * root !== radicand), denormal(x, x))
}

/** Negative, zero or positive as x is less than, equal to or greater than y; both are numbers. */
function difference(x: Real, y: Real): number {
  if (x.kind === CLASS.zero && y.kind === CLASS.zero) return 0
  const order = (r: Real): number => (r.kind === CLASS.zero ? 0 : r.sign === 0 ? 1 : -1)
  if (order(x) !== order(y)) return order(x) - order(y)
  // Same sign: the bits are in the order of the magnitudes.
  const larger = x.bits > y.bits ? 1 : x.bits < y.bits ? -1 : 0
  return x.sign === 0 ? larger : -larger
}

function minMax(x: Real, y: Real, sign: number): Outcome {
  if (x.kind === CLASS.nan || y.kind === CLASS.nan) return exact(y.bits, STATUS.invalid)
  return exact(sign * difference(x, y) > 0 ? x.bits : y.bits, denormal(x, y))
}

/** Predicates of CMPPD that call a quiet NaN invalid: LT, LE, NLT, NLE. */
const SIGNALLING_PREDICATES = 0b0110_0110

function comparison(l: Layout, x: Real, y: Real, signals: boolean): { order: number | null; flags: number } {
  if (x.kind !== CLASS.nan && y.kind !== CLASS.nan) return { order: difference(x, y), flags: denormal(x, y) }
  return { order: null, flags: signals || signalling(l, x) || signalling(l, y) ? STATUS.invalid : 0 }
}

function compare(l: Layout, x: Real, y: Real, predicate: number): Outcome {
  const { order, flags } = comparison(l, x, y, ((SIGNALLING_PREDICATES >> predicate) & 1) !== 0)
  const holds = [order === 0, order !== null && order < 0, order !== null && order <= 0, order === null][predicate & 3]!
  return exact(holds === predicate < 4 ? (l.signBit << 1n) - 1n : 0n, flags)
}

function order(l: Layout, x: Real, y: Real, signals: boolean): Outcome {
  const { order: result, flags } = comparison(l, x, y, signals)
  // ZF, PF and CF; ZF; CF.
  return exact(result === null ? 0x45n : result === 0 ? 0x40n : result < 0 ? 1n : 0n, flags)
}

/** One lane of an operation other than `convert` on values with the bits x and y; `predicate` as HELPER.float says. */
export function operate(
  l: Layout,
  modes: Modes,
  operation: number,
  predicate: number,
  xBits: bigint,
  yBits: bigint,
): Outcome {
  const x = decode(l, xBits, modes)
  if (operation === FLOAT.sqrt) return squareRoot(l, modes, x)
  const y = decode(l, yBits, modes)
  switch (operation) {
    case FLOAT.min:
      return minMax(x, y, -1)
    case FLOAT.max:
      return minMax(x, y, 1)
    case FLOAT.compare:
      return compare(l, x, y, predicate)
    case FLOAT.order:
      return order(l, x, y, predicate !== 0)
    default:
  }
  const nan = nanOf(l, x, y)
  if (nan !== null) return nan
  if (operation === FLOAT.mul) return multiply(l, modes, x, y)
  if (operation === FLOAT.div) return divide(l, modes, x, y)
  return add(l, modes, x, y, operation === FLOAT.sub ? y.sign ^ 1 : y.sign)
}

/** A float or double as an integer of `width` bits; out of range and NaN give the integer indefinite. */
export function toInteger(l: Layout, modes: Modes, width: number, truncate: boolean, bits: bigint): Outcome {
  const x = decode(l, bits, modes)
  const limit = 1n << BigInt(width - 1)
  if (x.kind === CLASS.nan || x.kind === CLASS.infinity) return exact(limit, STATUS.invalid)
  const mode = truncate ? ROUND.zero : roundingOf(modes.control)
  const { mantissa, inexact } = dropBits(x.mantissa, -x.scale, false, mode, x.sign)
  if (mantissa >= limit + BigInt(x.sign)) return exact(limit, STATUS.invalid)
  return exact(BigInt.asUintN(width, x.sign === 0 ? mantissa : -mantissa), inexact ? STATUS.precision : 0)
}

/** A float or double rounded to an integer in its own format; `control` as FLOAT.round says. */
export function toIntegral(l: Layout, modes: Modes, control: number, bits: bigint): Outcome {
  const x = decode(l, bits, modes)
  if (x.kind === CLASS.nan) return exact(x.bits | l.quietBit, isSignalling(l, x) ? STATUS.invalid : 0)
  if (x.kind === CLASS.infinity || x.kind === CLASS.zero || x.scale >= 0) return exact(x.bits)
  const mode = (control & 4) !== 0 ? roundingOf(modes.control) : control & 3
  const { mantissa, inexact } = dropBits(x.mantissa, -x.scale, false, mode, x.sign)
  const flags = inexact && (control & 8) === 0 ? STATUS.precision : 0
  return exact(round(l, modes, x.sign, mantissa, 0, false).bits, flags)
}

/** A signed integer as a float or double. */
export function fromInteger(l: Layout, modes: Modes, value: bigint): Outcome {
  return round(l, modes, value < 0n ? 1 : 0, value < 0n ? -value : value, 0, false)
}

/** Between float and double. */
export function changeFormat(from: Layout, to: Layout, modes: Modes, bits: bigint): Outcome {
  const x = decode(from, bits, modes)
  const flags = denormal(x, x)
  if (x.kind === CLASS.infinity) return exact(infinityOf(to, x.sign))
  if (x.kind === CLASS.nan) {
    const payload =
      from === SINGLES
        ? x.mantissa << (DOUBLES.fraction - SINGLES.fraction)
        : x.mantissa >> (DOUBLES.fraction - SINGLES.fraction)
    return exact(infinityOf(to, x.sign) | payload | to.quietBit, isSignalling(from, x) ? STATUS.invalid : 0)
  }
  return withFlags(round(to, modes, x.sign, x.mantissa, x.scale, false), flags)
}
