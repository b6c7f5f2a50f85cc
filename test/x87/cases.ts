/** Exists to make the operands of the x87 tests: every class of number in every register, and control words with all modes. */
import { nextBelow, nextU32, type RandomState } from '../../src/base/random.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'

/** An instruction in a state: what oracle.c reads as one record. */
export interface Case {
  code: Uint8Array
  /** The first 160 bytes of an FXSAVE image. */
  fx: Uint8Array
  flags: number
  memory: Uint8Array
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** The encodings of a row that the tests use: memory at [rdi], each register. */
export function encodings(row: InsnRow): Uint8Array[] {
  const tokens = row.op.split(' ')
  const opcode = parseInt(tokens[0]!, 16)
  if (tokens.length === 1) return [bytes(opcode)]
  const second = tokens[1]!
  if (second.startsWith('/')) return [bytes(opcode, (Number(second.slice(1)) << 3) | 7)]
  const modrm = parseInt(second, 16)
  if (!second.endsWith('+i')) return [bytes(opcode, modrm)]
  return [0, 1, 2, 3, 7].map((i) => bytes(opcode, modrm + i))
}

const INTEGER_BIT = 1n << 63n
/** Sign and exponent, mantissa: zeros, ones, limits, infinities, NaNs, denormals, pseudo-denormals, unnormals, pseudo-infinities and -NaNs. */
const SPECIAL: readonly [number, bigint][] = [
  [0, 0n],
  [0x8000, 0n],
  [0x3fff, INTEGER_BIT],
  [0xbfff, INTEGER_BIT],
  [0x4000, INTEGER_BIT],
  [0x3ffe, INTEGER_BIT],
  [0x3fff, INTEGER_BIT | 1n],
  [0x7fff, INTEGER_BIT],
  [0xffff, INTEGER_BIT],
  [0x7fff, 3n << 62n],
  [0xffff, 3n << 62n],
  [0x7fff, (3n << 62n) | 5n],
  [0x7fff, INTEGER_BIT | 1n],
  [0xffff, INTEGER_BIT | 9n],
  [0, 1n],
  [0x8000, 1n],
  [0, INTEGER_BIT - 1n],
  [0, INTEGER_BIT],
  [0x8000, INTEGER_BIT | 3n],
  [1, INTEGER_BIT],
  [0x8001, INTEGER_BIT | 1n],
  [0x7ffe, 2n ** 64n - 1n],
  [0xfffe, 2n ** 64n - 1n],
  [0x3fff, 1n],
  [0x4005, INTEGER_BIT - 1n],
  [0x7fff, 0n],
  [0x7fff, 5n],
  [0xffff, 1n << 62n],
  [0x403e, INTEGER_BIT],
  [0xc03e, INTEGER_BIT],
  [0x401e, INTEGER_BIT],
  [0xc01e, INTEGER_BIT | (1n << 32n)],
  [0x400e, INTEGER_BIT],
  [0x403a, 0xde0b6b3a76400000n],
  [0x3f81, INTEGER_BIT],
  [0x3f6a, INTEGER_BIT | 1n],
  [0x407f, INTEGER_BIT],
  [0x407e, 2n ** 64n - 1n],
  [0x3c01, INTEGER_BIT],
  [0x3bcd, INTEGER_BIT | 7n],
  [0x43ff, INTEGER_BIT],
  [0x43fe, 2n ** 64n - 1n],
]

/** Exponents where conversions, sums and products change their behaviour. */
const EXPONENTS = [
  0, 1, 2, 0x1fff, 0x2000, 0x3bcc, 0x3bff, 0x3c00, 0x3f69, 0x3f80, 0x3fbf, 0x3fd0, 0x3ff0, 0x3ffd, 0x3ffe, 0x3fff,
  0x4000, 0x4001, 0x400d, 0x401d, 0x403d, 0x403e, 0x4045, 0x407e, 0x43fe, 0x5fff, 0x7ffd, 0x7ffe,
]

const word = (random: RandomState): bigint => (BigInt(nextU32(random)) << 32n) | BigInt(nextU32(random))

/** A mantissa with runs of ones and zeros, so that ties and carries are common. */
function mantissa(random: RandomState): bigint {
  const kind = nextBelow(random, 6)
  if (kind === 0) return INTEGER_BIT | (word(random) & (2n ** 64n - 1n))
  if (kind === 1) return INTEGER_BIT | (1n << BigInt(nextBelow(random, 63)))
  if (kind === 2) return 2n ** 64n - (1n << BigInt(nextBelow(random, 64)))
  if (kind === 3) return INTEGER_BIT | ((word(random) >> 50n) << 50n)
  if (kind === 4) return INTEGER_BIT | (word(random) & ~((1n << BigInt(nextBelow(random, 60))) - 1n))
  return (
    INTEGER_BIT |
    BigInt(nextBelow(random, 16)) |
    (BigInt(nextBelow(random, 4)) << 39n) |
    (BigInt(nextBelow(random, 4)) << 10n)
  )
}

/** A number of any class; `near` is an exponent that the other operand may be close to. */
function number(random: RandomState, near: number): [number, bigint] {
  const kind = nextBelow(random, 8)
  if (kind === 0) return SPECIAL[nextBelow(random, SPECIAL.length)]!
  const sign = nextBelow(random, 2) << 15
  if (kind === 1) return [sign | EXPONENTS[nextBelow(random, EXPONENTS.length)]!, mantissa(random)]
  if (kind === 2) return [sign | nextBelow(random, 0x7fff), mantissa(random)]
  if (kind === 3) return [sign, word(random) >> BigInt(nextBelow(random, 64))]
  if (kind === 4) return [sign | (0x3fff - 4 + nextBelow(random, 72)), mantissa(random)]
  return [sign | Math.min(Math.max(near + nextBelow(random, 140) - 70, 0), 0x7ffe), mantissa(random)]
}

/** The bytes of a memory operand: any format may read them, so they are made to look like one of them. */
function memoryOperand(random: RandomState): Uint8Array {
  const memory = new Uint8Array(112)
  const view = new DataView(memory.buffer)
  for (let i = 0; i < 112; i += 4) view.setUint32(i, nextU32(random), true)
  const kind = nextBelow(random, 9)
  const sign = nextBelow(random, 2)
  if (kind === 0)
    view.setUint32(
      0,
      (sign << 31) |
        [0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff][
          nextBelow(random, 10)
        ]!,
      true,
    )
  else if (kind === 1) {
    view.setBigUint64(
      0,
      (BigInt(sign) << 63n) |
        [
          0n,
          1n,
          0xfffffffffffffn,
          1n << 52n,
          0x3ffn << 52n,
          0x7fefffffffffffffn,
          0x7ffn << 52n,
          (0x7ffn << 52n) | 1n,
          0xfff8n << 47n,
          2n ** 63n - 1n,
        ][nextBelow(random, 10)]!,
      true,
    )
  } else if (kind === 2) {
    const [high, low] = number(random, 0x3fff)
    view.setBigUint64(0, low, true)
    view.setUint16(8, high, true)
  } else if (kind === 3) view.setFloat64(0, (nextBelow(random, 2000) - 1000) / 8, true)
  else if (kind === 4) view.setFloat32(0, (nextBelow(random, 2000) - 1000) / 8, true)
  else if (kind === 5) view.setInt32(0, nextBelow(random, 9) - 4, true)
  else if (kind === 6) for (let i = 0; i < 9; i++) memory[i] = (nextBelow(random, 10) << 4) | nextBelow(random, 10)
  else if (kind === 7)
    view.setUint16(2, (sign << 15) | ((0x70 + nextBelow(random, 0x20)) << 7) | nextBelow(random, 128), true)
  return memory
}

/** All exceptions masked; some of them unmasked; or an unmasked one already pending. */
export type Exceptions = 'masked' | 'unmasked' | 'pending'

/** A case for an encoding. */
export function makeCase(code: Uint8Array, random: RandomState, exceptions: Exceptions): Case {
  const fx = new Uint8Array(160)
  const view = new DataView(fx.buffer)
  const precision = [3, 3, 2, 0][nextBelow(random, 4)]!
  const masks = exceptions === 'masked' ? 0x3f : nextBelow(random, exceptions === 'pending' ? 63 : 64)
  view.setUint16(0, 0x40 | masks | (precision << 8) | (nextBelow(random, 4) << 10), true)
  const top = nextBelow(random, 8)
  // Sticky flags, among them at least one unmasked when an exception is to be pending.
  const sticky =
    exceptions === 'pending'
      ? ~masks & 0x3f
      : exceptions === 'masked' && nextBelow(random, 4) === 0
        ? nextBelow(random, 128)
        : 0
  view.setUint16(
    2,
    (top << 11) | ((nextBelow(random, 16) * 0x100) & 0x700) | (nextBelow(random, 2) << 14) | sticky,
    true,
  )
  // Mostly a few registers in use, sometimes none, all, or any.
  const depth = [2, 3, 4, 5, 0, 1, 8][nextBelow(random, nextBelow(random, 3) === 0 ? 7 : 4)]!
  let tag = 0
  for (let i = 0; i < depth; i++) tag |= 1 << ((top + i) & 7)
  if (nextBelow(random, 16) === 0) tag = nextBelow(random, 256)
  view.setUint8(4, tag)
  let near = 0x3fff
  for (let i = 0; i < 8; i++) {
    const [high, low] = number(random, near)
    near = high & 0x7fff
    view.setBigUint64(32 + 16 * i, low, true)
    view.setUint16(40 + 16 * i, high, true)
  }
  return {
    code,
    fx,
    flags: [0x202, 0x203, 0x242, 0x206, 0xad7, 0x246][nextBelow(random, 6)]!,
    memory: memoryOperand(random),
  }
}
