/** Exists to tell reads beyond the end of a block that mean no harm, by what an instruction alone tells, from others. */
import { firstUnaddressable } from '../engine/addressable.ts'
import type { AddressSpace } from '../engine/address-space.ts'

/** As for memcheck, a load at a multiple of its size may be addressable in part. */
export function isPartial(space: AddressSpace, address: number, bytes: number): boolean {
  if (bytes < 8 || address % bytes !== 0) return false
  for (let at = address; at < address + bytes; at++) if (firstUnaddressable(space, at, 1) < 0) return true
  return false
}

/** Does a string function load a vector or half of one there? It may look at several at once, of which some lie behind the end altogether. */
export function isVectorLoad({ bytes }: AddressSpace, pc: number, size: number): boolean {
  if (size === 16) return true
  // MOVLPD or MOVHPD, by which strcmp loads the halves of a vector: 66 (REX) 0F 12 or 16.
  if (size !== 8 || bytes[pc] !== 0x66) return false
  const at = (bytes[pc + 1]! & 0xf0) === 0x40 ? pc + 2 : pc + 1
  return bytes[at] === 0x0f && (bytes[at + 1] === 0x12 || bytes[at + 1] === 0x16)
}
