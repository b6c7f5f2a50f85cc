/** Exists to look at one debugging information entry at a time: its attributes exactly, its children, and the entries that it refers to. */

import type { ByteReader } from '../../elf/reader.ts'
import { LemmingError } from '../../base/errors.ts'
import type { Abbreviation } from './abbreviations.ts'
import { DW_AT, DW_FORM as F, DW_TAG } from './constants.ts'
import type { DwarfFile } from './file.ts'
import { readForm, skipForm } from './forms.ts'
import { readRanges } from './ranges.ts'
import type { Unit } from './unit.ts'
import { highAddress } from './unit.ts'

/** Bounds the walk from an instance to its abstract instance and declaration: damaged files may loop. */
const MAX_HOPS = 8

/** One entry (DIE). Attributes are decoded when asked for; entries of one file are unique, so `===` compares them. */
export class Entry {
  readonly file: DwarfFile
  readonly unit: Unit
  readonly offset: number
  readonly tag: number
  private readonly abbreviation: Abbreviation
  /** Where the value of each attribute lies. */
  private readonly positions: readonly number[]
  /** Where the first child lies. */
  private readonly next: number
  private childrenCache: readonly Entry[] | undefined

  constructor(file: DwarfFile, unit: Unit, offset: number) {
    this.file = file
    this.unit = unit
    this.offset = offset
    const reader = unit.reader(offset)
    const abbreviation = unit.abbreviationAt(reader)
    if (abbreviation === undefined)
      throw new LemmingError(
        'dwarf-entry',
        `${file.data.elf.name}: no entry at .debug_${unit.section}+0x${offset.toString(16)}`,
      )
    this.abbreviation = abbreviation
    this.tag = abbreviation.tag
    const positions: number[] = []
    for (const form of abbreviation.forms) {
      positions.push(reader.offset)
      skipForm(reader, form, unit)
    }
    this.positions = positions
    this.next = reader.offset
  }

  /** The form of an attribute; undefined if the entry does not have it. */
  form(attribute: number): number | undefined {
    const i = this.abbreviation.attributes.indexOf(attribute)
    return i < 0 ? undefined : this.abbreviation.forms[i]
  }

  has(attribute: number): boolean {
    return this.abbreviation.attributes.includes(attribute)
  }

  /** A number: offsets, addresses, and constants where they are small. */
  number(attribute: number): number | undefined {
    const value = this.read(attribute)
    return typeof value === 'number' ? value : undefined
  }

  text(attribute: number): string | undefined {
    const value = this.read(attribute)
    return typeof value === 'string' ? value : undefined
  }

  flag(attribute: number): boolean {
    return this.number(attribute) === 1
  }

  /** A block of bytes: an expression, or a constant that fits no integer. */
  block(attribute: number): Uint8Array | undefined {
    const value = this.read(attribute)
    return value instanceof Uint8Array ? value : undefined
  }

  /** An integer constant, exactly; forms without sign are taken as they stand, except that 64 bits of data are signed. */
  constant(attribute: number): bigint | undefined {
    const i = this.abbreviation.attributes.indexOf(attribute)
    if (i < 0) return undefined
    const form = this.abbreviation.forms[i]
    const reader = this.unit.reader(this.positions[i])
    switch (form) {
      case F.data8: {
        const low = reader.u32()
        return (BigInt(reader.i32()) << 32n) | BigInt(low)
      }
      case F.sdata:
        return exactLeb(reader, true)
      case F.udata:
        return exactLeb(reader, false)
      default: {
        const value = this.read(attribute)
        return typeof value === 'number' ? BigInt(value) : undefined
      }
    }
  }

  /** The entry that an attribute refers to, also in another unit, in a type unit, or in the supplementary file. */
  reference(attribute: number): Entry | undefined {
    const i = this.abbreviation.attributes.indexOf(attribute)
    if (i < 0) return undefined
    const form = this.abbreviation.forms[i]
    const { unit, file } = this
    const reader = unit.reader(this.positions[i])
    if (form === F.ref_sig8) {
      const low = reader.u32()
      return file.typeOf(`${reader.u32().toString(16)}:${low.toString(16)}`)
    }
    if (form === F.GNU_ref_alt) return file.supplement?.entry(unit.readOffset(reader))
    if (form === F.ref_sup4) return file.supplement?.entry(reader.u32())
    if (form === F.ref_sup8) return file.supplement?.entry(reader.u64())
    const value = this.read(attribute)
    if (typeof value !== 'number') return undefined
    return form === F.ref_addr ? file.entry(value) : file.entry(value, unit)
  }

