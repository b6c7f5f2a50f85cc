/** Exists to give the packed integer arithmetic of SSSE3 and SSE4.1 that is not one IR op: horizontal sums, signs, shuffles by a vector, dot products. */
import { type OpRow, ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { half } from './mmx.ts'
import { aligned, immediate, lanes, repeat32, shuffle, zero } from './sse-operands.ts'

/** The even and the odd lanes of two vectors, those of the first before those of the second. */
function deinterleave(l: LiftContext, x: Node, y: Node, size: number): [Node, Node] {
  const count = 16 / size
  const pick = (first: number): number[] =>
    lanes(
      size,
      Array.from({ length: count }, (_, i) => 2 * i + first),
    )
  return [shuffle(l, x, y, pick(0)), shuffle(l, x, y, pick(1))]
}

/** PHADDx, PHSUBx: `op` of neighbours, of the destination in the low half and of the source in the high one. */
export const horizontal =
  (op: OpRow, size: number): Lifter =>
  (l) => {
    const [even, odd] = deinterleave(l, l.read(0), aligned(l, 1), size)
    l.write(0, l.b.emit(op, even, odd))
  }

/** The MMX form: both operands fit into one vector. */
export const horizontalHalf = (op: OpRow, size: number): Lifter =>
  half((l) => {
    const both = shuffle(l, l.read(0), aligned(l, 1), lanes(8, [0, 2]))
    const [even, odd] = deinterleave(l, both, both, size)
    l.write(0, l.b.emit(op, even, odd))
  })

/** PSIGNx: the destination negated, cleared or kept by the sign of the source. */
export const sign =
  (subtract: OpRow, greater: OpRow, equal: OpRow): Lifter =>
  (l) => {
    const { b } = l
    const x = l.read(0)
    const y = aligned(l, 1)
    const negative = b.emit(greater, zero(l), y)
    const signed = b.emit(subtract, b.emit(ops.v128_xor, x, negative), negative)
    l.write(0, b.emit(ops.v128_andnot, signed, b.emit(equal, y, zero(l))))
  }

/** PSHUFB: bytes of the destination chosen by the source, whose top bits clear. `kept`: which bits of an index count. */
const shuffleBytes =
  (kept: number): Lifter =>
  (l) => {
    const mask = kept * 0x01010101
    const indices = l.b.emit(ops.v128_and, aligned(l, 1), repeat32(l, mask | 0))
    l.write(0, l.b.emit(ops.i8x16_swizzle, l.read(0), indices))
  }

/** PSHUFB. Swizzling clears for any index from 16 on. */
export const shuffleByVector = shuffleBytes(0x8f)
/** PSHUFB on MMX registers. */
export const shuffleByHalf = half(shuffleBytes(0x87))

/** PALIGNR: sixteen bytes of destination and source together, `count` from the low end on; zeros follow. */
export const alignRight: Lifter = (l) => {
  const count = immediate(l, 2)
  const destination = l.read(0)
  const source = aligned(l, 1)
  const from = (start: number): number[] => Array.from({ length: 16 }, (_, i) => start + i)
  if (count <= 16) l.write(0, shuffle(l, source, destination, from(count)))
  else if (count < 32) l.write(0, shuffle(l, destination, zero(l), from(count - 16)))
  else l.write(0, zero(l))
}

/** PALIGNR on MMX registers: both fit into one vector. */
export const alignRightHalf: Lifter = half((l) => {
  const count = immediate(l, 2)
  const both = shuffle(l, aligned(l, 1), l.read(0), lanes(8, [0, 2]))
  l.write(
    0,
    shuffle(
      l,
      both,
      zero(l),
      Array.from({ length: 16 }, (_, i) => Math.min(count + i, 31)),
    ),
  )
})

/** PMADDUBSW: unsigned bytes of the destination times signed ones of the source; neighbouring products are added with saturation. */
export const multiplyAddBytes: Lifter = (l) => {
  const { b } = l
  const x = l.read(0)
  const y = aligned(l, 1)
  const eight = b.i32(8)
  const even = b.emit(
    ops.i16x8_mul,
    b.emit(ops.v128_and, x, repeat32(l, 0x00ff00ff)),
    b.emit(ops.i16x8_shr_s, b.emit(ops.i16x8_shl, y, eight), eight),
  )
  const odd = b.emit(ops.i16x8_mul, b.emit(ops.i16x8_shr_u, x, eight), b.emit(ops.i16x8_shr_s, y, eight))
  l.write(0, b.emit(ops.i16x8_add_sat_s, even, odd))
}

/** PMULHRSW: WebAssembly saturates the one product that does not fit, x86 lets it wrap. */
export const multiplyHighRounded: Lifter = (l) => {
  const { b } = l
  const x = l.read(0)
  const y = aligned(l, 1)
  const product = b.emit(ops.i16x8_q15mulr_sat_s, x, y)
  const least = repeat32(l, 0x80008000 | 0)
  const wraps = b.emit(ops.v128_and, b.emit(ops.i16x8_eq, x, least), b.emit(ops.i16x8_eq, y, least))
  l.write(0, b.emit(ops.v128_xor, product, wraps))
}

/** PMULDQ: the signed products of the even doublewords. */
export const multiplyEvenSigned: Lifter = (l) => {
  const even = (x: Node): Node => shuffle(l, x, x, lanes(4, [0, 2, 0, 2]))
  l.write(0, l.b.emit(ops.i64x2_extmul_low_i32x4_s, even(l.read(0)), even(aligned(l, 1))))
}

/** MPSADBW: eight sums of four absolute differences between a window that slides over the destination and a quadruple of the source. */
export const slidingDifferences: Lifter = (l) => {
  const { b } = l
  const control = immediate(l, 2)
  const window = control & 4
  const quadruple = 4 * (control & 3)
  const x = l.read(0)
  const y = aligned(l, 1)
  let sum: Node | null = null
  for (let k = 0; k < 4; k++) {
    const moved = shuffle(
      l,
      x,
      x,
      Array.from({ length: 16 }, (_, i) => (window + k + i) & 15),
    )
    const byte = shuffle(l, y, y, new Array<number>(16).fill(quadruple + k))
    const difference = b.emit(ops.i8x16_sub, b.emit(ops.i8x16_max_u, moved, byte), b.emit(ops.i8x16_min_u, moved, byte))
    const words = b.emit(ops.i16x8_extend_low_i8x16_u, difference)
    sum = sum === null ? words : b.emit(ops.i16x8_add, sum, words)
  }
  l.write(0, sum!)
}

/** PHMINPOSUW: the smallest word and, above it, the first place where it is. */
export const minimumPosition: Lifter = (l) => {
  const { b } = l
  const x = aligned(l, 1)
  let least = x
  for (const distance of [4, 2, 1]) {
    const moved = shuffle(
      l,
      least,
      least,
      lanes(
        2,
        Array.from({ length: 8 }, (_, i) => (i + distance) & 7),
      ),
    )
    least = b.emit(ops.i16x8_min_u, least, moved)
  }
  const places = b.emit(ops.i16x8_bitmask, b.emit(ops.i16x8_eq, x, least))
  const position = b.emit(ops.i32_ctz, places)
  const low = b.or(b.emit(ops.i16x8_extract_lane_u, least), b.shl(position, b.i32(16)))
  l.write(0, b.emit(ops.i32x4_replace_lane, zero(l), low))
}
