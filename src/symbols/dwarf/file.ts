/** Exists to find the entries of one file wherever a reference leads: into another unit, a type unit, or the supplementary file. */

import { LemmingError } from '../../base/errors.ts'
import type { DwarfData } from './data.ts'
import { Entry } from './entry.ts'
import type { Unit } from './unit.ts'
import { readUnits } from './unit.ts'
import { UnitIndex } from './unit-index.ts'

/** The entries of one file. Units are read when something in them is first asked for. */
export class DwarfFile {
  readonly data: DwarfData
  private readonly openSupplement: () => DwarfFile | undefined
  private supplementCache: DwarfFile | null | undefined
  private unitsCache: UnitIndex | undefined
  private typeUnitsCache: readonly Unit[] | undefined
  private signatures: Map<string, Unit> | undefined
  private readonly entries = { info: new Map<number, Entry>(), types: new Map<number, Entry>() }
  private readonly parents = new Map<Unit, { offsets: number[]; parents: number[] }>()

  private readonly whole: ((skeleton: Unit) => Unit) | undefined

  /** `openSupplement` finds the file of `dwz` that this one refers to; it is asked at most once. `whole` finds what skeletons of split units stand for. */
  constructor(data: DwarfData, openSupplement: () => DwarfFile | undefined, whole?: (skeleton: Unit) => Unit) {
    this.whole = whole
    this.data = data
    this.openSupplement = openSupplement
    data.supplement = () => this.supplementIfThere?.data
  }

  get units(): UnitIndex {
    this.unitsCache ??= new UnitIndex(this.data, this.whole)
    return this.unitsCache
  }

  /** Units of `.debug_types` (DWARF 4). */
  get typeUnits(): readonly Unit[] {
    this.typeUnitsCache ??= [...readUnits(this.data, 'types'), ...this.splitTypeUnits()]
    return this.typeUnitsCache
  }

  /** Type units in the files of split units. */
  private splitTypeUnits(): Unit[] {
    if (this.whole === undefined) return []
    const files = new Set(this.units.units.flatMap(({ owner }) => owner ?? []))
    const all: Unit[] = []
    for (const file of files)
      for (const unit of [...file.typeUnits, ...file.units.units])
        if (unit.typeSignature !== undefined) {
          unit.owner = file
          all.push(unit)
        }
    return all
  }

  /** What `dwz -m` has moved out, as far as it is at hand. */
  get supplementIfThere(): DwarfFile | undefined {
    if (this.supplementCache === undefined) this.supplementCache = this.openSupplement() ?? null
    return this.supplementCache ?? undefined
  }

  /** The same; throws `dwarf-supplement` if it is not there. */
  get supplement(): DwarfFile {
    const { supplementIfThere } = this
    if (supplementIfThere === undefined)
      throw new LemmingError(
        'dwarf-supplement',
        `${this.data.elf.name}: part of the debugging information is in a supplementary file (.gnu_debugaltlink) that is not there`,
        'install the package that has the file below /usr/lib/debug/.dwz',
      )
    return supplementIfThere
  }

  /** The entry at `offset`: of `.debug_info`, or of the section of `near`. Throws `dwarf-entry`. */
  entry(offset: number, near?: Unit): Entry {
    if (near?.owner !== undefined && near.owner !== this) return near.owner.entry(offset, near)
    const entries = this.entries[near?.section ?? 'info']
    let entry = entries.get(offset)
    if (entry === undefined) {
      const isNear = near !== undefined && offset >= near.offset && offset < near.end
      const unit = isNear ? near : this.units.containing(offset)
      if (unit === undefined)
        throw new LemmingError(
          'dwarf-entry',
          `${this.data.elf.name}: no unit holds .debug_info+0x${offset.toString(16)}`,
        )
      entry = new Entry(this, unit, offset)
      entries.set(offset, entry)
    }
    return entry
  }

  /** The entry that describes a unit. */
  root(unit: Unit): Entry {
    return this.entry(unit.rootOffset, unit)
  }

  /** The type with a signature (`DW_FORM_ref_sig8`). */
  typeOf(signature: string): Entry | undefined {
    if (this.signatures === undefined) {
      this.signatures = new Map()
      for (const unit of [...this.typeUnits, ...this.units.units]) {
        if (unit.typeSignature !== undefined) this.signatures.set(unit.typeSignature, unit)
      }
    }
    const unit = this.signatures.get(signature)
    return unit && this.entry(unit.typeOffset!, unit)
  }

  /** The entry around `entry`; a unit's nesting is read once, when first asked for. */
  parentOf({ unit, offset }: Entry): Entry | undefined {
    let nesting = this.parents.get(unit)
    if (nesting === undefined) {
      nesting = readNesting(unit)
      this.parents.set(unit, nesting)
    }
    const { offsets, parents } = nesting
    let low = 0
    let high = offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (offsets[middle] < offset) low = middle + 1
      else high = middle
    }
    const parent = offsets[low] === offset ? parents[low] : -1
    return parent < 0 ? undefined : this.entry(parent, unit)
  }
}

/** For each entry of a unit in order, the offset of the entry around it. */
function readNesting(unit: Unit): { offsets: number[]; parents: number[] } {
  const offsets: number[] = []
  const parents: number[] = []
  const open: number[] = []
  const reader = unit.reader(unit.rootOffset)
  while (reader.offset < unit.end) {
    const offset = reader.offset
    const abbreviation = unit.abbreviationAt(reader)
    if (abbreviation === undefined) {
      open.pop()
      if (open.length === 0) break
      continue
    }
    offsets.push(offset)
    parents.push(open.at(-1) ?? -1)
    unit.skipAttributes(reader, abbreviation)
    if (abbreviation.hasChildren) open.push(offset)
    else if (open.length === 0) break
  }
  return { offsets, parents }
}
