/** Exists to find the addresses at which a breakpoint on a function or a source line stops. */

import { LemmingError } from '../../base/errors.ts'
import { DW_AT } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { LineRange, LineTable } from '../dwarf/lines.ts'
import { blocksAt } from '../frames/blocks.ts'
import type { InspectedFrame } from '../frames/frame.ts'
import { functionAt } from '../frames/function-at.ts'
import type { Found, Lookup } from '../lookup.ts'
import { isPathEnd } from '../lookup.ts'
import type { ObjectFile } from '../object.ts'
import type { LoadedModule } from '../symbolizer.ts'

/** Where execution is to stop: behind the code that sets up a function's frame. */
export interface BreakpointPlace {
  readonly address: number
  readonly function?: string
  readonly file?: string
  readonly line?: number
}

/** The places of `FUNCTION`, `FILE:FUNCTION`, `FILE:LINE` or `LINE`. Throws `expression-place` if there is none. */
export function breakpointPlaces(text: string, lookup: Lookup, frame: InspectedFrame | undefined): BreakpointPlace[] {
  const line = /^(?:(.+):)?(\d+)$/.exec(text)
  if (line !== null) {
    const file = line[1] ?? frame?.file
    if (file === undefined) throw new LemmingError('expression-place', 'No default source file: write FILE:LINE')
    return linePlaces(file, Number(line[2]), lookup)
  }
  const inFile = /^([^:]+\.[^:]+):(?!:)(.+)$/.exec(text)
  const name = (inFile?.[2] ?? text).replace(/\(.*\)$/, '').trim()
  const found = functionsNamed(name, lookup).filter(
    ({ entry }) => inFile === null || isPathEnd(entry.unit.root.name ?? '', inFile[1]),
  )
  const places = found.flatMap((one) => functionPlaces(one, lookup))
  if (places.length > 0) return distinct(places)
  const symbol = inFile === null ? symbolPlace(name, lookup) : undefined
  if (symbol !== undefined) return [symbol]
  throw new LemmingError('expression-place', `Function "${name}" not defined.`)
}

function functionsNamed(name: string, lookup: Lookup): Found[] {
  const exact = lookup.findAll(name.replace(/^::/, ''), ['function'])
  if (exact.length > 0 || name.startsWith('::')) return exact
  // As in gdb, scopes may be left out: those of namespaces, classes, crates.
  const tail = `::${name}`
  return [...lookup.fitting((full) => full.endsWith(tail), ['function'])]
}

function distinct(places: readonly BreakpointPlace[]): BreakpointPlace[] {
  const seen = new Set<number>()
  return places.filter(({ address }) => !seen.has(address) && seen.add(address) !== undefined)
}

function described(address: number, lookup: Lookup): BreakpointPlace {
  const { symbol, file, line } = lookup.symbolizer.describe(address)
  return { address, function: symbol, file, line }
}

/** A function's own code, behind its prologue, and each place it was inlined at. */
function functionPlaces({ entry, module }: Found, lookup: Lookup): BreakpointPlace[] {
  const places: BreakpointPlace[] = []
  const entryPc = entry.number(DW_AT.low_pc) ?? entry.ranges?.[0]
  if (entryPc !== undefined && entryPc > 0)
    places.push(described(afterPrologue(entryPc, entry, module, lookup), lookup))
  for (const address of inlinedAt(entry, module, lookup)) places.push(described(address + module.bias, lookup))
  return places
}

/**
 * Where a function's body begins, as gdb sees it: for gcc, behind the two instructions that set up a frame pointer, at the next
 * statement; where it begins if there is no frame pointer, or if
 * variables are located in the prologue as well; for clang, at the second statement. `start` is without load bias.
 */
function afterPrologue(start: number, { unit, file }: Entry, module: LoadedModule, lookup: Lookup): number {
  const object = lookup.symbolizer.objectFile(module)
  const table = object.debugging?.lineTable(unit)
  const elf = object.file
  if (table === undefined || elf === undefined) return start + module.bias
  const producer = file.root(unit).text(DW_AT.producer) ?? ''
  const end = object.symbolAt(start)?.end ?? Infinity
  if (producer.startsWith('clang ')) return (secondStatement(table, start, end) ?? start) + module.bias
  if (unit.usesLocationLists) return start + module.bias
  const offset = elf.fileOffset(start)
  const code = offset === undefined ? undefined : elf.bytes.subarray(offset, offset + 12)
  if (code === undefined) return start + module.bias
  const entry = startsWith(code, 0, [0xf3, 0x0f, 0x1e, 0xfa]) ? 4 : 0
  const isFrame =
    code[entry] === 0x55 &&
    (startsWith(code, entry + 1, [0x48, 0x89, 0xe5]) || startsWith(code, entry + 1, [0x48, 0x8b, 0xec]))
  if (!isFrame) return start + module.bias
  const pushed = start + entry + 4
  const row = table.range(pushed)
  if (row !== undefined && row.start !== pushed && row.end < end) return row.end + module.bias
  return pushed + module.bias
}

