/** Exists so that only the compilation units a question is about are ever parsed: finds the unit of an address. */

import { IntervalIndex } from '../interval-index.ts'
import type { DwarfData } from './data.ts'
import type { Unit } from './unit.ts'
import { readUnits } from './unit.ts'

/** Addresses from here on are marks that linkers put in place of discarded code, not code. */
const HIGHEST_ADDRESS = 0x800000000000

/** All units of one file, found by address or by offset. */
export class UnitIndex {
  readonly units: readonly Unit[]
  /** The units as they lie in the file: skeletons where they are split. */
  private readonly own: readonly Unit[]
  private readonly index = new IntervalIndex()

  /**
   * Uses `.debug_aranges` for the units that have an entry there, and the ranges in the unit's own first entry for the others (clang
   * writes no `.debug_aranges`). `whole` gives the unit that a skeleton stands for. A range at address 0 belongs to discarded code: an ELF header or nothing lies there.
   */
  constructor(data: DwarfData, whole: (unit: Unit) => Unit = (unit) => unit) {
    this.own = readUnits(data)
    this.units = this.own.map(whole)
    const covered = new Set<number>()
    const numberOf = new Map<number, number>()
    this.own.forEach((unit, i) => numberOf.set(unit.offset, i))
    for (const { unitOffset, start, end } of readAddressRanges(data)) {
      const i = numberOf.get(unitOffset)
      if (i === undefined) continue
      covered.add(i)
      this.add(start, end, i)
    }
    this.own.forEach((unit, i) => {
      if (!unit.hasCode || covered.has(i)) return
      const ranges = unit.codeRanges()
      for (let k = 0; k < ranges.length; k += 2) this.add(ranges[k], ranges[k + 1], i)
    })
  }

  /** The units whose code holds `address` (without load bias), innermost range first; more than one only in odd files. */
  at(address: number): Unit[] {
    return this.index.findAll(address).map((i) => this.units[i])
  }

  /** The unit that holds the entry at `offset` of `.debug_info`. */
  containing(offset: number): Unit | undefined {
    let low = 0
    let high = this.own.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.own[middle].offset <= offset) low = middle + 1
      else high = middle
    }
    const unit = this.own[low - 1]
    return unit !== undefined && offset < unit.end ? unit : undefined
  }

  private add(start: number, end: number, value: number): void {
    if (start > 0 && end < HIGHEST_ADDRESS) this.index.add(start, end, value)
  }
}

interface AddressRange {
  unitOffset: number
  start: number
  end: number
}

/** The entries of `.debug_aranges` (DWARF 5, 6.1.2). */
function readAddressRanges(data: DwarfData): AddressRange[] {
  const result: AddressRange[] = []
  const reader = data.reader('aranges')
  while (!reader.done) {
    const start = reader.offset
    const length = reader.u32()
    const wide = length === 0xffffffff
    const size = wide ? reader.u64() : length
    const end = reader.offset + size
    reader.u16()
    const unitOffset = wide ? reader.u64() : reader.u32()
    const addressSize = reader.u8()
    reader.u8()
    const tuple = addressSize * 2
    reader.offset = start + Math.ceil((reader.offset - start) / tuple) * tuple
    while (reader.offset + tuple <= end) {
      const from = addressSize === 8 ? reader.u64() : reader.u32()
      const bytes = addressSize === 8 ? reader.u64() : reader.u32()
      if (from === 0 && bytes === 0) break
      result.push({ unitOffset, start: from, end: from + bytes })
    }
    reader.offset = end
  }
  return result
}
