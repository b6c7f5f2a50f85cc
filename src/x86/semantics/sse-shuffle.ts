/** Exists to give the rearrangements of SSE and SSE2: interleaving, and shuffles chosen by an immediate. */
import type { Lifter } from '../table/types.ts'
import { aligned, immediate, lanes, shuffle } from './sse-operands.ts'

/** The lane that field `i` of a shuffle immediate selects among four. */
const field = (control: number, i: number): number => (control >> (2 * i)) & 3

/** A fixed shuffle of operand 0 and operand 1 by lanes of `size` bytes. */
const arrange = (size: number, numbers: readonly number[]): Lifter => {
  const pattern = lanes(size, numbers)
  return (l) => l.write(0, shuffle(l, l.read(0), aligned(l, 1), pattern))
}

/** PUNPCKLxx, UNPCKLPx: the low halves of both operands, lane by lane in turn. */
export const interleaveLow = (size: number): Lifter => {
  const count = 16 / size
  return arrange(
    size,
    Array.from({ length: count }, (_, i) => (i >> 1) + (i & 1) * count),
  )
}

/** PUNPCKHxx, UNPCKHPx: the high halves of both operands, lane by lane in turn. */
export const interleaveHigh = (size: number): Lifter => {
  const count = 16 / size
  return arrange(
    size,
    Array.from({ length: count }, (_, i) => count / 2 + (i >> 1) + (i & 1) * count),
  )
}

/** SHUFPS: two lanes of the destination, then two of the source. */
export const shuffleSingles: Lifter = (l) => {
  const control = immediate(l, 2)
  const numbers = [field(control, 0), field(control, 1), 4 + field(control, 2), 4 + field(control, 3)]
  l.write(0, shuffle(l, l.read(0), aligned(l, 1), lanes(4, numbers)))
}

/** SHUFPD: one lane of the destination, then one of the source. */
export const shuffleDoubles: Lifter = (l) => {
  const control = immediate(l, 2)
  l.write(0, shuffle(l, l.read(0), aligned(l, 1), lanes(8, [control & 1, 2 + ((control >> 1) & 1)])))
}

/** PSHUFD. */
export const shuffleDoublewords: Lifter = (l) => {
  const control = immediate(l, 2)
  const x = aligned(l, 1)
  l.write(
    0,
    shuffle(
      l,
      x,
      x,
      lanes(
        4,
        [0, 1, 2, 3].map((i) => field(control, i)),
      ),
    ),
  )
}

/** PSHUFLW (`base` 0) and PSHUFHW (`base` 4): four words of one half are chosen, the other half is copied. */
export const shuffleWords =
  (base: 0 | 4): Lifter =>
  (l) => {
    const control = immediate(l, 2)
    const x = aligned(l, 1)
    const numbers = Array.from({ length: 8 }, (_, i) =>
      i >= base && i < base + 4 ? base + field(control, i - base) : i,
    )
    l.write(0, shuffle(l, x, x, lanes(2, numbers)))
  }

/** MOVSLDUP (`odd` 0), MOVSHDUP (1): even or odd floats twice. */
export const duplicateSingles =
  (odd: 0 | 1): Lifter =>
  (l) => {
    const x = aligned(l, 1)
    l.write(0, shuffle(l, x, x, lanes(4, [odd, odd, 2 + odd, 2 + odd])))
  }

/** MOVHLPS: the high half of the source becomes the low half of the destination. */
export const moveHighToLow: Lifter = arrange(8, [3, 1])

/** MOVLHPS: the low half of the source becomes the high half of the destination. */
export const moveLowToHigh: Lifter = arrange(8, [0, 2])
