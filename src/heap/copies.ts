/** Exists to find out before a copying function runs whether what it reads and what it writes overlap. */
import { ATTRIBUTE } from '../engine/layout.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { HeapFunction } from './functions.ts'

/** Longest string that is looked at, in bytes. */
const LONGEST = 0x100_0000

/** Bytes of the string of characters of `width` at `address` without its end, at most `most`; what cannot be read ends it. */
function lengthOf(space: AddressSpace, address: number, most: number, width: number): number {
  const room = space.accessible(address, Math.min(most, LONGEST), ATTRIBUTE.noRead)
  if (width === 1) {
    const end = space.bytes.subarray(address, address + room).indexOf(0)
    return end < 0 ? room : end
  }
  let at = 0
  while (at + width <= room && space.view.getInt32(address + at, true) !== 0) at += width
  return at
}

/** What overlaps in a call of the copying function `f`, with arguments by number: the destination, and numbers as HeapEvent has them; null for nothing. */
export function overlapOf(
  f: HeapFunction,
  argument: (i: number) => number,
  space: AddressSpace,
): { address: number; numbers: Record<string, number> } | null {
  const to = argument(0)
  const from = argument(1)
  const width = f.name.startsWith('w') ? 4 : 1
  const most = argument(2) * width
  /** What is written, and for appending functions the string before it, too. */
  let written = 0
  let length = 0
  switch (f.action) {
    case 'copy':
      length = written = most
      break
    case 'copyString':
      length = written = lengthOf(space, from, LONGEST, width) + width
      break
    case 'copyStringUpTo':
      length = Math.min(most, lengthOf(space, from, most, width) + width)
      written = most
      break
    case 'appendString':
      length = lengthOf(space, from, LONGEST, width) + width
      written = lengthOf(space, to, LONGEST, width) + length
      break
    case 'appendStringUpTo':
      length = lengthOf(space, from, most, width) + width
      written = lengthOf(space, to, LONGEST, width) + length
      break
    default:
      return null
  }
  if (length === 0 || written === 0 || to >= from + length || from >= to + written) return null
  // The same place to the same place is what compilers write for structures.
  if (f.action === 'copy' && to === from) return null
  const known = f.action === 'copy' || f.action === 'copyStringUpTo'
  return { address: to, numbers: { source: from, length: known ? most : -1 } }
}
