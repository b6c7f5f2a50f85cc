/** Exists because debugging information is spread over a dozen sections that refer to one another by offset and index. */

import type { ElfFile } from '../../elf/file.ts'
import { ByteReader, stringAt } from '../../elf/reader.ts'
import type { Inflate } from '../../elf/sections.ts'

/** The debugging sections of one file, found and decompressed when first asked for. */
export class DwarfData {
  readonly elf: ElfFile
  private readonly inflate: Inflate
  private readonly found = new Map<string, Uint8Array>()
  /** The sections of the supplementary file, where there is one and it is at hand. */
  supplement: (() => DwarfData | undefined) | undefined

  constructor(elf: ElfFile, inflate: Inflate) {
    this.elf = elf
    this.inflate = inflate
  }

  /** The contents of `.debug_<name>` (or its older compressed form `.zdebug_<name>`); empty if there is none. */
  section(name: string): Uint8Array {
    let bytes = this.found.get(name)
    if (bytes === undefined) {
      bytes =
        this.elf.sectionContents(`.debug_${name}`, this.inflate) ??
        this.elf.sectionContents(`.zdebug_${name}`, this.inflate) ??
        new Uint8Array()
      this.found.set(name, bytes)
    }
    return bytes
  }

  /** The string at `offset` of the supplementary file's strings. */
  supplementaryString(offset: number): string | undefined {
    return this.supplement?.()?.string('str', offset)
  }

  /** A cursor on `.debug_<name>` from `offset`. */
  reader(name: string, offset = 0): ByteReader {
    return new ByteReader(this.section(name), `${this.elf.name}: .debug_${name}`, offset)
  }

  /** The string at `offset` of `.debug_<name>`, where name is `str` or `line_str`. */
  string(name: 'str' | 'line_str', offset: number): string {
    return stringAt(this.section(name), offset)
  }
}
