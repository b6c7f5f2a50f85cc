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

/** Second bytes of instructions that read a vector from memory: moves of all kinds, of halves, PCMPEQB, W, D, PSUBB, PMINUB, PXOR. */
const VECTOR_READS = [0x10, 0x12, 0x16, 0x28, 0x6f, 0x74, 0x75, 0x76, 0xda, 0xef, 0xf8]

/** Is the instruction at `pc` one by which string functions read vectors? */
export function readsVector({ bytes }: AddressSpace, pc: number): boolean {
  let at = pc
  while ([0x66, 0xf2, 0xf3].includes(bytes[at]!)) at++
  if ((bytes[at]! & 0xf0) === 0x40) at++
  return bytes[at] === 0x0f && VECTOR_READS.includes(bytes[at + 1]!)
}
