/** Exists to give CRC32 (Intel SDM vol. 2) as what it is, a product with a matrix of bits: no table in memory, and no call. */
import { ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { lanes, shuffle, zero } from './sse-operands.ts'

/** Castagnoli's polynomial 11EDC6F41 with its bits reversed, as the instruction takes bits: lowest first. */
const POLYNOMIAL = 0x82f63b78

/** What becomes of a checksum after `count` bits of zeros. */
function after(count: number, sum: number): number {
  let s = sum
  for (let i = 0; i < count; i++) s = (s >>> 1) ^ ((s & 1) === 0 ? 0 : POLYNOMIAL)
  return s
}

/** Four words as the bytes of a vector. */
const vector = (words: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer)

/** The lowest four bits, one in each lane. */
const NIBBLE = vector([1, 2, 4, 8])

const columns = new Map<string, Uint8Array>()

/** What bits 4·`group` to 4·`group` + 3 contribute after `count` bits, one in each lane. */
function contribution(count: number, group: number): Uint8Array {
  const key = `${count} ${group}`
  let bytes = columns.get(key)
  if (bytes === undefined) {
    bytes = vector([0, 1, 2, 3].map((bit) => after(count, 1 << (4 * group + bit))))
    columns.set(key, bytes)
  }
  return bytes
}

/** Adds to `sum`, a vector whose lanes are to be added in the end, what the low `bits` bits of `x` become after `count` bits. */
function product(l: LiftContext, x: Node, bits: number, count: number, sum: Node | null): Node {
  const { b } = l
  const everywhere = b.emit(ops.i32x4_splat, x)
  const nibble = b.v128(NIBBLE)
  let total = sum
  for (let group = 0; group < bits / 4; group++) {
    const moved = group === 0 ? everywhere : b.emit(ops.i32x4_shr_u, everywhere, b.i32(4 * group))
    const isSet = b.emit(ops.i32x4_eq, b.emit(ops.v128_and, moved, nibble), nibble)
    const added = b.emit(ops.v128_and, isSet, b.v128(contribution(count, group)))
    total = total === null ? added : b.emit(ops.v128_xor, total, added)
  }
  return total ?? zero(l)
}

/** The lanes of a vector added without carry. */
function fold(l: LiftContext, x: Node): Node {
  const { b } = l
  const halves = b.emit(ops.v128_xor, x, shuffle(l, x, x, lanes(4, [2, 3, 0, 1])))
  return b.emit(
    ops.i32x4_extract_lane,
    b.emit(ops.v128_xor, halves, shuffle(l, halves, halves, lanes(4, [1, 0, 3, 2]))),
  )
}

/** CRC32: the checksum is 32 bits wide; a 64-bit destination is zero-extended. */
export const crc32: Lifter = (l) => {
  const { b } = l
  const bits = l.bits(1)
  const data = l.read(1)
  const before = b.to32(l.read(0))
  const mixed = b.xor(before, b.to32(data))
  let sum: Node
  if (bits === 64) {
    const high = product(l, b.wrap(b.shrU(data, b.i64(32))), 32, 32, null)
    sum = fold(l, product(l, mixed, 32, 64, high))
  } else {
    sum = fold(l, product(l, mixed, bits, bits, null))
    // What the data does not reach moves down.
    if (bits < 32) sum = b.xor(sum, b.shrU(before, b.i32(bits)))
  }
  l.write(0, l.size === 64 ? b.extendU(sum) : sum)
}