  private read(attribute: number): number | string | Uint8Array | undefined {
    const { attributes, forms, constants } = this.abbreviation
    const i = attributes.indexOf(attribute)
    return i < 0 ? undefined : readForm(this.unit.reader(this.positions[i]), forms[i], constants[i], this.unit)
  }

  /** The entries directly below this one. */
  get children(): readonly Entry[] {
    this.childrenCache ??= this.readChildren()
    return this.childrenCache
  }

  private readChildren(): Entry[] {
    const children: Entry[] = []
    if (!this.abbreviation.hasChildren) return children
    const { unit, file } = this
    let offset = this.next
    while (offset < unit.end && unit.reader(offset).u8() !== 0) {
      const child = file.entry(offset, unit)
      children.push(child)
      offset = child.end
    }
    return children
  }

  /** Where the entry behind this one and its children lies. */
  private get end(): number {
    if (!this.abbreviation.hasChildren) return this.next
    const sibling = this.number(DW_AT.sibling)
    if (sibling !== undefined && sibling > this.offset) return sibling
    if (this.childrenCache !== undefined) {
      const last = this.childrenCache.at(-1)
      return (last === undefined ? this.next : last.end) + 1
    }
    const { unit } = this
    const reader = unit.reader(this.next)
    for (let depth = 1; depth > 0 && reader.offset < unit.end;) {
      const abbreviation = unit.abbreviationAt(reader)
      if (abbreviation === undefined) depth--
      else {
        unit.skipAttributes(reader, abbreviation)
        if (abbreviation.hasChildren) depth++
      }
    }
    return reader.offset
  }

  /** The entry of which this one is an instance or a definition (`DW_AT_abstract_origin`, `DW_AT_specification`). */
  get origin(): Entry | undefined {
    return this.reference(DW_AT.abstract_origin) ?? this.reference(DW_AT.specification)
  }

  /** This entry and those it completes, nearest first. */
  get chain(): Entry[] {
    const chain: Entry[] = [this]
    for (let at = this.origin; at !== undefined && chain.length < MAX_HOPS; at = at.origin) chain.push(at)
    return chain
  }

  /** `DW_AT_name` of the entry or of what it completes. */
  get name(): string | undefined {
    for (const entry of this.chain) {
      const name = entry.text(DW_AT.name)
      if (name !== undefined) return name
    }
    return undefined
  }

  /** `DW_AT_type` of the entry or of what it completes. */
  get type(): Entry | undefined {
    return this.chain.find((entry) => entry.has(DW_AT.type))?.reference(DW_AT.type)
  }

  /** Whether the entry or one that it completes has the flag. */
  isMarked(attribute: number): boolean {
    return this.chain.some((entry) => entry.flag(attribute))
  }

  /** The entry around this one; undefined for that of a unit. */
  get parent(): Entry | undefined {
    return this.file.parentOf(this)
  }

  /** The code of the entry: `[start, end, start, end, ...]` without load bias; undefined if the entry does not say. */
  get ranges(): number[] | undefined {
    const list = this.number(DW_AT.ranges)
    if (list !== undefined) return readRanges(this.unit, list)
    const low = this.number(DW_AT.low_pc)
    if (low === undefined) return undefined
    const high = highAddress(this.abbreviation, low, this.number(DW_AT.high_pc))
    return high === undefined || high <= low ? undefined : [low, high]
  }

  /** `.debug_info+0x1f in /path`, for messages. */
  get place(): string {
    return `.debug_${this.unit.section}+0x${this.offset.toString(16)} in ${this.file.data.elf.name}`
  }

  get isClass(): boolean {
    const { tag } = this
    return tag === DW_TAG.structure_type || tag === DW_TAG.class_type || tag === DW_TAG.union_type
  }
}

/** LEB128 of any size, as BigInt. */
export function exactLeb(reader: ByteReader, isSigned: boolean): bigint {
  let value = 0n
  let shift = 0n
  for (;;) {
    const byte = reader.u8()
    value |= BigInt(byte & 0x7f) << shift
    shift += 7n
    if (byte < 0x80) return isSigned && (byte & 0x40) !== 0 ? value - (1n << shift) : value
  }
}
