/** Exists because one instruction may belong to a chain of inlined functions: the tree of functions and inlined calls of a unit. */

import { IntervalIndex } from '../interval-index.ts'
import type { Abbreviation } from './abbreviations.ts'
import { DW_AT, DW_TAG } from './constants.ts'
import { readForm, skipForm } from './forms.ts'
import { readRanges } from './ranges.ts'
import type { Unit } from './unit.ts'
import { highAddress, number } from './unit.ts'
import type { ByteReader } from '../../elf/reader.ts'

/** A function with code of its own, or the copy of one that was inlined into another. */
export interface CodeEntry {
  /** Offset of its entry in `.debug_info`. */
  readonly offset: number
  /** `[start, end, start, end, ...]` without load bias. */
  readonly ranges: readonly number[]
  /** Where the inlined call stands in the source: a file number of the unit's line table, line and column; 0 if not said. */
  readonly callFile: number
  readonly callLine: number
  readonly callColumn: number
  /** The calls inlined into this one. */
  readonly inlined: CodeEntry[]
}

/** All functions of one unit that have code. */
export class FunctionTree {
  private readonly functions: CodeEntry[] = []
  private readonly index = new IntervalIndex()

  constructor(unit: Unit) {
    new Scanner(unit, this.functions).scan()
    this.functions.forEach(({ ranges }, i) => {
      for (let k = 0; k < ranges.length; k += 2) this.index.add(ranges[k], ranges[k + 1], i)
    })
  }

  /** The function that holds `address` and the calls inlined there, outermost first; empty if no function does. */
  chain(address: number): CodeEntry[] {
    const i = this.index.find(address)
    if (i < 0) return []
    const chain: CodeEntry[] = []
    for (let entry: CodeEntry | undefined = this.functions[i]; entry !== undefined;) {
      chain.push(entry)
      entry = entry.inlined.find(({ ranges }) => contains(ranges, address))
    }
    return chain
  }

  /** All inlined calls, however deep. */
  *inlinedCalls(): Generator<CodeEntry> {
    const open = this.functions.flatMap(({ inlined }) => inlined)
    for (let call = open.pop(); call !== undefined; call = open.pop()) {
      yield call
      open.push(...call.inlined)
    }
  }
}

function contains(ranges: readonly number[], address: number): boolean {
  for (let k = 0; k < ranges.length; k += 2) if (address >= ranges[k] && address < ranges[k + 1]) return true
  return false
}

/** Entries below these are never functions, so that their children need not be read where the compiler wrote a way around them. */
function mayHoldCode(tag: number): boolean {
  return tag !== DW_TAG.enumeration_type
}

/** Walks the entries of a unit once. */
class Scanner {
  private readonly unit: Unit
  private readonly functions: CodeEntry[]
  private readonly reader: ByteReader

  constructor(unit: Unit, functions: CodeEntry[]) {
    this.unit = unit
    this.functions = functions
    this.reader = unit.reader(unit.rootOffset)
  }

  scan(): void {
    const { reader, unit } = this
    /** For each open entry, the innermost function or inlined call around its children. */
    const enclosing: (CodeEntry | undefined)[] = []
    let current: CodeEntry | undefined
    while (reader.offset < unit.end) {
      const offset = reader.offset
      const abbreviation = unit.abbreviationAt(reader)
      if (abbreviation === undefined) {
        current = enclosing.pop()
        if (enclosing.length === 0) return
        continue
      }
      const { tag, hasChildren } = abbreviation
      let inner = current
      if (tag === DW_TAG.subprogram || tag === DW_TAG.inlined_subroutine) {
        const entry = this.readEntry(offset, abbreviation)
        if (tag === DW_TAG.subprogram) {
          if (entry.ranges.length > 0) this.functions.push(entry)
          inner = entry
        } else if (entry.ranges.length > 0) {
          current?.inlined.push(entry)
          inner = entry
        }
      } else if (this.skip(abbreviation)) continue
      if (hasChildren) {
        enclosing.push(current)
        current = inner
      } else if (enclosing.length === 0) return
    }
  }

  /** Steps over the attributes; true if the children have been stepped over as well. */
  private skip({ tag, forms, constants, hasChildren, sibling }: Abbreviation): boolean {
    const { reader, unit } = this
    let next: number | undefined
    for (let i = 0; i < forms.length; i++) {
      if (i === sibling && hasChildren && !mayHoldCode(tag))
        next = number(readForm(reader, forms[i], constants[i], unit))
      else skipForm(reader, forms[i], unit)
    }
    if (next === undefined || next <= reader.offset) return false
    reader.offset = next
    return true
  }

  private readEntry(offset: number, abbreviation: Abbreviation): CodeEntry {
    const { reader, unit } = this
    const { attributes, forms, constants } = abbreviation
    let low: number | undefined
    let high: number | undefined
    let list: number | undefined
    let callFile = 0
    let callLine = 0
    let callColumn = 0
    for (let i = 0; i < attributes.length; i++) {
      const attribute = attributes[i]
      if (!readByScanner.has(attribute)) {
        skipForm(reader, forms[i], unit)
        continue
      }
      const value = number(readForm(reader, forms[i], constants[i], unit))
      if (attribute === DW_AT.low_pc) low = value
      else if (attribute === DW_AT.high_pc) high = value
      else if (attribute === DW_AT.ranges) list = value
      else if (attribute === DW_AT.call_file) callFile = value ?? 0
      else if (attribute === DW_AT.call_line) callLine = value ?? 0
      else callColumn = value ?? 0
    }
    const end = highAddress(abbreviation, low, high)
    let ranges: number[] = []
    if (list !== undefined) ranges = readRanges(unit, list)
    else if (low !== undefined && end !== undefined && low > 0 && end > low) ranges = [low, end]
    return { offset, ranges, callFile, callLine, callColumn, inlined: [] }
  }
}

const readByScanner: ReadonlySet<number> = new Set([
  DW_AT.low_pc,
  DW_AT.high_pc,
  DW_AT.ranges,
  DW_AT.call_file,
  DW_AT.call_line,
  DW_AT.call_column,
])
