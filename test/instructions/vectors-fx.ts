/** Exists to fill the FXSAVE area of a case: XMM registers with floating-point and integer edges, x87 registers, control words. */
import { nextBelow, nextU32, type RandomState } from '../../src/base/random.ts'
import { value64 } from './vectors.ts'
import type { Need } from './vectors.ts'

const DOUBLES: bigint[] = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x4000000000000000n,
  0x3fe0000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff0000000000001n,
  0x7ff8deadbeef1234n,
  0x0000000000000001n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x7fefffffffffffffn,
  0x41dfffffffc00000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0xc1e0000000200000n,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0xc004000000000000n,
  0x47efffffe0000000n,
  0x36a0000000000000n,
]
const SINGLES: number[] = [
  0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x40000000, 0x3f000000, 0x7f800000, 0xff800000, 0x7fc00000,
  0xffc00000, 0x7f800001, 0x7fdeadbe, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0x4effffff, 0x4f000000,
  0xcf000000, 0xcf000001, 0x5f000000, 0xdf000000, 0x3fc00000, 0x40200000, 0xc0200000,
]

/** An XMM register as two quadwords. */
function vector(r: RandomState): [bigint, bigint] {
  const double = (): bigint => (nextBelow(r, 3) === 0 ? nearOne(r) : DOUBLES[nextBelow(r, DOUBLES.length)]!)
  const single = (): bigint =>
    BigInt(
      nextBelow(r, 3) === 0
        ? 0x3f000000 + nextBelow(r, 0x03000000) + nextBelow(r, 2) * 0x80000000
        : SINGLES[nextBelow(r, SINGLES.length)]!,
    )
  switch (nextBelow(r, 3)) {
    case 0:
      return [double(), double()]
    case 1:
      return [single() | (single() << 32n), single() | (single() << 32n)]
    default:
      return [value64(r), value64(r)]
  }
}

/** A double of moderate size with a random fraction. */
function nearOne(r: RandomState): bigint {
  const exponent = BigInt(0x3ff - 40 + nextBelow(r, 80))
  return (
    (BigInt(nextBelow(r, 2)) << 63n) | (exponent << 52n) | (BigInt(nextU32(r)) << 20n) | BigInt(nextU32(r) & 0xfffff)
  )
}

/** Offsets in the FXSAVE area (Intel SDM vol. 1, table 10-2). */
export const FX = { control: 0, status: 2, tag: 4, opcode: 6, ip: 8, dp: 16, mxcsr: 24, st0: 32, xmm0: 160 } as const

/** Fills the first 464 bytes of the FXSAVE area. */
export function fillVector(r: RandomState, need: Need, fx: DataView): void {
  fx.setUint16(FX.control, 0x37f, true)
  fx.setUint32(FX.mxcsr, 0x1f80, true)
  for (let i = 0; i < 16; i++) {
    const [low, high] = vector(r)
    fx.setBigUint64(FX.xmm0 + 16 * i, low, true)
    fx.setBigUint64(FX.xmm0 + 16 * i + 8, high, true)
  }
  if (isStringComparison(need)) for (let i = 0; i < 16; i++) fillText(r, fx, FX.xmm0 + 16 * i)
  fillX87(r, fx)
}

/** Does the row compare strings in vectors? */
export const isStringComparison = (need: Need): boolean => /^PCMP[EI]STR/.test(need.row.mnemonic)

/** Sixteen bytes of text in a small alphabet, so that parts of it occur in another: bytes or words, sometimes with zeros, sometimes in order. */
export function fillText(r: RandomState, to: DataView, at: number): void {
  const wide = nextBelow(r, 2) === 0
  const letters = [1, 2, 4, 16][nextBelow(r, 4)]!
  const first = [1, 0x61, 0x7e, 0xfc][nextBelow(r, 4)]!
  const zeros = nextBelow(r, 2) === 0
  for (let i = 0; i < 16; i++) {
    const letter = zeros && nextBelow(r, 12) === 0 ? 0 : (first + nextBelow(r, letters)) & 0xff
    to.setUint8(at + i, wide && (i & 1) === 1 ? (nextBelow(r, 8) === 0 ? 1 : 0) : letter)
  }
}

/** Abridged tag word: which physical registers are in use; TOP in the status word. */
function fillX87(r: RandomState, fx: DataView): void {
  const empty = nextBelow(r, 4) === 0
  const tag = empty ? nextU32(r) & 0xff : 0xff
  fx.setUint8(FX.tag, tag)
  fx.setUint16(FX.status, (nextU32(r) & 7) << 11, true)
  for (let i = 0; i < 8; i++) {
    const [mantissa, exponent] = extended(r)
    fx.setBigUint64(FX.st0 + 16 * i, mantissa, true)
    fx.setUint16(FX.st0 + 16 * i + 8, exponent, true)
  }
}

const TOP_BIT = 1n << 63n

/** An 80-bit value: mostly normal, sometimes zero, infinity, NaN, denormal. */
function extended(r: RandomState): [mantissa: bigint, exponent: number] {
  const sign = nextBelow(r, 2) << 15
  const fraction =
    nextBelow(r, 2) === 0 ? BigInt(nextU32(r)) << 31n : (BigInt(nextU32(r) & 0x7fffffff) << 32n) | BigInt(nextU32(r))
  switch (nextBelow(r, 12)) {
    case 0:
      return [0n, sign]
    case 1:
      return [TOP_BIT, sign | 0x7fff]
    case 2:
      return [TOP_BIT | fraction | (1n << 62n), sign | 0x7fff]
    case 3:
      return [fraction, sign]
    case 4:
      return [TOP_BIT | fraction, sign | nextBelow(r, 0x7fff)]
    case 5:
      return [TOP_BIT, sign | (0x3fff + nextBelow(r, 5) - 2)]
    default:
      return [TOP_BIT | fraction, sign | (0x3fff - 40 + nextBelow(r, 80))]
  }
}
