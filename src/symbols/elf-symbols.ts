/** Exists to name addresses by ELF symbols, for code without debugging information and for data. */

import { SHF, SHN, SHT, STB, STT } from '../elf/constants.ts'
import type { ElfFile } from '../elf/file.ts'
import type { SymbolTable } from '../elf/symbol-table.ts'
import { IntervalIndex } from './interval-index.ts'
import { pltSymbols } from './plt.ts'

/** A symbol with the range of addresses (without load bias) that it names. */
export interface NamedRange {
  readonly name: string
  readonly start: number
  readonly end: number
  /** A label in data, without a size: how far it reaches is a guess. */
  readonly isDataLabel?: boolean
}

/** A symbol found by name; `isThreadLocal` ones have an offset in the module's thread-local storage for an address. */
export interface NamedSymbol extends NamedRange {
  readonly isFunction: boolean
  readonly isThreadLocal: boolean
  /** What lies there returns the address of the function (STT_GNU_IFUNC). */
  readonly isIndirect: boolean
}

/** The symbols of one object by address: those of its full table, its dynamic table, and the stubs of its procedure linkage table. */
export class ElfSymbols {
  private readonly index = new IntervalIndex()
  private readonly candidates: Candidate[] = []
  private readonly tables: readonly SymbolTable[]
  private byName: Map<string, NamedSymbol> | undefined

  /** `tables` may lie in different files (a stripped program and its separate debug file); addresses and sections are those of `elf`. */
  constructor(elf: ElfFile, tables: readonly SymbolTable[]) {
    this.tables = tables
    const best = new Map<number, Candidate>()
    for (const table of tables) collect(table, best)
    for (const { name, start, end } of pltSymbols(elf, true)) {
      if (!best.has(start)) best.set(start, { name, start, end, rank: 0 })
    }
    const sorted = [...best.values()].sort((a, b) => a.start - b.start)
    const limits = sectionEnds(elf)
    sorted.forEach((candidate, i) => {
      if (candidate.end === candidate.start) {
        candidate.isDataLabel = limits.isData(candidate.start)
        candidate.end = Math.min(sorted[i + 1]?.start ?? Infinity, limits.after(candidate.start))
      }
      this.index.add(candidate.start, candidate.end, i)
    })
    this.candidates = sorted
  }

  /** The symbol called `name`, as in the file. */
  named(name: string): NamedSymbol | undefined {
    this.byName ??= nameIndex(this.tables)
    return this.byName.get(name)
  }

  /** The symbol whose range holds `address`; undefined between symbols. */
  find(address: number): NamedRange | undefined {
    const i = this.index.find(address)
    return i < 0 ? undefined : this.candidates[i]
  }
}

/** All defined symbols by name, global ones before local ones. */
function nameIndex(tables: readonly SymbolTable[]): Map<string, NamedSymbol> {
  const index = new Map<string, NamedSymbol>()
  const local = new Set<string>()
  for (const table of tables) {
    for (let i = 1; i < table.count; i++) {
      const section = table.sectionOf(i)
      const type = table.typeOf(i)
      if (section === SHN.UNDEF || type === STT.SECTION || type === STT.FILE) continue
      const name = table.nameOf(i)
      const isLocal = table.bindingOf(i) === STB.LOCAL
      if (name === '' || (index.has(name) && (isLocal || !local.has(name)))) continue
      const start = table.valueOf(i)
      const isFunction = type === STT.FUNC || type === STT.GNU_IFUNC
      const end = start + table.sizeOf(i)
      const isIndirect = type === STT.GNU_IFUNC
      index.set(name, { name, start, end, isFunction, isThreadLocal: type === STT.TLS, isIndirect })
      if (isLocal) local.add(name)
      else local.delete(name)
    }
  }
  return index
}

interface Candidate {
  name: string
  start: number
  end: number
  isDataLabel?: boolean
  rank: number
}

function collect(table: SymbolTable, best: Map<number, Candidate>): void {
  for (let i = 1; i < table.count; i++) {
    const section = table.sectionOf(i)
    const type = table.typeOf(i)
    const start = table.valueOf(i)
    if (section === SHN.UNDEF || section === SHN.ABS || start === 0) continue
    if (type === STT.SECTION || type === STT.FILE || type === STT.TLS) continue
    const size = table.sizeOf(i)
    const known = best.get(start)
    const rank = rankOf(type, table.bindingOf(i), size)
    if (known !== undefined && known.rank < rank) continue
    const name = table.nameOf(i)
    if (name === '' || (known !== undefined && !isBetter(name, rank, known))) continue
    best.set(start, { name, start, end: start + size, rank })
  }
}

/** Lower is better: functions and objects before labels, sized before unsized, visible before local. */
function rankOf(type: number, binding: number, size: number): number {
  const typed = type === STT.FUNC || type === STT.GNU_IFUNC || type === STT.OBJECT ? 0 : 4
  const sized = size > 0 ? 0 : 2
  return typed + sized + (binding === STB.LOCAL ? 1 : 0)
}

/** Of aliases, the one people know: `write` rather than `__write`, and of equals the first in the alphabet, so that the choice is stable. */
function isBetter(name: string, rank: number, known: Candidate): boolean {
  if (rank !== known.rank) return rank < known.rank
  const underscores = leadingUnderscores(name) - leadingUnderscores(known.name)
  if (underscores !== 0) return underscores < 0
  return name.length !== known.name.length ? name.length < known.name.length : name < known.name
}

function leadingUnderscores(name: string): number {
  if (name.startsWith('_Z') || name.startsWith('_R')) return 0
  return name.length - name.replace(/^_+/, '').length
}

/** Where the sections in memory end: a symbol without size reaches at most to the end of its section. */
function sectionEnds(elf: ElfFile): { after(address: number): number; isData(address: number): boolean } {
  const sections = elf.sections.filter(
    ({ flags, type, size }) => (flags & SHF.ALLOC) !== 0 && (flags & SHF.TLS) === 0 && size > 0 && type !== SHT.NOTE,
  )
  const at = (address: number): (typeof sections)[number] | undefined =>
    sections.find(({ addr, size }) => address >= addr && address < addr + size)
  return {
    isData(address) {
      const section = at(address)
      return section !== undefined && (section.flags & SHF.EXECINSTR) === 0
    },
    after(address) {
      const section = at(address)
      return section === undefined ? address + 1 : section.addr + section.size
    },
  }
}