function secondStatement(table: LineTable, start: number, end: number): number | undefined {
  const first = table.range(start)
  return first === undefined ? undefined : table.statementFrom(first.end, end)
}

function startsWith(code: Uint8Array, at: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => code[at + i] === byte)
}

function inlinedAt(entry: Entry, module: LoadedModule, lookup: Lookup): number[] {
  const { debugging } = lookup.symbolizer.objectFile(module)
  if (debugging === undefined) return []
  const origins = new Set(entry.chain)
  const found: number[] = []
  const tree = debugging.tree(entry.unit)
  for (const call of tree.inlinedCalls()) {
    const at = entry.file.entry(call.offset, entry.unit)
    if (!at.chain.some((one) => origins.has(one))) continue
    if (call.ranges.length > 0) found.push(call.ranges[0])
  }
  return found
}

function symbolPlace(name: string, lookup: Lookup): BreakpointPlace | undefined {
  for (const module of lookup.symbolizer.loaded) {
    const symbol = lookup.symbolizer.objectFile(module).symbolNamed(name)
    if (symbol?.isFunction !== true) continue
    const subprogram = functionAt(lookup.symbolizer.objectFile(module), symbol.start)
    const isEntry = subprogram?.ranges?.[0] === symbol.start
    const address = isEntry ? afterPrologue(symbol.start, subprogram, module, lookup) : symbol.start + module.bias
    return { ...described(address, lookup), function: name }
  }
  return undefined
}

/** The code of lines `from` to `to` of a file, of all units and objects. Throws `expression-place` if the file is not known. */
export function linePieces(file: string, from: number, to: number, lookup: Lookup): LineRange[] {
  const pieces = new Map<number, LineRange>()
  let known = false
  for (const { object, table, bias } of lineTables(lookup))
    object.attempt(() => {
      const found = table.pieces((path) => isPathEnd(path, file), from, to)
      if (found !== undefined) known = true
      for (const { start, end, ...line } of found ?? [])
        pieces.set(start + bias, { ...line, start: start + bias, end: end + bias })
    })
  if (!known) throw new LemmingError('expression-place', `No source file named ${file}.`)
  return [...pieces.values()].toSorted((a, b) => a.start - b.start)
}

function* lineTables(lookup: Lookup): Generator<{ object: ObjectFile; table: LineTable; bias: number }> {
  for (const module of lookup.symbolizer.loaded) {
    const object = lookup.symbolizer.objectFile(module)
    const seen = new Set<unknown>()
    for (const unit of object.attempt(() => object.debugging?.file.units.units) ?? []) {
      if (!unit.hasCode) continue
      const table = object.attempt(() => object.debugging?.lineTable(unit))
      if (table === undefined || seen.has(table)) continue
      seen.add(table)
      yield { object, table, bias: module.bias }
    }
  }
}

function linePlaces(file: string, line: number, lookup: Lookup): BreakpointPlace[] {
  const places: BreakpointPlace[] = []
  let best = Infinity
  let known = false
  for (const module of lookup.symbolizer.loaded) {
    const object = lookup.symbolizer.objectFile(module)
    object.attempt(() => {
      const seen = new Set<unknown>()
      for (const unit of object.debugging?.file.units.units ?? []) {
        if (!unit.hasCode) continue
        const table = object.debugging?.lineTable(unit)
        if (table === undefined || seen.has(table)) continue
        seen.add(table)
        const found = table.statementsFrom((path) => isPathEnd(path, file), line)
        if (found === undefined) continue
        known = true
        if (found.line === undefined || found.line > best) continue
        if (found.line < best) places.length = 0
        best = found.line
        const blocks = new Set<Entry | undefined>()
        for (const address of found.addresses) {
          // One stop for each block that has code of the line.
          const subprogram = functionAt(object, address)
          const block = subprogram === undefined ? undefined : (blocksAt(subprogram, address)[0]?.entry ?? subprogram)
          if (block !== undefined && blocks.has(block)) continue
          blocks.add(block)
          const isEntry = subprogram !== undefined && subprogram.ranges?.[0] === address
          const at = isEntry ? afterPrologue(address, subprogram, module, lookup) : address + module.bias
          places.push(described(at, lookup))
        }
      }
    })
  }
  if (places.length > 0) return distinct(places)
  if (!known) throw new LemmingError('expression-place', `No source file named ${file}.`)
  throw new LemmingError('expression-place', `Line ${line} of ${file} has no code, and no line behind it has.`)
}
