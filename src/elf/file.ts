/** Exists as the one way to look at an ELF file: headers checked at once and cheaply, everything else parsed when first asked for. */

import { LemmingError } from '../base/errors.ts'
import { DT, ET, PF, PT, SHT } from './constants.ts'
import type { ElfHeader } from './header.ts'
import { corruptElf, parseElfHeader } from './header.ts'
import { buildIdOf, parseNotes } from './notes.ts'
import { decodeText, ByteReader, stringAt } from './reader.ts'
import type { Inflate, Section } from './sections.ts'
import { parseSections, sectionBytes, sectionContents } from './sections.ts'
import type { Segment } from './segments.ts'
import { parseSegments } from './segments.ts'
import { gnuHashSymbolCount, SymbolTable } from './symbol-table.ts'

const PATH_MAX = 4096

/** One entry of the dynamic section: a tag of `DT` and its value. */
export interface DynamicEntry {
  readonly tag: number
  readonly value: number
}

/** What a file is read for: to be loaded (`program`), or for its symbols only (`debug`: its segments may have no bytes). */
export type ElfPurpose = 'program' | 'debug'

/** An x86-64 ELF executable or shared object. Addresses are without load bias; `bytes` must not change while it is used. */
export class ElfFile {
  /** As in messages: the path it was read from. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly header: ElfHeader
  readonly segments: readonly Segment[]
  private sectionsCache: readonly Section[] | undefined
  private dynamicCache: readonly DynamicEntry[] | undefined
  private symtabCache: SymbolTable | undefined
  private dynsymCache: SymbolTable | undefined

  constructor(bytes: Uint8Array, name: string, purpose: ElfPurpose) {
    this.name = name
    this.bytes = bytes
    this.header = parseElfHeader(bytes, name, purpose === 'debug')
    this.segments = parseSegments(bytes, this.header, name, purpose === 'program')
  }

  /** True for a file that may be loaded at any address (`ET_DYN`). */
  get positionIndependent(): boolean {
    return this.header.type === ET.DYN
  }

  /** The segments that are mapped, ascending in address as the format demands. Throws `elf-corrupt` if they are not. */
  loadSegments(): readonly Segment[] {
    const loads = this.segments.filter(({ type }) => type === PT.LOAD)
    for (let i = 1; i < loads.length; i++) {
      if (loads[i].vaddr < loads[i - 1].vaddr + loads[i - 1].memsz)
        throw corruptElf(this.name, 'the LOAD segments overlap or are not in ascending order')
    }
    return loads
  }

  /** The first segment of a type of `PT`. */
  segment(type: number): Segment | undefined {
    return this.segments.find((segment) => segment.type === type)
  }

  /** The bytes of a segment in the file. */
  segmentBytes(segment: Segment): Uint8Array {
    return this.bytes.subarray(segment.offset, segment.offset + segment.filesz)
  }

  /** The path of the program interpreter (`PT_INTERP`), or undefined for a static program. Throws `elf-corrupt`. */
  interpreter(): string | undefined {
    const segment = this.segment(PT.INTERP)
    if (segment === undefined) return undefined
    const { offset, filesz } = segment
    if (filesz < 2 || filesz > PATH_MAX || this.bytes[offset + filesz - 1] !== 0)
      throw corruptElf(this.name, 'the interpreter path (PT_INTERP) is not a string')
    return stringAt(this.bytes.subarray(offset, offset + filesz), 0)
  }

  /** Whether the program asks for an executable stack; as in Linux, a missing `PT_GNU_STACK` does. */
  executableStack(): boolean {
    const segment = this.segment(PT.GNU_STACK)
    return segment === undefined || (segment.flags & PF.X) !== 0
  }

  /** The offset in the file of address `vaddr`, or undefined when no LOAD segment has bytes for it. */
  fileOffset(vaddr: number): number | undefined {
    for (const segment of this.segments) {
      if (segment.type === PT.LOAD && vaddr >= segment.vaddr && vaddr < segment.vaddr + segment.filesz)
        return vaddr - segment.vaddr + segment.offset
    }
    return undefined
  }

