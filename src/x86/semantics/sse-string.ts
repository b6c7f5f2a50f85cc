/** Exists to give the string comparisons of SSE4.2 (Intel SDM vol. 2, 4.1): written out as vector operations, since C libraries live on them. */
import { ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { immediate, lanes, shuffle, unaligned, zero } from './sse-operands.ts'

/** The ops for elements of one size. */
const BYTES = {
  size: 1,
  count: 16,
  equal: ops.i8x16_eq,
  bitmask: ops.i8x16_bitmask,
  lessOrEqual: [ops.i8x16_le_u, ops.i8x16_le_s],
  greaterOrEqual: [ops.i8x16_ge_u, ops.i8x16_ge_s],
} as const
const WORDS = {
  size: 2,
  count: 8,
  equal: ops.i16x8_eq,
  bitmask: ops.i16x8_bitmask,
  lessOrEqual: [ops.i16x8_le_u, ops.i16x8_le_s],
  greaterOrEqual: [ops.i16x8_ge_u, ops.i16x8_ge_s],
} as const
type Elements = typeof BYTES | typeof WORDS

/** A string: its elements, how many are valid (i32), and one bit for each valid one. */
interface Text {
  elements: Node
  length: Node
  valid: Node
}

const maskOf = (l: LiftContext, length: Node): Node => l.b.sub(l.b.shl(l.b.i32(1), length), l.b.i32(1))

/** A string that ends before its first zero. */
function implicit(l: LiftContext, e: Elements, elements: Node): Text {
  const { b } = l
  const zeros = b.emit(e.bitmask, b.emit(e.equal, elements, zero(l)))
  const length = b.emit(ops.i32_ctz, b.or(zeros, b.i32(1 << e.count)))
  return { elements, length, valid: maskOf(l, length) }
}

/** A string whose length is the magnitude of RAX or RDX, at most what fits. */
function explicit(l: LiftContext, e: Elements, elements: Node, register: number): Text {
  const { b } = l
  const wide = l.insn.opsize === 64
  const value = l.getFixed(register, wide ? 64 : 32)
  const negative = b.ltS(value, b.constLike(value, 0))
  const magnitude = b.select(negative, b.sub(b.constLike(value, 0), value), value)
  const length = b.select(b.ltU(magnitude, b.constLike(value, e.count)), b.to32(magnitude), b.i32(e.count))
  return { elements, length, valid: maskOf(l, length) }
}

/** Element `i` of a vector in all places. */
const repeat = (l: LiftContext, e: Elements, x: Node, i: number): Node =>
  shuffle(l, x, x, lanes(e.size, new Array<number>(e.count).fill(i)))

/** i32: all ones where element `i` of `text` is valid, else zero. */
const validity = (l: LiftContext, text: Text, i: number): Node =>
  l.b.sub(l.b.i32(0), l.b.and(l.b.shrU(text.valid, l.b.i32(i)), l.b.i32(1)))

/** Which elements of `y` are among those of `x`. */
function equalAny(l: LiftContext, e: Elements, x: Text, y: Text): Node {
  const { b } = l
  let found: Node | null = null
  for (let i = 0; i < e.count; i++) {
    const bits = b.emit(e.bitmask, b.emit(e.equal, repeat(l, e, x.elements, i), y.elements))
    const counted = b.and(bits, validity(l, x, i))
    found = found === null ? counted : b.or(found, counted)
  }
  return b.and(found!, y.valid)
}

/** Which elements of `y` lie in one of the ranges that pairs of elements of `x` are. */
function ranges(l: LiftContext, e: Elements, x: Text, y: Text, signed: 0 | 1): Node {
  const { b } = l
  let found: Node | null = null
  for (let i = 0; i < e.count; i += 2) {
    const above = b.emit(e.greaterOrEqual[signed], y.elements, repeat(l, e, x.elements, i))
    const below = b.emit(e.lessOrEqual[signed], y.elements, repeat(l, e, x.elements, i + 1))
    // A range counts when its end is valid.
    const counted = b.and(b.emit(e.bitmask, b.emit(ops.v128_and, above, below)), validity(l, x, i + 1))
    found = found === null ? counted : b.or(found, counted)
  }
  return b.and(found!, y.valid)
}

/** Where both strings agree; beyond both ends they do. */
function equalEach(l: LiftContext, e: Elements, x: Text, y: Text): Node {
  const { b } = l
  const same = b.emit(e.bitmask, b.emit(e.equal, x.elements, y.elements))
  const both = b.and(x.valid, y.valid)
  return b.or(b.and(same, both), b.xor(b.or(x.valid, y.valid), b.i32((1 << e.count) - 1)))
}

/** Where in `y` the string `x` begins; what would lie beyond the vector counts as equal. */
function equalOrdered(l: LiftContext, e: Elements, x: Text, y: Text): Node {
  const { b } = l
  const beyond = b.i32(-1 << e.count)
  let found: Node = b.i32((1 << e.count) - 1)
  for (let i = 0; i < e.count; i++) {
    const bits = b.and(b.emit(e.bitmask, b.emit(e.equal, repeat(l, e, x.elements, i), y.elements)), y.valid)
    const moved = b.shrS(b.or(bits, beyond), b.i32(i))
    found = b.and(found, b.or(moved, b.xor(validity(l, x, i), b.i32(-1))))
  }
  return found
}

/** IntRes2 of the manual as an i32 of bits; sets the flags, which follow from it and the lengths. */
function compare(l: LiftContext, isExplicit: boolean): { bits: Node; e: Elements } {
  const { b } = l
  const control = immediate(l, 2)
  const e = (control & 1) === 0 ? BYTES : WORDS
  const first = l.read(0)
  const second = unaligned(l, 1)
  const x = isExplicit ? explicit(l, e, first, REG.rax) : implicit(l, e, first)
  const y = isExplicit ? explicit(l, e, second, REG.rdx) : implicit(l, e, second)
  const aggregated = [
    (): Node => equalAny(l, e, x, y),
    (): Node => ranges(l, e, x, y, ((control >> 1) & 1) as 0 | 1),
    (): Node => equalEach(l, e, x, y),
    (): Node => equalOrdered(l, e, x, y),
  ][(control >> 2) & 3]!()
  const polarity = (control >> 4) & 3
  const bits =
    polarity === 1
      ? b.xor(aggregated, b.i32((1 << e.count) - 1))
      : polarity === 3
        ? b.xor(aggregated, y.valid)
        : aggregated
  const isShort = (text: Text): Node => b.ltU(text.length, b.i32(e.count))
  const cf = b.ne(bits, b.i32(0))
  const zf = b.shl(isShort(y), b.i32(6))
  const sf = b.shl(isShort(x), b.i32(7))
  const of = b.shl(b.and(bits, b.i32(1)), b.i32(11))
  b.putFlags(b.or(b.or(cf, zf), b.or(sf, of)))
  return { bits, e }
}

/** PCMPISTRI, PCMPESTRI: the place of the lowest or highest bit to ECX, the number of elements when there is none. */
const index =
  (isExplicit: boolean): Lifter =>
  (l) => {
    const { b } = l
    const { bits, e } = compare(l, isExplicit)
    const highest = (immediate(l, 2) & 0x40) !== 0
    const place = highest
      ? b.select(bits, b.sub(b.i32(31), b.emit(ops.i32_clz, bits)), b.i32(e.count))
      : b.emit(ops.i32_ctz, b.or(bits, b.i32(1 << e.count)))
    b.put(REG.rcx, b.extendU(place))
  }

/** One bit to each of eight bytes, twice; and one to each of eight words. */
const BYTE_BITS = Uint8Array.from({ length: 16 }, (_, i) => 1 << (i & 7))
const WORD_BITS = Uint8Array.from({ length: 16 }, (_, i) => ((i & 1) === 0 ? 1 << (i >> 1) : 0))

/** PCMPISTRM, PCMPESTRM: the bits to XMM0, as they are or as a mask of elements. */
const mask =
  (isExplicit: boolean): Lifter =>
  (l) => {
    const { b } = l
    const { bits, e } = compare(l, isExplicit)
    const low = b.emit(ops.i32x4_replace_lane, zero(l), bits)
    if ((immediate(l, 2) & 0x40) === 0) {
      b.put(REG.xmm0, low)
      return
    }
    const spread = shuffle(
      l,
      low,
      zero(l),
      Array.from({ length: 16 }, (_, i) => (e === BYTES ? i >> 3 : (i & 1) === 0 ? 0 : 16)),
    )
    const selected = b.v128(e === BYTES ? BYTE_BITS : WORD_BITS)
    b.put(REG.xmm0, b.emit(e.equal, b.emit(ops.v128_and, spread, selected), selected))
  }

/** PCMPISTRI. */
export const implicitIndex = index(false)
/** PCMPESTRI. */
export const explicitIndex = index(true)
/** PCMPISTRM. */
export const implicitMask = mask(false)
/** PCMPESTRM. */
export const explicitMask = mask(true)
