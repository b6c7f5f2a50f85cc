/** Exists to hand a thread at one moment to questions about variables: its registers by any name or number, and its memory. */

import { DWARF_REGISTER, type RegisterFile } from '../cfi/registers.ts'
import type { ReadMemory } from '../cfi/expression.ts'
import { unreadable } from '../values/space.ts'

/** One thread at one moment. */
export interface ThreadState {
  /** In DWARF order, as for `Symbolizer.unwind`. */
  readonly registers: RegisterFile
  readonly readMemory: ReadMemory
  /**
   * All other registers by gdb's names, little-endian: `eflags`, `fs_base`, `gs_base`, `cs`, `xmm0` (16 bytes), `ymm0` (32), `st0` (10),
   * `mxcsr`; undefined for those it does not have.
   */
  readonly otherRegister?: (name: string) => Uint8Array | undefined
}

/** The DWARF numbers of the integer registers by name. */
export const integerRegisters: ReadonlyMap<string, number> = new Map(Object.entries(DWARF_REGISTER))

const segments = ['es', 'cs', 'ss', 'ds', 'fs', 'gs']

/** The name of a register that is in no register file, by its DWARF number (psABI x86-64, figure 3.36). */
export function otherRegisterName(number: number): string | undefined {
  if (number >= 17 && number <= 32) return `xmm${number - 17}`
  if (number >= 33 && number <= 40) return `st${number - 33}`
  if (number >= 41 && number <= 48) return `mm${number - 41}`
  if (number === 49) return 'eflags'
  if (number >= 50 && number <= 55) return segments[number - 50]
  if (number === 58) return 'fs_base'
  if (number === 59) return 'gs_base'
  if (number === 64) return 'mxcsr'
  if (number >= 67 && number <= 82) return `xmm${number - 51}`
  if (number >= 118 && number <= 125) return `k${number - 118}`
  return undefined
}

/** The 8 bytes of an integer register. */
export function registerBytes(registers: RegisterFile, number: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, registers[number * 2], true)
  view.setUint32(4, registers[number * 2 + 1], true)
  return bytes
}

const PAGE = 4096

/** Reads memory; throws `expression-memory` with the first address that is not there. */
export function readAll({ readMemory }: ThreadState, address: number, size: number): Uint8Array {
  const bytes = readMemory(address, size)
  if (bytes !== undefined) return bytes
  if (address + size <= address) throw unreadable(address)
  for (let at = address; at < address + size; at = at - (at % PAGE) + PAGE)
    if (readMemory(at, Math.min(address + size - at, PAGE - (at % PAGE))) === undefined) throw unreadable(at)
  // Readable page by page: put together.
  const whole = new Uint8Array(size)
  for (let at = address; at < address + size; at = at - (at % PAGE) + PAGE)
    whole.set(readMemory(at, Math.min(address + size - at, PAGE - (at % PAGE)))!, at - address)
  return whole
}