  /** The section headers; empty if the file has none. Throws `elf-truncated`, `elf-corrupt`. */
  get sections(): readonly Section[] {
    this.sectionsCache ??= parseSections(this.bytes, this.header, this.name)
    return this.sectionsCache
  }

  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name)
  }

  /** The contents of the section called `name`, decompressed by `inflate`; undefined if the file has no such section, or no bytes of it. */
  sectionContents(name: string, inflate: Inflate): Uint8Array | undefined {
    const section = this.section(name)
    if (section === undefined || section.type === SHT.NOBITS) return undefined
    return sectionContents(this.bytes, section, this.name, inflate)
  }

  /** The build-id in lower-case hex, from the note segments or (debug files) sections. */
  buildId(): string | undefined {
    for (const segment of this.segments) {
      if (segment.type !== PT.NOTE) continue
      const id = buildIdOf(parseNotes(this.segmentBytes(segment), segment.align))
      if (id !== undefined) return id
    }
    for (const section of this.sections) {
      if (section.type !== SHT.NOTE) continue
      const id = buildIdOf(parseNotes(sectionBytes(this.bytes, section, this.name), 4))
      if (id !== undefined) return id
    }
    return undefined
  }

  /** The dynamic section up to its `DT_NULL`; empty for a static program. */
  get dynamic(): readonly DynamicEntry[] {
    this.dynamicCache ??= this.parseDynamic()
    return this.dynamicCache
  }

  /** The value of the first dynamic entry with a tag of `DT`. */
  dynamicValue(tag: number): number | undefined {
    return this.dynamic.find((entry) => entry.tag === tag)?.value
  }

  /** Names of the shared objects this one needs (`DT_NEEDED`), in order. */
  needed(): string[] {
    return this.dynamic.filter(({ tag }) => tag === DT.NEEDED).map(({ value }) => this.dynamicString(value))
  }

  /** Directories in which its shared objects are looked for: those of `DT_RPATH` or `DT_RUNPATH`, with `$ORIGIN` and the like as they stand there. */
  searchPath(tag: typeof DT.RPATH | typeof DT.RUNPATH): string[] {
    const value = this.dynamicValue(tag)
    return value === undefined
      ? []
      : this.dynamicString(value)
          .split(':')
          .filter((path) => path !== '')
  }

  /** The name a shared object gives itself (`DT_SONAME`). */
  soname(): string | undefined {
    const value = this.dynamicValue(DT.SONAME)
    return value === undefined ? undefined : this.dynamicString(value)
  }

  /** The full symbol table, or undefined if it is stripped. */
  symtab(): SymbolTable | undefined {
    this.symtabCache ??= this.symbolSection(SHT.SYMTAB)
    return this.symtabCache
  }

  /** The dynamic symbols, found without section headers if there are none; undefined for a static program. */
  dynsym(): SymbolTable | undefined {
    this.dynsymCache ??= this.symbolSection(SHT.DYNSYM) ?? this.dynsymFromDynamic()
    return this.dynsymCache
  }

  private symbolSection(type: number): SymbolTable | undefined {
    const section = this.sections.find((candidate) => candidate.type === type)
    if (section === undefined) return undefined
    const strings = this.sections[section.link]
    if (strings === undefined)
      throw corruptElf(this.name, `section ${section.name} names string table ${section.link}, which does not exist`)
    return new SymbolTable(sectionBytes(this.bytes, section, this.name), sectionBytes(this.bytes, strings, this.name))
  }

  private parseDynamic(): DynamicEntry[] {
    const segment = this.segment(PT.DYNAMIC)
    if (segment === undefined) return []
    const entries: DynamicEntry[] = []
    const reader = new ByteReader(this.segmentBytes(segment), `${this.name}: the dynamic section`)
    while (reader.offset + 16 <= reader.end) {
      const tag = reader.i64()
      const value = reader.u64()
      if (tag === DT.NULL) break
      entries.push({ tag, value })
    }
    return entries
  }

  /** The bytes of the file from address `vaddr` to the end of its segment; throws `elf-corrupt`, naming `what`. */
  private bytesAt(vaddr: number, what: string): Uint8Array {
    const offset = this.fileOffset(vaddr)
    if (offset === undefined) throw corruptElf(this.name, `${what} at 0x${vaddr.toString(16)} is in no LOAD segment`)
    return this.bytes.subarray(offset)
  }

  private dynamicString(offset: number): string {
    const table = this.bytesAt(this.dynamicValue(DT.STRTAB) ?? 0, 'the dynamic string table (DT_STRTAB)')
    const stop = table.indexOf(0, offset)
    if (stop < 0) throw corruptElf(this.name, `a name in the dynamic string table at offset ${offset} has no end`)
    return decodeText(table, offset, stop)
  }

  private dynsymFromDynamic(): SymbolTable | undefined {
    const symbols = this.dynamicValue(DT.SYMTAB)
    const strings = this.dynamicValue(DT.STRTAB)
    if (symbols === undefined || strings === undefined) return undefined
    const count = this.dynsymCount()
    const table = this.bytesAt(symbols, 'the dynamic symbol table (DT_SYMTAB)').subarray(0, count * 24)
    const names = this.bytesAt(strings, 'the dynamic string table (DT_STRTAB)').subarray(0, this.dynamicValue(DT.STRSZ))
    return new SymbolTable(table, names)
  }

  private dynsymCount(): number {
    const hash = this.dynamicValue(DT.HASH)
    if (hash !== undefined) {
      const reader = new ByteReader(this.bytesAt(hash, 'the hash table (DT_HASH)'), `${this.name}: the hash table`)
      reader.u32()
      return reader.u32()
    }
    const gnuHash = this.dynamicValue(DT.GNU_HASH)
    return gnuHash === undefined ? 0 : gnuHashSymbolCount(this.bytesAt(gnuHash, 'the hash table (DT_GNU_HASH)'))
  }
}

/** Reads `bytes` as an x86-64 program; `name` (its path) goes into messages. Throws a LemmingError: see {@link parseElfHeader} and {@link parseSegments}. */
export function parseElf(bytes: Uint8Array, name: string, purpose: ElfPurpose = 'program'): ElfFile {
  return new ElfFile(bytes, name, purpose)
}

/** True when `error` says that a file is no usable ELF, as opposed to a mistake of ours. */
export function isElfError(error: unknown): error is LemmingError {
  return error instanceof LemmingError && (error.code.startsWith('elf-') || error.code === 'truncated-data')
}
