/** Exists because symbols and debugging information are found by section name, and may be compressed. */

import { LemmingError } from '../base/errors.ts'
import { SHF, SHT } from './constants.ts'
import type { ElfHeader } from './header.ts'
import { corruptElf, SECTION_HEADER_SIZE, truncatedElf } from './header.ts'
import { ByteReader, stringAt } from './reader.ts'

/** One section header; offsets and sizes in bytes, `addr` without load bias. */
export interface Section {
  readonly name: string
  /** `SHT.*` */
  readonly type: number
  /** Bits of `SHF`. */
  readonly flags: number
  readonly addr: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
  readonly entsize: number
}

/** Decompresses `bytes`, which hold `size` bytes when unpacked. Passed in, because this layer sees no host. */
export type Inflate = (bytes: Uint8Array, format: 'zlib' | 'zstd', size: number) => Uint8Array

/** Parses the section header table; empty for a file that has none (they are not needed to run). Throws `elf-truncated` or `elf-corrupt`. */
export function parseSections(bytes: Uint8Array, header: ElfHeader, name: string): Section[] {
  const tableSize = header.shnum * SECTION_HEADER_SIZE
  if (header.shoff + tableSize > bytes.length)
    throw truncatedElf(name, 'the section header table', header.shoff, tableSize, bytes.length)
  const raw: { nameOffset: number; section: Omit<Section, 'name'> }[] = []
  const reader = new ByteReader(bytes, name, header.shoff)
  for (let i = 0; i < header.shnum; i++) {
    const nameOffset = reader.u32()
    const type = reader.u32()
    const flags = reader.u64()
    const addr = reader.u64()
    const offset = reader.u64()
    const size = reader.u64()
    const link = reader.u32()
    const info = reader.u32()
    reader.u64()
    const entsize = reader.u64()
    raw.push({ nameOffset, section: { type, flags, addr, offset, size, link, info, entsize } })
  }
  if (raw.length === 0) return []
  const names = raw[header.shstrndx]
  if (names === undefined) throw corruptElf(name, `section name table ${header.shstrndx} of ${raw.length} sections`)
  const { offset, size } = names.section
  if (offset + size > bytes.length) throw truncatedElf(name, 'the section name table', offset, size, bytes.length)
  const strings = bytes.subarray(offset, offset + size)
  return raw.map(({ nameOffset, section }) => ({ name: stringAt(strings, nameOffset), ...section }))
}

/** The bytes of `section` as they are in the file; empty for one without bytes (`.bss`, stripped). Throws `elf-truncated`. */
export function sectionBytes(bytes: Uint8Array, section: Section, name: string): Uint8Array {
  if (section.type === SHT.NOBITS) return bytes.subarray(0, 0)
  const end = section.offset + section.size
  if (end > bytes.length)
    throw truncatedElf(name, `section ${section.name}`, section.offset, section.size, bytes.length)
  return bytes.subarray(section.offset, end)
}

/**
 * The contents of `section`, decompressed if it is compressed: by `SHF_COMPRESSED` (gABI) or in the older GNU form, a `.zdebug_*`
 * section that starts with `ZLIB` and a big-endian size.
 */
export function sectionContents(bytes: Uint8Array, section: Section, name: string, inflate: Inflate): Uint8Array {
  const stored = sectionBytes(bytes, section, name)
  if ((section.flags & SHF.COMPRESSED) !== 0) {
    const reader = new ByteReader(stored, `${name}: section ${section.name}`)
    const type = reader.u32()
    reader.u32()
    const size = reader.u64()
    reader.u64()
    if (type !== 1 && type !== 2) {
      throw new LemmingError(
        'elf-compression',
        `${name}: section ${section.name} has unknown compression type ${type}`,
        'build with -gz=none, -gz=zlib or -gz=zstd',
      )
    }
    return inflate(stored.subarray(reader.offset), type === 1 ? 'zlib' : 'zstd', size)
  }
  if (section.name.startsWith('.zdebug') && stored.length >= 12 && stringAt(stored.subarray(0, 4), 0) === 'ZLIB') {
    const size = new DataView(stored.buffer, stored.byteOffset).getUint32(8)
    return inflate(stored.subarray(12), 'zlib', size)
  }
  return stored
}
