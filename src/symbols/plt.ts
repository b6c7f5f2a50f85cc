/** Exists because a call of a shared library goes through a stub that has no symbol: names the stubs, `malloc@plt`. */

import { SHT } from '../elf/constants.ts'
import type { ElfFile } from '../elf/file.ts'
import { ByteReader } from '../elf/reader.ts'
import { sectionBytes } from '../elf/sections.ts'

/** A stub of the procedure linkage table, addresses without load bias. */
export interface PltSymbol {
  readonly name: string
  readonly start: number
  readonly end: number
}

const STUB_SIZES: Record<string, number> = { '.plt': 16, '.plt.sec': 16, '.plt.got': 8 }
const SHT_RELA = 4

/**
 * The stubs of `elf`. Each jumps through a slot of the global offset table (`jmp *disp(%rip)`: ff 25 disp32, perhaps after endbr64 or
 * a bnd prefix); the relocation of that slot has the name.
 */
export function pltSymbols(elf: ElfFile): PltSymbol[] {
  const stubs = elf.sections.filter(({ name, type }) => name in STUB_SIZES && type !== SHT.NOBITS)
  if (stubs.length === 0) return []
  const names = slotNames(elf)
  const symbols: PltSymbol[] = []
  for (const section of stubs) {
    const bytes = sectionBytes(elf.bytes, section, elf.name)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const size = section.name === '.plt.got' && section.entsize === 16 ? 16 : STUB_SIZES[section.name]
    for (let at = 0; at + size <= bytes.length; at += size) {
      for (let i = at; i + 6 <= at + size; i++) {
        if (bytes[i] !== 0xff || bytes[i + 1] !== 0x25) continue
        const slot = section.addr + i + 6 + view.getInt32(i + 2, true)
        const name = names.get(slot)
        if (name !== undefined)
          symbols.push({ name: `${name}@plt`, start: section.addr + at, end: section.addr + at + size })
        break
      }
    }
  }
  return symbols
}

/** The symbol each relocated slot of the global offset table points to. */
function slotNames(elf: ElfFile): Map<number, string> {
  const names = new Map<number, string>()
  const symbols = elf.dynsym()
  if (symbols === undefined) return names
  for (const section of elf.sections) {
    if (section.type !== SHT_RELA || (section.name !== '.rela.plt' && section.name !== '.rela.dyn')) continue
    const reader = new ByteReader(sectionBytes(elf.bytes, section, elf.name), `${elf.name}: ${section.name}`)
    while (reader.offset + 24 <= reader.end) {
      const slot = reader.u64()
      reader.u32()
      const symbol = reader.u32()
      reader.take(8)
      if (symbol !== 0 && symbol < symbols.count) names.set(slot, symbols.nameOf(symbol))
    }
  }
  return names
}
