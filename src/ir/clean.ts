/**
 * Exists to say which registers may hold undefined bits, while code runs that does not compute V bits (*clean* code, passes/definedness): a word with a bit for
 * each of them. A register whose bit is 0 is defined, whatever its mirror says.
 */
import { REG, registers } from './registers.ts'

/** A set of registers as the two halves of the word: general ones, vector ones, and in the upper half the flags. */
export interface CleanMask {
  lo: number
  hi: number
}

/** Bits of the upper half: the flag record, and that the word says nothing because the mirrors are exact. */
export const CLEAN = { flags: 1, stale: 2 } as const

/** From the word on, in bytes: the address at which clean code stopped to go on in full code, or 0, and its refund (u32 each). */
export const CLEAN_WORDS = { pc: 8, refund: 12 } as const

/** The bit of a register, or -1 for those that are always defined. */
export function cleanBit(register: number): number {
  if (register < 16) return register === REG.rsp ? -1 : register
  if (register >= REG.xmm0 && register < REG.xmm0 + 16) return 16 + register - REG.xmm0
  // The record is written as a whole.
  return register === REG.flagB ? 32 : -1
}

/** Byte offset in the CPU state, and bytes, of the mirrors of all registers, in the order of `mirrorsOf`. */
export const MIRRORS = { offset: registers[REG.gprUndefined]!.offset, bytes: 400 } as const

/** The mirrors behind a bit: their offset in the CPU state and their bytes. */
export function mirrorsOf(bit: number): { offset: number; bytes: number } {
  if (bit < 16) return { offset: registers[REG.gprUndefined + bit]!.offset, bytes: 8 }
  if (bit < 32) return { offset: registers[REG.xmmUndefined + bit - 16]!.offset, bytes: 16 }
  return { offset: registers[REG.flagAUndefined]!.offset, bytes: 16 }
}
