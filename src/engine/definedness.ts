/**
 * Exists to say which bits of memory and registers are defined, in address spaces that keep that: V bits (1 for undefined) beside every byte and register. In
 * other spaces everything is defined, and nothing here does anything.
 */
import { FLAGS_DEFINED } from '../ir/exits.ts'
import { CLEAN } from '../ir/clean.ts'
import { REG, registers } from '../ir/registers.ts'
import {
  ATTRIBUTE,
  ATTRIBUTE_COUNT,
  CLEAN_BASE,
  GUEST_MIN,
  PAGE_SHIFT,
  PAGE_SIZE,
  SHADOW_DISPLACEMENT,
} from './layout.ts'
import type { AddressSpace } from './address-space.ts'
import { fillBytes } from './bytes.ts'

/** Page number of the V bits of a page, less its own. They begin in the middle of no page. */
export const SHADOW_PAGES = SHADOW_DISPLACEMENT >>> PAGE_SHIFT

/** All bits of `length` bytes are defined from now on. Pages on which they are already are not touched. */
export function setDefined(space: AddressSpace, start: number, length: number): void {
  if (!space.checked || length <= 0) return
  const end = start + length
  for (let at = start; at < end;) {
    const next = Math.min(end, (at & ~(PAGE_SIZE - 1)) + PAGE_SIZE)
    if (next - at < PAGE_SIZE || hasUndefined(space, at >>> PAGE_SHIFT)) fillBytes(space.shadow, 0, at, next)
    at = next
  }
}

/** No bit of `length` bytes is defined from now on. */
export function setUndefined(space: AddressSpace, start: number, length: number): void {
  if (space.checked && length > 0) fillBytes(space.shadow, 255, start, start + length)
}

/** Copies V bits within a space, as memmove does. */
export function moveDefinedness(space: AddressSpace, from: number, to: number, length: number): void {
  if (!space.checked || length <= 0) return
  const start = from + SHADOW_DISPLACEMENT
  space.bytes.copyWithin(to + SHADOW_DISPLACEMENT, start, start + length)
}

/** The V bits of a range: a copy. */
export function definednessOf(space: AddressSpace, start: number, length: number): Uint8Array {
  if (!space.checked) return new Uint8Array(length)
  return space.bytes.slice(start + SHADOW_DISPLACEMENT, start + SHADOW_DISPLACEMENT + length)
}

/** Puts back V bits that `definednessOf` gave. */
export function putDefinedness(space: AddressSpace, start: number, bits: Uint8Array): void {
  if (space.checked) space.bytes.set(bits, start + SHADOW_DISPLACEMENT)
}

/** Makes the pages below all that can be read defined: a call makes the red zone undefined, which may reach into the page below a stack. */
export function defineBelow(space: AddressSpace): void {
  const { attributes } = space
  const isReadable = (page: number): boolean => (attributes[page]! & ATTRIBUTE.noRead) === 0
  for (let page = (GUEST_MIN >>> PAGE_SHIFT) + 1; page < ATTRIBUTE_COUNT; page++)
    if (isReadable(page) && !isReadable(page - 1)) setDefined(space, (page - 1) << PAGE_SHIFT, PAGE_SIZE)
}

/** Has a page undefined bits? */
export function hasUndefined(space: AddressSpace, page: number): boolean {
  return space.checked && space.nextUsed(SHADOW_PAGES + page, SHADOW_PAGES + page + 1) === SHADOW_PAGES + page
}

/** The address of the first byte of a range that has undefined bits; -1 when there is none. */
export function firstUndefined(space: AddressSpace, start: number, length: number): number {
  if (!space.checked) return -1
  const { bytes } = space
  for (let at = start; at < start + length; at++) if (bytes[at + SHADOW_DISPLACEMENT] !== 0) return at
  return -1
}

/** Before translated code is entered: the mirrors are exact. */
export function unsettle({ checked, view }: AddressSpace): void {
  if (checked) view.setUint32(CLEAN_BASE + 4, CLEAN.stale, true)
}

/** Is it clean code that has been left? */
export function isClean({ view }: AddressSpace): boolean {
  return (view.getUint32(CLEAN_BASE + 4, true) & CLEAN.stale) === 0
}

/** Registers that a function may change (System V ABI, 3.2.1): rax, rcx, rdx, rsi, rdi, r8 to r11. */
const SCRATCH = 0x0fc7

/** The registers that a function may change are defined from now on, vectors and flags too. */
export function defineScratch(view: DataView): void {
  defineRegisters(view, SCRATCH | FLAGS_DEFINED)
  const { offset } = registers[REG.xmmUndefined]!
  for (let at = offset; at < offset + 256; at += 8) view.setBigUint64(at, 0n, true)
}

/** Has a general register undefined bits? `view` shows a CPU state. */
export function isUndefined(view: DataView, register: number): boolean {
  const { offset } = registers[REG.gprUndefined + register]!
  return (view.getUint32(offset, true) | view.getUint32(offset + 4, true)) !== 0
}

/** The registers of a set are defined from now on: bits 0-15 for the general ones, and FLAGS_DEFINED. `view` shows a CPU state. */
export function defineRegisters(view: DataView, set: number): void {
  for (let rest = set & 0xffff; rest !== 0; rest &= rest - 1)
    view.setFloat64(registers[REG.gprUndefined + 31 - Math.clz32(rest & -rest)]!.offset, 0, true)
  if ((set & FLAGS_DEFINED) === 0) return
  view.setBigUint64(registers[REG.flagAUndefined]!.offset, 0n, true)
  view.setBigUint64(registers[REG.flagBUndefined]!.offset, 0n, true)
}
