/** Exists because debugging information is cut into compilation units: their headers, and the few attributes of a unit as a whole. */

import type { ByteReader } from '../../elf/reader.ts'
import type { Abbreviation, AbbreviationTable } from './abbreviations.ts'
import { parseAbbreviations } from './abbreviations.ts'
import { DW_AT, DW_FORM, DW_TAG, DW_UT } from './constants.ts'
import type { DwarfData } from './data.ts'
import type { DwarfFile } from './file.ts'
import type { FormValue } from './forms.ts'
import { readForm, skipForm } from './forms.ts'
import type { RangeContext } from './ranges.ts'
import { readRanges } from './ranges.ts'

/** The sections that units lie in. */
export type UnitSection = 'info' | 'types'

/** One unit of `.debug_info` or `.debug_types`. Offsets are absolute in that section. */
export class Unit implements RangeContext {
  readonly data: DwarfData
  readonly offset: number
  readonly end: number
  readonly version: number
  /** 4, or 8 in the 64-bit DWARF format. */
  readonly offsetSize: number
  readonly addressSize: number
  /** Of the first entry, which describes the unit. */
  readonly rootOffset: number
  /** False for type units, which have no code. */
  readonly hasCode: boolean
  /** `.debug_info`, or `.debug_types`, where DWARF 4 has type units. */
  readonly section: UnitSection
  /** For a type unit: its signature, in hexadecimal, and the offset of the entry of the type. */
  readonly typeSignature?: string
  readonly typeOffset?: number
  /** Of a split unit of DWARF 5, or its skeleton: the identifier that both have, in hexadecimal. */
  readonly splitId?: string
  /** Of a split unit: what of it is in the program, and the file that it is in. */
  skeleton: Unit | undefined
  owner: DwarfFile | undefined
  private readonly abbreviationOffset: number
  private table: AbbreviationTable | undefined
  private rootCache: RootAttributes | undefined

  /** Reads the header at the cursor, and moves it to the next unit. */
  constructor(data: DwarfData, reader: ByteReader, section: UnitSection = 'info') {
    this.data = data
    this.section = section
    this.offset = reader.offset
    const length = reader.u32()
    this.offsetSize = length === 0xffffffff ? 8 : 4
    const unitLength = length === 0xffffffff ? reader.u64() : length
    this.end = Math.min(reader.offset + unitLength, reader.end)
    this.version = reader.u16()
    let type: number = DW_UT.compile
    if (this.version >= 5) {
      type = reader.u8()
      this.addressSize = reader.u8()
      this.abbreviationOffset = this.readOffset(reader)
      if (type === DW_UT.skeleton || type === DW_UT.split_compile) this.splitId = signature(reader)
      else if (type === DW_UT.type || type === DW_UT.split_type) {
        this.typeSignature = signature(reader)
        this.typeOffset = this.offset + this.readOffset(reader)
      }
    } else {
      this.abbreviationOffset = this.readOffset(reader)
      this.addressSize = reader.u8()
      if (section === 'types') {
        type = DW_UT.type
        this.typeSignature = signature(reader)
        this.typeOffset = this.offset + this.readOffset(reader)
      }
    }
    this.hasCode =
      this.version >= 2 &&
      this.version <= 5 &&
      (type === DW_UT.compile || type === DW_UT.skeleton || type === DW_UT.split_compile)
    this.rootOffset = reader.offset
    reader.offset = this.end
  }

  /** Says that this unit is what a skeleton stands for. */
  attach(skeleton: Unit, owner: DwarfFile): void {
    this.skeleton = skeleton
    this.owner = owner
    this.bases = undefined
    this.rootCache = undefined
  }

  readOffset(reader: ByteReader): number {
    return this.offsetSize === 8 ? reader.u64() : reader.u32()
  }

  /** A cursor on the entries of this unit, from `offset`. */
  reader(offset: number): ByteReader {
    return this.data.reader(this.section, offset)
  }

  /** The abbreviation at the cursor, which moves behind its code; undefined at the null entry that ends a list of children. */
  abbreviationAt(reader: ByteReader): Abbreviation | undefined {
    this.table ??= parseAbbreviations(this.data, this.abbreviationOffset)
    return this.table.get(reader.uleb())
  }

