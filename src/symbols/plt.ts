/** Exists because a call of a shared library goes through a stub that has no symbol: names the stubs, `malloc@plt`. */

import { SHT, STT } from '../elf/constants.ts'
import type { ElfFile } from '../elf/file.ts'
import { ByteReader } from '../elf/reader.ts'
import { sectionBytes } from '../elf/sections.ts'

/** A stub of the procedure linkage table, addresses without load bias. */
export interface PltSymbol {
  readonly name: string
  readonly start: number
  readonly end: number
}

const STUB_SIZES: Record<string, number> = { '.plt': 16, '.iplt': 16, '.plt.sec': 16, '.plt.got': 8 }
const SHT_RELA = 4
const R_X86_64_IRELATIVE = 37

/**
 * The stubs of `elf`. Each jumps through a slot of the global offset table (`jmp *disp(%rip)`: ff 25 disp32, perhaps after endbr64 or
 * a bnd prefix); the relocation of that slot has the name. With `indirect` also those of a static program, and of glibc itself, whose
 * slots are filled by the resolver of an indirect function (STT_GNU_IFUNC): the stub is named as the function.
 */
export function pltSymbols(elf: ElfFile, indirect = false): PltSymbol[] {
  const stubs = elf.sections.filter(({ name, type }) => name in STUB_SIZES && type !== SHT.NOBITS)
  if (stubs.length === 0) return []
  const names = slotNames(elf)
  if (indirect) addIndirect(elf, names)
  const symbols: PltSymbol[] = []
  for (const section of stubs) {
    const bytes = sectionBytes(elf.bytes, section, elf.name)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    // Static programs have short stubs in a section that does not say how long they are.
    const short = indirect && section.entsize === 0 && bytes[0] === 0xff && bytes[8] === 0xff && bytes[9] === 0x25
    const size = section.name === '.plt.got' && section.entsize === 16 ? 16 : short ? 8 : STUB_SIZES[section.name]
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

function addIndirect(elf: ElfFile, names: Map<number, string>): void {
  const symbols = elf.symtab() ?? elf.dynsym()
  if (symbols === undefined) return
  const resolvers = new Map<number, string>()
  for (let i = 1; i < symbols.count; i++)
    if (symbols.typeOf(i) === STT.GNU_IFUNC) {
      const known = resolvers.get(symbols.valueOf(i))
      const name = symbols.nameOf(i)
      // Of aliases the plain one: `strcpy` rather than `__strcpy`.
      if (known === undefined || known.startsWith('_')) resolvers.set(symbols.valueOf(i), name)
    }
  for (const section of elf.sections) {
    if (section.type !== SHT_RELA) continue
    const reader = new ByteReader(sectionBytes(elf.bytes, section, elf.name), `${elf.name}: ${section.name}`)
    while (reader.offset + 24 <= reader.end) {
      const slot = reader.u64()
      const type = reader.u32()
      reader.u32()
      const name = resolvers.get(reader.u64())
      if (type === R_X86_64_IRELATIVE && name !== undefined) names.set(slot, name)
    }
  }
}
