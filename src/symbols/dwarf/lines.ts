/** Exists to answer "which source line is this instruction?": runs line number programs into tables that are searched by address. */

import { LemmingError } from '../../base/errors.ts'
import { IntervalIndex } from '../interval-index.ts'
import { DW_LNE, DW_LNS } from './constants.ts'
import type { LineHeader } from './line-header.ts'
import { parseLineHeader, readFileEntry } from './line-header.ts'
import type { Unit } from './unit.ts'

/** A place in the source. Lines and columns count from 1; absent means that the compiler did not say. */
export interface SourceLine {
  /** Full path, as the compiler wrote it. */
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** The rows of one unit's line table, in columns; each sequence is ascending in address and ends with a row that only marks its end. */
export class LineTable {
  private readonly files: readonly string[]
  private readonly addresses: Float64Array
  private readonly fileNumbers: Uint32Array
  private readonly lines: Uint32Array
  private readonly columns: Uint32Array
  /** 1 where a line begins, as opposed to goes on. */
  private readonly statements: Uint8Array
  /** 1 for rows that go on with the line of the row before: a line of several blocks (with discriminators) is one for those who step. */
  private readonly continued: Uint8Array
  /** Sequences by the addresses they cover; the value is the index of the first row. */
  private readonly sequences = new IntervalIndex()
  /** For the first row of a sequence, the index of its last. */
  private readonly lastRow = new Map<number, number>()

  constructor(files: readonly string[], rows: Rows) {
    this.files = files
    this.addresses = Float64Array.from(rows.addresses)
    this.fileNumbers = Uint32Array.from(rows.files)
    this.lines = Uint32Array.from(rows.lines)
    this.columns = Uint32Array.from(rows.columns)
    this.statements = Uint8Array.from(rows.statements)
    this.continued = Uint8Array.from(rows.continued)
    for (let i = 0; i < rows.sequences.length; i += 2) {
      const first = rows.sequences[i]
      const last = rows.sequences[i + 1]
      if (this.addresses[first] === 0) continue
      this.sequences.add(this.addresses[first], this.addresses[last], first)
      this.lastRow.set(first, last)
    }
  }

  /** The source line of the instruction at `address` (without load bias), or undefined. */
  find(address: number): SourceLine | undefined {
    const row = this.rowAt(address)
    const file = row < 0 ? undefined : this.files[this.fileNumbers[row]]
    if (file === undefined || file === '') return undefined
    return place(file, this.lines[row], this.columns[row])
  }

  /** The addresses around `address` that belong to the same row of the table, and its line. */
  range(address: number): LineRange | undefined {
    const row = this.rowAt(address)
    const file = row < 0 ? undefined : this.files[this.fileNumbers[row]]
    if (file === undefined || file === '') return undefined
    let next = row + 1
    while (this.addresses[next] === this.addresses[row] || this.continued[next] === 1) next++
    let first = row
    while (first > 0 && (this.addresses[first - 1] === this.addresses[first] || this.continued[first] === 1)) first--
    return { file, line: this.lines[row], start: this.addresses[first], end: this.addresses[next] }
  }

  /** Where the first statement at or behind `address` begins, but before `end`. */
  statementFrom(address: number, end: number): number | undefined {
    const row = this.rowAt(address)
    const last = row < 0 ? -1 : this.lastRowFrom(row)
    for (let i = row; i >= 0 && i < last; i++) {
      const at = this.addresses[i]
      if (at >= end) return undefined
      if (at >= address && this.statements[i] === 1 && this.lines[i] > 0) return at
    }
    return undefined
  }

  /**
   * Where line `line` of a file that `fits` begins, in ascending order; if it has no code, the next line that has. Undefined if no file
   * fits; without `line` if there is no such line.
   */
  statementsFrom(
    fits: (file: string) => boolean,
    line: number,
  ): { line: number | undefined; addresses: number[] } | undefined {
    const numbers = new Set<number>()
    this.files.forEach((file, i) => {
      if (file !== '' && fits(file)) numbers.add(i)
    })
    if (numbers.size === 0) return undefined
    let best: number | undefined
    let addresses: number[] = []
    for (const [first, last] of this.lastRow) {
      for (let i = first; i < last; i++) {
        const at = this.lines[i]
        if (at < line || this.statements[i] === 0 || !numbers.has(this.fileNumbers[i])) continue
        if (best === undefined || at < best) {
          best = at
          addresses = []
        }
        if (at === best) addresses.push(this.addresses[i])
      }
    }
    return { line: best, addresses: [...new Set(addresses)].sort((a, b) => a - b) }
  }

  /** The addresses of the rows for lines `from` to `to` (inclusive) of files that `fits`; undefined if no file fits. */
  pieces(fits: (file: string) => boolean, from: number, to: number): LineRange[] | undefined {
    const fitting = this.files.map((file) => file !== '' && fits(file))
    if (!fitting.includes(true)) return undefined
    const out: LineRange[] = []
    for (const [first, last] of this.lastRow) {
      for (let i = first; i < last; i++) {
        const line = this.lines[i]
        const [start, end] = [this.addresses[i], this.addresses[i + 1]]
        if (line < from || line > to || start === end || !fitting[this.fileNumbers[i]]) continue
        const before = out.at(-1)
        const file = this.files[this.fileNumbers[i]]
        if (before?.end === start && before.line === line && before.file === file)
          out[out.length - 1] = { ...before, end }
        else out.push({ file, line, start, end })
      }
    }
    return out
  }

