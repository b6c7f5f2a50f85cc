/** Exists to say in one clear line why a file cannot be run, before anything else looks at it: the ELF header and its validation. */

import { LemmingError } from '../base/errors.ts'
import { EM_X86_64, ET, machineName } from './constants.ts'
import { ByteReader } from './reader.ts'

/** The fields of the ELF header that anything reads; offsets and sizes in bytes, `phnum`/`shnum` already resolved by their escape values. */
export interface ElfHeader {
  /** `ET.EXEC` (fixed addresses) or `ET.DYN` (position-independent executable, shared object). */
  readonly type: number
  readonly osabi: number
  readonly entry: number
  readonly phoff: number
  readonly phnum: number
  readonly shoff: number
  readonly shnum: number
  readonly shstrndx: number
}

const HEADER_SIZE = 64
export const PROGRAM_HEADER_SIZE = 56
export const SECTION_HEADER_SIZE = 64
const PN_XNUM = 0xffff
const SHN_XINDEX = 0xffff

const build = 'lemming runs 64-bit little-endian x86-64 Linux programs: build the program for x86-64'

/**
 * Parses and validates the ELF header of `bytes`; `name` goes into messages. Throws a LemmingError with one of the codes `elf-not-elf`,
 * `elf-32-bit`, `elf-big-endian`, `elf-machine`, `elf-truncated`, `elf-type`, `elf-corrupt`.
 */
export function parseElfHeader(bytes: Uint8Array, name: string, isDebug = false): ElfHeader {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw new LemmingError(
      'elf-not-elf',
      `${name}: not an ELF file (${describeStart(bytes)})`,
      'give the path of a compiled x86-64 Linux program',
    )
  }
  if (bytes.length < 20) throw truncatedElf(name, 'the ELF header', 0, HEADER_SIZE, bytes.length)
  const elfClass = bytes[4]
  const data = bytes[5]
  const machine = data === 2 ? (bytes[18] << 8) | bytes[19] : bytes[18] | (bytes[19] << 8)
  if (elfClass === 1) {
    const what = machine === EM_X86_64 ? 'x32 ABI' : machineName(machine)
    throw new LemmingError('elf-32-bit', `${name}: 32-bit ELF (${what})`, build)
  }
  if (elfClass !== 2) throw corruptElf(name, `ELF class ${elfClass} is neither 32-bit nor 64-bit`)
  if (data === 2) throw new LemmingError('elf-big-endian', `${name}: big-endian ELF (${machineName(machine)})`, build)
  if (data !== 1) throw corruptElf(name, `data encoding ${data} is neither little-endian nor big-endian`)
  if (machine !== EM_X86_64)
    throw new LemmingError('elf-machine', `${name}: ELF of another machine (${machineName(machine)})`, build)
  if (bytes.length < HEADER_SIZE) throw truncatedElf(name, 'the ELF header', 0, HEADER_SIZE, bytes.length)

  const reader = new ByteReader(bytes, name, 16)
  const type = reader.u16()
  reader.offset = 24
  const entry = reader.u64()
  const phoff = reader.u64()
  const shoff = reader.u64()
  reader.offset = 54
  const phentsize = reader.u16()
  const rawPhnum = reader.u16()
  const shentsize = reader.u16()
  const rawShnum = reader.u16()
  const rawShstrndx = reader.u16()
  // Supplementary debug files have the type of objects, and are never loaded.
  if (!isDebug || type !== ET.REL) checkType(type, name)
  if (rawPhnum !== 0 && phentsize !== PROGRAM_HEADER_SIZE)
    throw corruptElf(name, `program header entries of ${phentsize} bytes, not ${PROGRAM_HEADER_SIZE}`)
  if (shoff !== 0 && rawShnum !== 0 && shentsize !== SECTION_HEADER_SIZE) {
    throw corruptElf(name, `section header entries of ${shentsize} bytes, not ${SECTION_HEADER_SIZE}`)
  }

  let phnum = rawPhnum
  let shnum = rawShnum
  let shstrndx = rawShstrndx
  if (shoff !== 0 && (rawPhnum === PN_XNUM || rawShnum === 0 || rawShstrndx === SHN_XINDEX)) {
    if (shoff + SECTION_HEADER_SIZE > bytes.length)
      throw truncatedElf(name, 'section header 0', shoff, SECTION_HEADER_SIZE, bytes.length)
    const first = new ByteReader(bytes, name, shoff + 32)
    const size = first.u64()
    const link = first.u32()
    const info = first.u32()
    if (rawPhnum === PN_XNUM) phnum = info
    if (rawShnum === 0) shnum = size
    if (rawShstrndx === SHN_XINDEX) shstrndx = link
  }
  return { type, osabi: bytes[7], entry, phoff, phnum, shoff, shnum: shoff === 0 ? 0 : shnum, shstrndx }
}

function checkType(type: number, name: string): void {
  if (type === ET.EXEC || type === ET.DYN) return
  if (type === ET.REL)
    throw new LemmingError(
      'elf-type',
      `${name}: relocatable object (.o), not a program`,
      'link it first, for example with gcc',
    )
  if (type === ET.CORE)
    throw new LemmingError('elf-type', `${name}: core dump, not a program`, 'give the program that dumped it')
  throw new LemmingError('elf-type', `${name}: ELF type ${type} is neither an executable nor a shared object`)
}

/** The error for a file that ends before the part named `part` does. */
export function truncatedElf(name: string, part: string, offset: number, size: number, length: number): LemmingError {
  const range = `0x${offset.toString(16)}..0x${(offset + size).toString(16)}`
  return new LemmingError(
    'elf-truncated',
    `${name}: truncated ELF: ${part} (bytes ${range}) lies behind the end of the file (0x${length.toString(16)})`,
    'copy or build the file again',
  )
}

/** The error for a field whose value no linker writes. */
export function corruptElf(name: string, what: string): LemmingError {
  return new LemmingError('elf-corrupt', `${name}: corrupt ELF: ${what}`, 'copy or build the file again')
}

function describeStart(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty'
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return 'a script, it starts with #!'
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return `it starts with the bytes ${start}`
}
