/**
 * Exists to say byte by byte what may be accessed on *watched* pages, those of a heap that is checked: one bit for each byte of the guest's room, 1 for
 * addressable. Accesses to watched pages ask (wasm/runtime-access.ts); no other page has bits.
 */
import { setDefined, setUndefined } from './definedness.ts'
import { ADDRESSABLE_BASE, ATTRIBUTE, GUEST_LIMIT, PAGE_SHIFT, UNADDRESSABLE_BASE } from './layout.ts'
import type { AddressSpace } from './address-space.ts'
import { fillBytes } from './bytes.ts'

/** Sets or clears the bits of a range in the table at `base`. */
function setBits(bytes: Uint8Array, base: number, start: number, length: number, on: boolean): void {
  const end = start + length
  const set = (at: number, mask: number): void => {
    const index = base + (at >>> 3)
    bytes[index] = on ? bytes[index]! | mask : bytes[index]! & ~mask
  }
  const first = Math.min(end, (start + 7) & ~7)
  const last = Math.max(first, end & ~7)
  for (let at = start; at < first; at++) set(at, 1 << (at & 7))
  fillBytes(bytes, on ? 255 : 0, base + (first >>> 3), base + (last >>> 3))
  for (let at = last; at < end; at++) set(at, 1 << (at & 7))
}

/** Makes a range addressable, or not; it lies in watched pages. */
export function setAddressable(space: AddressSpace, start: number, length: number, addressable: boolean): void {
  setBits(space.bytes, ADDRESSABLE_BASE, start, length, addressable)
}

/**
 * The same on guarded pages: those of a heap in spaces with V bits. To translated code they are like all others; what may not be accessed is undefined, and so it
 * asks (wasm/lower-memory.ts).
 */
export function setGuarded(space: AddressSpace, start: number, length: number, guarded: boolean): void {
  setBits(space.guards, 0, start, length, guarded)
  if (guarded) setUndefined(space, start, length)
}

/** Makes bytes of a range undefined again that may not be accessed, and have been. */
export function keepGuarded(space: AddressSpace, start: number, length: number): void {
  for (let at = start; at < start + length; at++) if (isGuarded(space, at)) setUndefined(space, at, 1)
}

function isGuarded({ bytes, checked }: AddressSpace, at: number): boolean {
  return checked && (bytes[UNADDRESSABLE_BASE + (at >>> 3)]! & (1 << (at & 7))) !== 0
}

/** The first byte of a range that lies in a watched or guarded page and is not addressable; -1 when there is none. */
export function firstUnaddressable(space: AddressSpace, start: number, length: number): number {
  const { bytes, attributes, view } = space
  const end = Math.min(start + length, GUEST_LIMIT)
  let at = start
  while (at < end) {
    const page = at >>> PAGE_SHIFT
    const stop = Math.min(end, (page + 1) << PAGE_SHIFT)
    if (space.isGuardedPage(page)) {
      while (at < stop) {
        // Most often nothing is guarded of a whole word of bits.
        if ((at & 31) === 0 && view.getUint32(UNADDRESSABLE_BASE + (at >>> 3), true) === 0) at += 32
        else if (isGuarded(space, at)) return at
        else at++
      }
      at = Math.min(at, stop)
    } else if ((attributes[page]! & ATTRIBUTE.watched) === 0) at = stop
    else for (; at < stop; at++) if ((bytes[ADDRESSABLE_BASE + (at >>> 3)]! & (1 << (at & 7))) === 0) return at
  }
  return -1
}

/** Bytes of the table for one page. */
const PAGE_BITS = 1 << (PAGE_SHIFT - 3)

/** What must not be accessed in the guarded pages of a range: copies of their bits, by page. */
export function guardsOf(space: AddressSpace, start: number, length: number): [number, Uint8Array][] {
  const found: [number, Uint8Array][] = []
  for (let page = start >>> PAGE_SHIFT; page < (start + length) >>> PAGE_SHIFT; page++) {
    const at = UNADDRESSABLE_BASE + page * PAGE_BITS
    if (space.isGuardedPage(page)) found.push([page, space.bytes.slice(at, at + PAGE_BITS)])
  }
  return found
}

/** Guards pages as they were, after they were given new contents. */
export function putGuards(space: AddressSpace, guards: readonly [number, Uint8Array][]): void {
  for (const [page, bits] of guards) {
    const start = page << PAGE_SHIFT
    space.guard(start, 1 << PAGE_SHIFT)
    for (let i = 0; i < 1 << PAGE_SHIFT; i++)
      if ((bits[i >>> 3]! & (1 << (i & 7))) === 0) setGuarded(space, start + i, 1, false)
    setDefined(space, start, 1 << PAGE_SHIFT)
    keepGuarded(space, start, 1 << PAGE_SHIFT)
  }
}