  /** The row in force at `address`: of several at one address the last; -1 outside. */
  private rowAt(address: number): number {
    const first = this.sequences.find(address)
    if (first < 0) return -1
    let low = first
    let high = this.lastRow.get(first) ?? first
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.addresses[middle] <= address) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  private lastRowFrom(row: number): number {
    for (const [first, last] of this.lastRow) if (row >= first && row <= last) return last
    return row
  }

  /** The path of a file number of this table, as `DW_AT_call_file` uses them. */
  fileName(number: number): string | undefined {
    return this.files[number]
  }
}

/** A source line without the parts that are 0, which stands for unknown. */
export function place(file: string, line: number, column: number): SourceLine {
  return { file, ...(line > 0 && { line }), ...(column > 0 && { column }) }
}

/** A row of a line table and the addresses that it covers. */
export interface LineRange {
  readonly file: string
  readonly line: number
  readonly start: number
  readonly end: number
}

interface Rows {
  addresses: number[]
  files: number[]
  lines: number[]
  columns: number[]
  statements: number[]
  continued: number[]
  /** First and last row of each sequence, alternating. */
  sequences: number[]
}

/** Reads the line table of `unit`; undefined if it has none. Throws `dwarf-line` or `truncated-data`. */
export function readLineTable(unit: Unit): LineTable | undefined {
  const { stmtList } = unit.root
  if (stmtList === undefined) return undefined
  const header = parseLineHeader(unit, stmtList)
  return new LineTable(header.files, runProgram(unit, header))
}

/** Executes the line number program (DWARF 5, 6.2.5). Of several rows at one address the last one counts, as in gdb and addr2line. */
function runProgram(unit: Unit, header: LineHeader): Rows {
  const rows: Rows = { addresses: [], files: [], lines: [], columns: [], statements: [], continued: [], sequences: [] }
  const { lineBase, lineRange, opcodeBase, operandCounts, minimumInstructionLength, maximumOperations, files } = header
  const reader = unit.data.reader('line', header.programStart)
  let address = 0
  let operation = 0
  let file = 1
  let line = 1
  let column = 0
  let isStatement = header.defaultIsStatement
  let sequenceStart = 0
  let discriminator = 0
  let hasDiscriminator = false

  const advanceLine = (by: number): void => {
    line += by
    if (by !== 0) hasDiscriminator = discriminator !== 0
  }
  const advance = (operations: number): void => {
    if (maximumOperations <= 1) address += minimumInstructionLength * operations
    else {
      const total = operation + operations
      address += minimumInstructionLength * Math.floor(total / maximumOperations)
      operation = total % maximumOperations
    }
  }
  const emit = (): void => {
    rows.addresses.push(address)
    rows.files.push(file)
    rows.lines.push(line)
    rows.columns.push(column)
    rows.statements.push(isStatement ? 1 : 0)
    const before = rows.lines.length - 2
    const same = before >= sequenceStart && rows.lines[before] === line && rows.files[before] === file
    rows.continued.push(same && hasDiscriminator ? 1 : 0)
    discriminator = 0
  }
  const endSequence = (): void => {
    emit()
    const last = rows.addresses.length - 1
    if (isAscending(rows.addresses, sequenceStart, last)) rows.sequences.push(sequenceStart, last)
    sequenceStart = last + 1
    address = 0
    operation = 0
    file = 1
    line = 1
    column = 0
    isStatement = header.defaultIsStatement
  }
  const extended = (): void => {
    const length = reader.uleb()
    const next = reader.offset + length
    const opcode = length > 0 ? reader.u8() : 0
    if (opcode === DW_LNE.end_sequence) endSequence()
    else if (opcode === DW_LNE.set_address) {
      address = length - 1 === 8 ? reader.u64() : reader.u32()
      operation = 0
    } else if (opcode === DW_LNE.define_file) files.push(readFileEntry(reader, unit))
    else if (opcode === DW_LNE.set_discriminator) {
      discriminator = reader.uleb()
      if (discriminator !== 0) hasDiscriminator = true
    }
    reader.offset = next
  }

  while (reader.offset < header.programEnd) {
    const opcode = reader.u8()
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase
      advance(Math.floor(adjusted / lineRange))
      advanceLine(lineBase + (adjusted % lineRange))
      emit()
      continue
    }
    switch (opcode) {
      case 0:
        extended()
        break
      case DW_LNS.copy:
        emit()
        break
      case DW_LNS.advance_pc:
        advance(reader.uleb())
        break
      case DW_LNS.advance_line:
        advanceLine(reader.sleb())
        break
      case DW_LNS.set_file:
        file = reader.uleb()
        break
      case DW_LNS.set_column:
        column = reader.uleb()
        break
      case DW_LNS.negate_stmt:
        isStatement = !isStatement
        break
      case DW_LNS.set_basic_block:
        break
      case DW_LNS.const_add_pc:
        advance(Math.floor((255 - opcodeBase) / lineRange))
        break
      case DW_LNS.fixed_advance_pc:
        address += reader.u16()
        operation = 0
        break
      default:
        for (let i = 0; i < operandCounts[opcode]; i++) reader.skipLeb()
    }
    if (line < 0)
      throw new LemmingError('dwarf-line', `${unit.data.elf.name}: a line number program reaches a negative line`)
  }
  return rows
}

function isAscending(addresses: readonly number[], first: number, last: number): boolean {
  for (let i = first + 1; i <= last; i++) if (addresses[i] < addresses[i - 1]) return false
  return true
}