  /** The attributes `wanted` of the entry at `offset`, in that order. */
  attributes(offset: number, wanted: readonly number[]): FormValue[] {
    const reader = this.reader(offset)
    const abbreviation = this.abbreviationAt(reader)
    const values: FormValue[] = wanted.map(() => undefined)
    if (abbreviation === undefined) return values
    const { attributes, forms, constants } = abbreviation
    for (let i = 0; i < attributes.length; i++) {
      const slot = wanted.indexOf(attributes[i])
      if (slot < 0) skipForm(reader, forms[i], this)
      else values[slot] = readForm(reader, forms[i], constants[i], this)
    }
    return values
  }

  /** Moves the cursor from behind an abbreviation code to behind the entry's attributes. */
  skipAttributes(reader: ByteReader, { forms }: Abbreviation): void {
    for (const form of forms) skipForm(reader, form, this)
  }

  /** Whether variables of the unit move: then the compiler says where they are at every instruction, also in prologues. */
  get usesLocationLists(): boolean {
    this.table ??= parseAbbreviations(this.data, this.abbreviationOffset)
    for (const { tag, attributes, forms } of this.table.values()) {
      if (tag !== DW_TAG.variable && tag !== DW_TAG.formal_parameter) continue
      const form = forms[attributes.indexOf(DW_AT.location)]
      if (form === DW_FORM.sec_offset || form === DW_FORM.loclistx || form === DW_FORM.data4) return true
    }
    return false
  }

  /** What the first entry says of the whole unit. */
  get root(): RootAttributes {
    this.rootCache ??= this.readRoot()
    return this.rootCache
  }

  /** The address ranges `[start, end, start, end, ...]` of the unit's code; empty if the unit does not say. */
  codeRanges(): number[] {
    if (this.skeleton !== undefined) return this.skeleton.codeRanges()
    const { lowPc, highPc, ranges } = this.root
    if (ranges !== undefined) return readRanges(this, ranges)
    return lowPc !== undefined && highPc !== undefined ? [lowPc, highPc] : []
  }

  /** The base address of range lists: the unit's `DW_AT_low_pc`. */
  get baseAddress(): number {
    if (this.skeleton !== undefined) return this.skeleton.baseAddress
    return this.root.lowPc ?? 0
  }

  indexedString(index: number): string {
    const base = this.rootBases().strOffsets ?? (this.version >= 5 ? this.offsetSize * 2 : 0)
    const reader = this.data.reader('str_offsets', base + index * this.offsetSize)
    return this.data.string('str', this.readOffset(reader))
  }

  indexedAddress(index: number): number {
    const base = this.rootBases().addr ?? (this.version >= 5 ? 8 : 0)
    const reader = this.data.reader('addr', base + index * this.addressSize)
    return this.addressSize === 8 ? reader.u64() : reader.u32()
  }

  indexedRangeList(index: number): number {
    const base = this.rootBases().rnglists ?? (this.offsetSize === 8 ? 20 : 12)
    return base + this.readOffset(this.data.reader('rnglists', base + index * this.offsetSize))
  }

  /** The offset in `.debug_loclists` of location list `index`. */
  indexedLocationList(index: number): number {
    const base = this.rootBases().loclists ?? (this.offsetSize === 8 ? 20 : 12)
    return base + this.readOffset(this.data.reader('loclists', base + index * this.offsetSize))
  }

  /** The bases have plain forms, and are read by themselves because the other attributes of the entry need them. */
  private bases: Bases | undefined

  /** Where GNU's split units of DWARF 4 begin to count range lists. */
  get rangesBase(): number {
    return this.skeleton?.rootBases().ranges ?? 0
  }

  private rootBases(): Bases {
    if (this.bases === undefined) {
      const { str_offsets_base, addr_base, GNU_addr_base, rnglists_base, loclists_base, GNU_ranges_base } = DW_AT
      const wanted = [str_offsets_base, addr_base, GNU_addr_base, rnglists_base, loclists_base, GNU_ranges_base]
      const [strOffsets, addr, gnuAddr, rnglists, loclists, ranges] = this.attributes(this.rootOffset, wanted)
      this.bases = {
        strOffsets: number(strOffsets),
        addr: this.skeleton?.rootBases().addr ?? number(addr) ?? number(gnuAddr),
        rnglists: number(rnglists),
        loclists: number(loclists),
        ranges: number(ranges),
      }
    }
    return this.bases
  }

