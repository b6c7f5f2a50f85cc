/** Exists because a loader sees a program only through its program headers: segments, checked so that mapping them cannot go wrong. */

import { powerOfTwoFrom } from '../base/powers.ts'
import { PT } from './constants.ts'
import type { ElfHeader } from './header.ts'
import { corruptElf, PROGRAM_HEADER_SIZE, truncatedElf } from './header.ts'
import { ByteReader } from './reader.ts'

/** One program header; all sizes and offsets in bytes, `vaddr` without load bias. */
export interface Segment {
  /** `PT.*` */
  readonly type: number
  /** Bits of `PF`. */
  readonly flags: number
  readonly offset: number
  readonly vaddr: number
  readonly filesz: number
  readonly memsz: number
  readonly align: number
}

const typeNames: Record<number, string> = {}
for (const [name, type] of Object.entries(PT)) typeNames[type] = name

/** The name of a segment type as readelf prints it, or its number in hex. */
function segmentTypeName(type: number): string {
  return typeNames[type] ?? `0x${type.toString(16)}`
}

/**
 * Parses the program header table. With `contents` every segment must also lie within the file; a separate debug file keeps the
 * headers of the original without its bytes, and is read with `contents` false. Throws `elf-truncated` or `elf-corrupt`.
 */
export function parseSegments(bytes: Uint8Array, header: ElfHeader, name: string, contents: boolean): Segment[] {
  const tableSize = header.phnum * PROGRAM_HEADER_SIZE
  if (header.phoff + tableSize > bytes.length)
    throw truncatedElf(name, 'the program header table', header.phoff, tableSize, bytes.length)
  const reader = new ByteReader(bytes, name, header.phoff)
  const segments: Segment[] = []
  for (let i = 0; i < header.phnum; i++) {
    const type = reader.u32()
    const flags = reader.u32()
    const offset = reader.u64()
    const vaddr = reader.u64()
    reader.u64()
    const filesz = reader.u64()
    const memsz = reader.u64()
    const align = reader.u64()
    const segment = { type, flags, offset, vaddr, filesz, memsz, align }
    if (contents) checkSegment(segment, i, bytes.length, name)
    segments.push(segment)
  }
  return segments
}

function checkSegment(segment: Segment, index: number, length: number, name: string): void {
  const { type, offset, vaddr, filesz, memsz, align } = segment
  if (filesz === 0 && type !== PT.LOAD) return
  const what = `segment ${index} (${segmentTypeName(type)})`
  if (type === PT.LOAD) {
    if (filesz > memsz)
      throw corruptElf(name, `${what} has more bytes in the file (${filesz}) than in memory (${memsz})`)
    if (align > 1 && !isPowerOfTwo(align)) throw corruptElf(name, `${what} has alignment ${align}, not a power of two`)
    if (vaddr % 4096 !== offset % 4096)
      throw corruptElf(
        name,
        `${what} has address 0x${vaddr.toString(16)} and offset 0x${offset.toString(16)}, unequal within their pages`,
      )
    if (vaddr + memsz > 0x800000000000)
      throw corruptElf(name, `${what} ends at 0x${(vaddr + memsz).toString(16)}, beyond user space`)
  }
  if (offset + filesz > length) throw truncatedElf(name, what, offset, filesz, length)
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && powerOfTwoFrom(value) === value
}
