/** Exists because the unwind tables are read in two places with two dialects: entries of `.eh_frame` and `.debug_frame`. */

import { LemmingError } from '../../base/errors.ts'
import type { ByteReader } from '../../elf/reader.ts'

/** A common information entry: what the functions of one object file share (DWARF 5, 6.4.1; LSB 5.0, 10.6). */
export interface Cie {
  readonly codeAlignment: number
  readonly dataAlignment: number
  readonly returnRegister: number
  /** How addresses in its frame entries are encoded (`DW_EH_PE_*`). */
  readonly encoding: number
  /** Whether frame entries have an augmentation of their own, to be stepped over. */
  readonly augmented: boolean
  /** Frames of its functions were interrupted, not called: their caller's pc is exact. */
  readonly signalFrame: boolean
  /** Initial instructions: offsets in the section. */
  readonly start: number
  readonly end: number
}

/** A frame description entry: the code of one function, addresses without load bias. */
export interface Fde {
  readonly cie: Cie
  readonly pcStart: number
  readonly pcEnd: number
  /** Its instructions: offsets in the section. */
  readonly start: number
  readonly end: number
}

/** A section of unwind tables. `address` is where the first byte lies in memory without load bias, for relative addresses. */
export interface FrameSection {
  readonly name: string
  readonly bytes: Uint8Array
  readonly address: number
  /** `.eh_frame` points to a CIE by a distance back, `.debug_frame` by an offset. */
  readonly kind: 'eh' | 'debug'
  reader(offset: number): ByteReader
}

const PE = { absptr: 0, udata2: 2, udata4: 3, udata8: 4, sdata2: 10, sdata4: 11, sdata8: 12, omit: 0xff } as const
const PE_PCREL = 0x10
const PE_DATAREL = 0x30

/** Reads an encoded address at the cursor (LSB 5.0, 10.5.1); `address` is that of the section, `base` what `datarel` is relative to. */
export function readEncoded(reader: ByteReader, encoding: number, address: number, base: number): number {
  const at = address + reader.offset
  const value = readEncodedValue(reader, encoding)
  const application = encoding & 0x70
  if (application === 0) return value
  if (application === PE_PCREL) return at + value
  if (application === PE_DATAREL) return base + value
  throw new LemmingError(
    'unwind-encoding',
    `${reader.what}: pointer encoding 0x${encoding.toString(16)} is not supported`,
  )
}

function readEncodedValue(reader: ByteReader, encoding: number): number {
  switch (encoding & 0x0f) {
    case PE.absptr:
    case PE.udata8:
      return reader.u64()
    case PE.udata2:
      return reader.u16()
    case PE.udata4:
      return reader.u32()
    case PE.sdata2:
      return reader.i16()
    case PE.sdata4:
      return reader.i32()
    case PE.sdata8:
      return reader.i64()
    case 1:
      return reader.uleb()
    case 9:
      return reader.sleb()
    default:
      throw new LemmingError(
        'unwind-encoding',
        `${reader.what}: pointer encoding 0x${encoding.toString(16)} is not supported`,
      )
  }
}

/** The entry at `offset`: a CIE, an FDE (with the offset of its CIE), or the end of the section. `next` is where the following one starts. */
export interface EntryHeader {
  readonly isCie: boolean
  readonly cieOffset: number
  readonly next: number
  readonly body: number
}

/** Reads the length and the CIE pointer of the entry at `offset`; undefined at the terminator or the end. */
export function readEntryHeader(section: FrameSection, offset: number): EntryHeader | undefined {
  const reader = section.reader(offset)
  if (reader.offset + 4 > reader.end) return undefined
  const length = reader.u32()
  if (length === 0)
    return section.kind === 'eh' ? undefined : { isCie: true, cieOffset: offset, next: offset + 4, body: offset + 4 }
  const wide = length === 0xffffffff
  const size = wide ? reader.u64() : length
  const next = reader.offset + size
  const at = reader.offset
  const pointer = wide && section.kind === 'debug' ? reader.u64() : reader.u32()
  const isCie = section.kind === 'eh' ? pointer === 0 : pointer >= 0xffffffff
  const cieOffset = section.kind === 'eh' ? at - pointer : pointer
  return { isCie, cieOffset, next, body: reader.offset }
}

/** Parses the CIE at `offset`. Throws `unwind-augmentation` for one that cannot be understood. */
export function readCie(section: FrameSection, offset: number): Cie {
  const header = readEntryHeader(section, offset)
  if (header === undefined || !header.isCie)
    throw new LemmingError('unwind-tables', `${section.name}: no CIE at offset 0x${offset.toString(16)}`)
  const reader = section.reader(header.body)
  const version = reader.u8()
  const augmentation = reader.cstring()
  if (version >= 4) reader.take(2)
  if (augmentation.startsWith('eh')) reader.take(8)
  const codeAlignment = reader.uleb()
  const dataAlignment = reader.sleb()
  const returnRegister = version === 1 ? reader.u8() : reader.uleb()
  let encoding = 0
  let signalFrame = false
  let start = reader.offset
  const augmented = augmentation.startsWith('z')
  if (augmented) {
    const size = reader.uleb()
    start = reader.offset + size
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') encoding = reader.u8()
      else if (letter === 'S') signalFrame = true
      else if (letter === 'L') reader.take(1)
      else if (letter === 'P') readEncodedValue(reader, reader.u8())
      else if (letter !== 'B') break
    }
  } else if (augmentation !== '' && augmentation !== 'eh') {
    throw new LemmingError('unwind-augmentation', `${section.name}: unknown CIE augmentation "${augmentation}"`)
  }
  return { codeAlignment, dataAlignment, returnRegister, encoding, augmented, signalFrame, start, end: header.next }
}

/** Parses the FDE whose header has been read; `cie` is the one it points to. */
export function readFde(section: FrameSection, header: EntryHeader, cie: Cie): Fde {
  const reader = section.reader(header.body)
  const pcStart = readEncoded(reader, cie.encoding, section.address, 0)
  const size = readEncodedValue(reader, cie.encoding & 0x0f)
  if (cie.augmented) reader.take(reader.uleb())
  return { cie, pcStart, pcEnd: pcStart + size, start: reader.offset, end: header.next }
}