  /** `DW_AT_GNU_dwo_id`, whose 64 bits no number holds. */
  private oldSplitId(): string | undefined {
    const reader = this.reader(this.rootOffset)
    const abbreviation = this.abbreviationAt(reader)
    const { attributes = [], forms = [] } = abbreviation ?? {}
    for (let i = 0; i < attributes.length; i++) {
      if (attributes[i] === DW_AT.GNU_dwo_id) return signature(reader)
      skipForm(reader, forms[i], this)
    }
    return undefined
  }

  private readRoot(): RootAttributes {
    const abbreviation = this.abbreviationAt(this.reader(this.rootOffset))
    if (abbreviation === undefined || !unitTags.has(abbreviation.tag)) return noAttributes
    const values = this.attributes(this.rootOffset, [
      DW_AT.name,
      DW_AT.comp_dir,
      DW_AT.language,
      DW_AT.stmt_list,
      DW_AT.low_pc,
      DW_AT.high_pc,
      DW_AT.ranges,
      DW_AT.dwo_name,
      DW_AT.GNU_dwo_name,
    ])
    const [name, compDir, language, stmtList, lowPc, highPc, ranges, dwo, gnuDwo] = values
    const low = number(lowPc)
    if (this.skeleton !== undefined) {
      const { root } = this.skeleton
      return { ...root, name: text(name) ?? root.name, language: number(language), splitInto: undefined }
    }
    return {
      name: text(name),
      compDir: text(compDir),
      language: number(language),
      stmtList: number(stmtList),
      lowPc: low,
      highPc: highAddress(abbreviation, low, number(highPc)),
      ranges: number(ranges),
      splitInto: text(dwo) ?? text(gnuDwo),
      splitId: this.splitId ?? this.oldSplitId(),
    }
  }
}

/** Attributes of a unit's first entry; addresses without load bias, `highPc` made absolute. */
export interface RootAttributes {
  readonly name?: string
  readonly compDir?: string
  readonly language?: number
  /** Offset of the unit's line table in `.debug_line`. */
  readonly stmtList?: number
  readonly lowPc?: number
  readonly highPc?: number
  /** Offset of a range list. */
  readonly ranges?: number
  /** The `.dwo` file that holds the entries, for code built with `-gsplit-dwarf`. */
  readonly splitInto?: string
  /** What tells it from others, in hexadecimal. */
  readonly splitId?: string
}

const noAttributes: RootAttributes = {}

const unitTags: ReadonlySet<number> = new Set([
  DW_TAG.compile_unit,
  DW_TAG.skeleton_unit,
  DW_TAG.partial_unit,
  DW_TAG.type_unit,
])

interface Bases {
  readonly strOffsets?: number
  readonly addr?: number
  readonly rnglists?: number
  readonly loclists?: number
  readonly ranges?: number
}

function signature(reader: ByteReader): string {
  const low = reader.u32()
  return `${reader.u32().toString(16)}:${low.toString(16)}`
}

/** The end of a range: `DW_AT_high_pc` is an address, or in the constant forms a length. */
export function highAddress(
  abbreviation: Abbreviation,
  low: number | undefined,
  high: number | undefined,
): number | undefined {
  if (low === undefined || high === undefined) return undefined
  const form = abbreviation.forms[abbreviation.attributes.indexOf(DW_AT.high_pc)]
  const isAddress =
    form === DW_FORM.addr ||
    form === DW_FORM.addrx ||
    form === DW_FORM.GNU_addr_index ||
    (form >= DW_FORM.addrx1 && form <= DW_FORM.addrx4)
  return isAddress ? high : low + high
}

/** Headers of all units of a section, in order; costs a jump per unit. */
export function readUnits(data: DwarfData, section: UnitSection = 'info'): Unit[] {
  const units: Unit[] = []
  const reader = data.reader(section)
  while (!reader.done) units.push(new Unit(data, reader, section))
  return units
}

export function number(value: FormValue): number | undefined {
  return typeof value === 'number' ? value : undefined
}

export function text(value: FormValue): string | undefined {
  return typeof value === 'string' ? value : undefined
}
