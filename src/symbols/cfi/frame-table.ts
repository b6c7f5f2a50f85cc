/** Exists to find the unwind entry of an address: through the sorted table of `.eh_frame_hdr`, or by reading a section once. */

import { PT, SHT } from '../../elf/constants.ts'
import type { ElfFile } from '../../elf/file.ts'
import { ByteReader } from '../../elf/reader.ts'
import type { Inflate, Section } from '../../elf/sections.ts'
import { IntervalIndex } from '../interval-index.ts'
import type { Cie, Fde, FrameSection } from './frame-info.ts'
import { readCie, readEncoded, readEntryHeader, readFde } from './frame-info.ts'

/** An unwind entry and the section its instructions lie in. */
export interface FoundFde {
  readonly fde: Fde
  readonly section: FrameSection
}

/** One way to look up the unwind entry of an address (without load bias). */
interface FrameTable {
  find(address: number): FoundFde | undefined
}

/** All unwind tables of an object: `.eh_frame` first, then `.debug_frame` of the file or of its separate debug file. */
export class UnwindTables {
  private readonly tables: readonly (() => FrameTable | undefined)[]
  private readonly opened: (FrameTable | undefined)[] = []

  /** `debugFile` is asked for when the tables of `elf` itself have nothing. */
  constructor(elf: ElfFile, debugFile: (() => ElfFile | undefined) | undefined, inflate: Inflate) {
    this.tables = [
      () => hdrTable(elf) ?? linearTable(sectionOf(elf, '.eh_frame', 'eh', inflate)),
      () => linearTable(sectionOf(elf, '.debug_frame', 'debug', inflate)),
      () => {
        const file = debugFile?.()
        return file && linearTable(sectionOf(file, '.debug_frame', 'debug', inflate))
      },
    ]
  }

  /** The entry of the function that holds `address`. */
  find(address: number): FoundFde | undefined {
    for (let i = 0; i < this.tables.length; i++) {
      if (this.opened.length <= i) this.opened.push(this.tables[i]())
      const found = this.opened[i]?.find(address)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function frameSection(name: string, bytes: Uint8Array, address: number, kind: 'eh' | 'debug'): FrameSection {
  return { name, bytes, address, kind, reader: (offset) => new ByteReader(bytes, name, offset) }
}

function sectionOf(elf: ElfFile, name: string, kind: 'eh' | 'debug', inflate: Inflate): FrameSection | undefined {
  const header: Section | undefined = elf.section(name) ?? elf.section(name.replace('.', '.z'))
  if (header === undefined || header.type === SHT.NOBITS) return undefined
  const bytes = elf.sectionContents(header.name, inflate)
  return bytes && frameSection(`${elf.name}: ${name}`, bytes, header.addr, kind)
}

/** Reads all entries of a section. */
function linearTable(section: FrameSection | undefined): FrameTable | undefined {
  if (section === undefined) return undefined
  const cies = new Map<number, Cie>()
  const fdes: Fde[] = []
  const index = new IntervalIndex()
  for (
    let offset = 0, header = readEntryHeader(section, 0);
    header !== undefined;
    header = readEntryHeader(section, offset)
  ) {
    if (!header.isCie) {
      const fde = readFde(section, header, cieAt(section, header.cieOffset, cies))
      if (fde.pcStart > 0) index.add(fde.pcStart, fde.pcEnd, fdes.push(fde) - 1)
    }
    offset = header.next
  }
  return {
    find(address) {
      const i = index.find(address)
      return i < 0 ? undefined : { fde: fdes[i], section }
    },
  }
}

function cieAt(section: FrameSection, offset: number, cies: Map<number, Cie>): Cie {
  let cie = cies.get(offset)
  if (cie === undefined) {
    cie = readCie(section, offset)
    cies.set(offset, cie)
  }
  return cie
}

/** Encoding of the search table that all linkers write: 4-byte distances from `.eh_frame_hdr`. */
const DATAREL_SDATA4 = 0x3b

/** The binary search table of `.eh_frame_hdr` (LSB 5.0, 10.6.2), found by its segment so that no section headers are needed. */
function hdrTable(elf: ElfFile): FrameTable | undefined {
  const segment = elf.segment(PT.GNU_EH_FRAME)
  if (segment === undefined || segment.filesz < 12) return undefined
  const name = `${elf.name}: .eh_frame_hdr`
  const reader = new ByteReader(elf.segmentBytes(segment), name)
  if (reader.u8() !== 1) return undefined
  const pointerEncoding = reader.u8()
  const countEncoding = reader.u8()
  const tableEncoding = reader.u8()
  if (pointerEncoding === 0xff || countEncoding === 0xff || tableEncoding !== DATAREL_SDATA4) return undefined
  const frameAddress = readEncoded(reader, pointerEncoding, segment.vaddr, segment.vaddr)
  const count = readEncoded(reader, countEncoding, segment.vaddr, segment.vaddr)
  const table = reader.slice(count * 8)
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const offset = elf.fileOffset(frameAddress)
  if (offset === undefined) return undefined
  const section = frameSection(`${elf.name}: .eh_frame`, elf.bytes.subarray(offset), frameAddress, 'eh')
  const cies = new Map<number, Cie>()
  return {
    find(address) {
      const wanted = address - segment.vaddr
      let low = 0
      let high = count
      while (low < high) {
        const middle = (low + high) >>> 1
        if (view.getInt32(middle * 8, true) <= wanted) low = middle + 1
        else high = middle
      }
      if (low === 0) return undefined
      const entry = segment.vaddr + view.getInt32(low * 8 - 4, true) - frameAddress
      const header = readEntryHeader(section, entry)
      if (header === undefined || header.isCie) return undefined
      const fde = readFde(section, header, cieAt(section, header.cieOffset, cies))
      return address < fde.pcEnd ? { fde, section } : undefined
    },
  }
}
