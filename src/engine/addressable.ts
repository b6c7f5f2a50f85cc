/**
 * Exists to say byte by byte what may be accessed on *watched* pages, those of a heap that is checked: one bit for each byte of the guest's room, 1 for
 * addressable. Accesses to watched pages ask (wasm/runtime-access.ts); no other page has bits.
 */
import { ADDRESSABLE_BASE, ATTRIBUTE, PAGE_SHIFT } from './layout.ts'
import type { AddressSpace } from './address-space.ts'

/** Makes a range addressable, or not; it lies in watched pages. */
export function setAddressable(space: AddressSpace, start: number, length: number, addressable: boolean): void {
  const { bytes } = space
  const end = start + length
  const set = (at: number, mask: number): void => {
    const index = ADDRESSABLE_BASE + (at >>> 3)
    bytes[index] = addressable ? bytes[index]! | mask : bytes[index]! & ~mask
  }
  const first = Math.min(end, (start + 7) & ~7)
  const last = Math.max(first, end & ~7)
  for (let at = start; at < first; at++) set(at, 1 << (at & 7))
  bytes.fill(addressable ? 255 : 0, ADDRESSABLE_BASE + (first >>> 3), ADDRESSABLE_BASE + (last >>> 3))
  for (let at = last; at < end; at++) set(at, 1 << (at & 7))
}

/** The first byte of a range that lies in a watched page and is not addressable; -1 when there is none. */
export function firstUnaddressable(space: AddressSpace, start: number, length: number): number {
  const { bytes, attributes } = space
  for (let at = start; at < start + length; at++) {
    if ((attributes[at >>> PAGE_SHIFT]! & ATTRIBUTE.watched) === 0) at |= (1 << PAGE_SHIFT) - 1
    else if ((bytes[ADDRESSABLE_BASE + (at >>> 3)]! & (1 << (at & 7))) === 0) return at
  }
  return -1
}
