/** Exists to find out before a copying function runs whether what it reads and what it writes overlap. */
import { ATTRIBUTE } from '../engine/layout.ts'
import { firstUnaddressable } from '../engine/addressable.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { HeapFunction } from './functions.ts'

/** Longest string that is looked at, in bytes. */
const LONGEST = 0x100_0000

/** Hears of what is wrong with a call: the address, and numbers as HeapEvent has them. */
type Found = (kind: 'overlap' | 'invalid-read', address: number, numbers: Record<string, number>) => void

/** Length of the string at `address` without its NUL, at most `most`; what cannot be read ends it. */
function lengthOf(space: AddressSpace, address: number, most: number): number {
  const room = space.accessible(address, Math.min(most, LONGEST), ATTRIBUTE.noRead)
  const end = space.bytes.subarray(address, address + room).indexOf(0)
  return end < 0 ? room : end
}

/** What such a function surely reads: a whole string, or of the others the first byte. */
function checkStrings(
  { action, name }: HeapFunction,
  argument: (i: number) => number,
  space: AddressSpace,
  found: Found,
): void {
  // With a length of 0 nothing is read.
  if (action === 'strings' && name.startsWith('strn') && argument(2) === 0) return
  if (name === 'strnlen' && argument(1) === 0) return
  for (let i = 0; i < (action === 'strings' ? 2 : 1); i++) {
    const address = argument(i)
    const length = action === 'string' ? lengthOf(space, address, LONGEST) + 1 : 1
    const bad = firstUnaddressable(space, address, length)
    if (bad >= 0) found('invalid-read', bad, { size: 1 })
  }
}

/** Looks at a call of `f`, with arguments by number; `found` hears of an overlap (the destination, and what was to be copied) and of a source that is
 * not addressable. */
export function checkCopy(f: HeapFunction, argument: (i: number) => number, space: AddressSpace, found: Found): void {
  if (f.action === 'string' || f.action === 'strings' || f.action === 'bytes')
    return checkStrings(f, argument, space, found)
  const to = argument(0)
  const from = argument(1)
  /** What is written, and for appending functions the string before it, too. */
  let written = 0
  let length = 0
  switch (f.action) {
    case 'copy':
      length = written = argument(2)
      break
    case 'copyString':
      length = written = lengthOf(space, from, LONGEST) + 1
      break
    case 'copyStringUpTo':
      length = Math.min(argument(2), lengthOf(space, from, argument(2)) + 1)
      written = argument(2)
      break
    case 'appendString':
      length = lengthOf(space, from, LONGEST) + 1
      written = lengthOf(space, to, LONGEST) + length
      break
    default:
      length = lengthOf(space, from, argument(2)) + 1
      written = lengthOf(space, to, LONGEST) + length
  }
  // What the library reads in vectors is not looked at there.
  const bad = length > LONGEST ? -1 : firstUnaddressable(space, from, length)
  if (bad >= 0) found('invalid-read', bad, { size: Math.min(length, from + length - bad) })
  if (length === 0 || written === 0 || to >= from + length || from >= to + written) return
  // The same place to the same place is what compilers write for structures.
  if (f.action === 'copy' && to === from) return
  found('overlap', to, {
    source: from,
    length: f.action === 'copy' || f.action === 'copyStringUpTo' ? argument(2) : -1,
  })
}
