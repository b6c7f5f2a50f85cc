/**
 * Exists because `-gsplit-dwarf` leaves only skeletons of units in a program: the entries are in a `.dwo` file for each (DWARF 5, 7.3.2; GNU's form for DWARF
 * 4), or all together in one `.dwp` (7.3.5), whose index says which pieces of its sections belong to which unit.
 */

import type { ElfFile } from '../../elf/file.ts'
import { ByteReader } from '../../elf/reader.ts'
import { type Inflate, sectionContents } from '../../elf/sections.ts'
import { DwarfData } from './data.ts'
import { DwarfFile } from './file.ts'
import type { Unit } from './unit.ts'

/** Opens a file of debugging information by its path; undefined when it is not there. */
export type OpenFile = (path: string) => ElfFile | undefined

/** A piece of a section. */
interface Piece {
  readonly offset: number
  readonly size: number
}

/** Section identifiers of a package's index (DWARF 5, table 7.1), and those of GNU's earlier form where they differ. */
const SECTIONS: Readonly<Record<number, string>> = {
  1: 'info',
  3: 'abbrev',
  4: 'line',
  5: 'loclists',
  6: 'str_offsets',
  8: 'rnglists',
}
const OLD_SECTIONS: Readonly<Record<number, string>> = {
  1: 'info',
  2: 'types',
  3: 'abbrev',
  4: 'line',
  5: 'loc',
  6: 'str_offsets',
}

/** The sections of a `.dwo` file, or of one unit in a `.dwp`; addresses are those of the program. */
class SplitData extends DwarfData {
  private readonly main: DwarfData
  private readonly pieces: ReadonlyMap<string, Piece> | undefined
  private readonly inflateWith: Inflate
  private readonly wholes = new Map<string, Uint8Array>()

  constructor(elf: ElfFile, inflate: Inflate, main: DwarfData, pieces?: ReadonlyMap<string, Piece>) {
    super(elf, inflate)
    this.main = main
    this.pieces = pieces
    this.inflateWith = inflate
  }

  override section(name: string): Uint8Array {
    if (name === 'addr' || name === 'ranges') return this.main.section(name)
    let whole = this.wholes.get(name)
    if (whole === undefined) this.wholes.set(name, (whole = this.all(name)))
    const piece = this.pieces?.get(name)
    return piece === undefined ? whole : whole.subarray(piece.offset, piece.offset + piece.size)
  }

  /** Type units have sections of their own in an object file, by the same name as others. */
  private all(name: string): Uint8Array {
    const { elf } = this
    const parts = elf.sections
      .filter((one) => one.name === `.debug_${name}.dwo`)
      .map((one) => sectionContents(elf.bytes, one, elf.name, this.inflateWith))
    return parts.length === 1 ? parts[0]! : joined(parts)
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Finds the units that skeletons of one file stand for. */
export class SplitUnits {
  private readonly main: DwarfData
  private readonly inflate: Inflate
  private readonly open: OpenFile
  private readonly files = new Map<string, DwarfFile | undefined>()
  private packageCache: { elf: ElfFile; index: Map<string, Map<string, Piece>> } | null | undefined

  constructor(main: DwarfData, inflate: Inflate, open: OpenFile) {
    this.main = main
    this.inflate = inflate
    this.open = open
  }

  /** The unit that a skeleton stands for; the skeleton itself where its file is not there, or is another program's. */
  unitOf(skeleton: Unit): Unit {
    const { splitInto, compDir, splitId } = skeleton.root
    if (splitInto === undefined) return skeleton
    const file = this.packaged(splitId) ?? this.fileAt(splitInto, compDir)
    const found = file?.units.units.find(
      (unit) =>
        unit.typeSignature === undefined && (splitId === undefined || (unit.root.splitId ?? splitId) === splitId),
    )
    if (file === undefined || found === undefined) return skeleton
    found.attach(skeleton, file)
    return found
  }

  private fileAt(name: string, directory: string | undefined): DwarfFile | undefined {
    const program = this.main.elf.name
    const here = program.slice(0, program.lastIndexOf('/') + 1)
    const paths = [
      name.startsWith('/') ? name : `${directory ?? '.'}/${name}`,
      ...(name.startsWith('/') ? [] : [here + name]),
      here + name.slice(name.lastIndexOf('/') + 1),
    ]
    for (const path of paths) {
      if (!this.files.has(path)) {
        const elf = this.open(path)
        this.files.set(path, elf && this.fileOf(new SplitData(elf, this.inflate, this.main)))
      }
      const file = this.files.get(path)
      if (file !== undefined) return file
    }
    return undefined
  }

  private fileOf(data: DwarfData): DwarfFile {
    return new DwarfFile(data, () => undefined)
  }

  /** The file that a unit of the package is by itself. */
  private packaged(id: string | undefined): DwarfFile | undefined {
    if (this.packageCache === undefined) {
      const elf = this.open(`${this.main.elf.name}.dwp`)
      this.packageCache = elf === undefined ? null : { elf, index: readIndex(elf, this.inflate) }
    }
    const pieces = id === undefined ? undefined : this.packageCache?.index.get(id)
    if (pieces === undefined) return undefined
    const key = `dwp ${id}`
    if (!this.files.has(key))
      this.files.set(key, this.fileOf(new SplitData(this.packageCache!.elf, this.inflate, this.main, pieces)))
    return this.files.get(key)
  }
}

/** `.debug_cu_index`: pieces of sections by the identifier of the unit, in hexadecimal (DWARF 5, 7.3.5.3). */
function readIndex(elf: ElfFile, inflate: Inflate): Map<string, Map<string, Piece>> {
  const index = new Map<string, Map<string, Piece>>()
  const bytes = elf.sectionContents('.debug_cu_index', inflate)
  if (bytes === undefined) return index
  const reader = new ByteReader(bytes, `${elf.name}: .debug_cu_index`)
  // Version 5 is two bytes of version and two of padding, which read alike.
  const version = reader.u32() & 0xffff
  const [columns, units, slots] = [reader.u32(), reader.u32(), reader.u32()] as [number, number, number]
  const hashes = 16
  const rows = hashes + 8 * slots
  const table = rows + 4 * slots
  const at = (offset: number): number => {
    reader.offset = offset
    return reader.u32()
  }
  const names = Array.from({ length: columns }, (_, i) => (version >= 5 ? SECTIONS : OLD_SECTIONS)[at(table + 4 * i)])
  for (let slot = 0; slot < slots; slot++) {
    const row = at(rows + 4 * slot)
    if (row === 0 || row > units) continue
    const id = `${at(hashes + 8 * slot + 4).toString(16)}:${at(hashes + 8 * slot).toString(16)}`
    const pieces = new Map<string, Piece>()
    names.forEach((name, i) => {
      const place = 4 * (row * columns + i)
      const size = 4 * ((units + row) * columns + i)
      if (name !== undefined) pieces.set(name, { offset: at(table + place), size: at(table + size) })
    })
    index.set(id, pieces)
  }
  return index
}
