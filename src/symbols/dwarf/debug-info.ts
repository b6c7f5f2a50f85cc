/** Exists to answer with one question what the compiler said about an instruction: functions, inlined calls and source lines. */

import type { ElfFile } from '../../elf/file.ts'
import type { Inflate } from '../../elf/sections.ts'
import { DwarfData } from './data.ts'
import { DwarfFile } from './file.ts'
import type { CodeEntry } from './functions.ts'
import { FunctionTree } from './functions.ts'
import type { LineRange, LineTable, SourceLine } from './lines.ts'
import { place, readLineTable } from './lines.ts'
import type { FunctionName } from './names.ts'
import { functionName } from './names.ts'
import { type OpenFile, SplitUnits } from './split.ts'
import type { Unit } from './unit.ts'
import type { UnitIndex } from './unit-index.ts'

/** One function at an instruction, and the place in it: the current line, or the line of the inlined call. */
export interface CodePlace {
  readonly name: FunctionName
  readonly source?: SourceLine
}

/** The debugging information of one file. Units, line tables and functions are parsed when an address in them is first asked for. */
export class DebugInfo {
  /** The entries, for questions about variables and types. */
  readonly file: DwarfFile
  private readonly lineTables = new Map<number, LineTable | undefined>()
  private readonly trees = new Map<Unit, FunctionTree>()
  private readonly names = new Map<DwarfFile, Map<number, FunctionName>>()

  /** `supplement` opens the file that `dwz -m` has moved what files share to, `open` those of split units. */
  constructor(
    elf: ElfFile,
    inflate: Inflate,
    supplement: () => ElfFile | undefined = () => undefined,
    open: OpenFile = () => undefined,
  ) {
    const data = new DwarfData(elf, inflate)
    const openSupplement = (): DwarfFile | undefined => {
      const found = supplement()
      return found && new DwarfFile(new DwarfData(found, inflate), () => undefined)
    }
    // Only then are addresses in a section of their own; others need not be asked.
    const mayBeSplit = data.section('addr').length > 0
    const split = new SplitUnits(data, inflate, open)
    this.file = new DwarfFile(data, openSupplement, mayBeSplit ? (unit) => split.unitOf(unit) : undefined)
  }

  /** Whether the file has debugging information at all. */
  static isIn(elf: ElfFile): boolean {
    return elf.sections.some(({ name, type }) => (name === '.debug_info' || name === '.zdebug_info') && type !== 8)
  }

  /**
   * The functions at `address` (without load bias), innermost first: the last one holds the machine code, those before it were
   * inlined. Empty if the file says nothing about the address. Throws `dwarf-*` or `truncated-data` on damaged information.
   */
  at(address: number): CodePlace[] {
    for (const unit of this.units.at(address)) {
      const table = this.lineTable(unit)
      const source = table?.find(address)
      const chain = this.tree(unit).chain(address)
      if (chain.length > 0) return this.places(unit, chain, source, table)
      if (source !== undefined) return [{ name: {}, source }]
    }
    return []
  }

  /** The row of a line table that holds `address`, and the addresses that it covers. */
  lineRange(address: number): LineRange | undefined {
    for (const unit of this.units.at(address)) {
      const found = this.lineTable(unit)?.range(address)
      if (found !== undefined) return found
    }
    return undefined
  }

  private get units(): UnitIndex {
    return this.file.units
  }

  private places(
    unit: Unit,
    chain: readonly CodeEntry[],
    source: SourceLine | undefined,
    table: LineTable | undefined,
  ): CodePlace[] {
    const places: CodePlace[] = []
    let current = source
    for (let i = chain.length - 1; i >= 0; i--) {
      const { offset, callFile, callLine, callColumn } = chain[i]
      places.push({ name: this.nameAt(unit, offset), source: current })
      const file = table?.fileName(callFile)
      current = file === undefined || file === '' ? undefined : place(file, callLine, callColumn)
    }
    return places
  }

  private nameAt(unit: Unit, offset: number): FunctionName {
    const { owner = this.file } = unit
    let names = this.names.get(owner)
    if (names === undefined) this.names.set(owner, (names = new Map()))
    let name = names.get(offset)
    if (name === undefined) {
      name = functionName(owner.units, offset)
      if (name.linkage === undefined && name.qualified === undefined) name = this.sharedName(owner, unit, offset)
      names.set(offset, name)
    }
    return name
  }

  /** The name of a function that `dwz -m` has moved out; none where its file is not there. */
  private sharedName(owner: DwarfFile, unit: Unit, offset: number): FunctionName {
    if (owner.supplementIfThere === undefined) return {}
    const moved = owner.entry(offset, unit).chain.find(({ file }) => file !== owner)
    return moved === undefined ? {} : functionName(moved.file.units, moved.offset)
  }

  /** Units that share a line table (partial units, LTO) share its parsed form. */
  lineTable(unit: Unit): LineTable | undefined {
    const key = unit.root.stmtList ?? -1
    if (!this.lineTables.has(key)) this.lineTables.set(key, readLineTable(unit.skeleton ?? unit))
    return this.lineTables.get(key)
  }

  /** The functions of a unit that have code. */
  tree(unit: Unit): FunctionTree {
    let tree = this.trees.get(unit)
    if (tree === undefined) {
      tree = new FunctionTree(unit)
      this.trees.set(unit, tree)
    }
    return tree
  }
}
