/**
 * Exists to turn translated functions into a WebAssembly module with our own encoder: general-purpose builders cost
 * forty times more per module, and compile time is what short runs consist of.
 */

import { assert } from '../base/errors.ts'
import { CodeWriter } from './encode-writer.ts'

export { CodeWriter } from './encode-writer.ts'

/** Value types and the empty block type, as encoded (specification, sections 5.3.1 to 5.3.6 and 5.4.1). */
export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
const FUNCREF = 0x70
/** The block type without parameters and results, as the signed number that `CodeWriter.opBlock` takes. */
export const BLOCK_VOID = -0x40

export type ValueType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128

/** The number that `CodeWriter.opBlock` takes for a block with the single result `type`. */
export function blockResult(type: ValueType): number {
  return type - 0x80
}

const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  export: 7,
  element: 9,
  code: 10,
} as const

const EXTERNAL = { function: 0, table: 1, memory: 2, global: 3 } as const

/**
 * The body of one function while it is being written. Instructions go through the inherited writer (the final `end` is
 * added by {@link ModuleBuilder.add}); locals may be declared at any time, since the declarations are put in front of
 * the code only when the body is finished. Reusable after `reset`.
 */
export class FunctionBody extends CodeWriter {
  /** Type of every declared local; the index of `locals[i]` is `parameterCount + i`. */
  readonly locals: ValueType[]
  parameterCount: number
  /** Pairs (offset in the code, 0 unlikely | 1 likely) in ascending order of offset. */
  readonly hints: number[]

  constructor(parameterCount = 0) {
    super()
    this.locals = []
    this.parameterCount = parameterCount
    this.hints = []
  }

  /** Starts another function, of `parameterCount` parameters. */
  override reset(parameterCount = 0): void {
    this.length = 0
    this.locals.length = 0
    this.hints.length = 0
    this.parameterCount = parameterCount
  }

  /** Declares one more local and returns its index. Runs of the same type share a declaration. */
  local(type: ValueType): number {
    return this.parameterCount + this.locals.push(type) - 1
  }

  /** Says of the `if` or `br_if` that is written next that its condition is probably true (`likely`) or false. */
  hint(likely: boolean): void {
    this.hints.push(this.length, likely ? 1 : 0)
  }
}

/** A function apart from any module: local declarations, code and final `end`; hints with offsets from the start of `bytes`. */
export interface EncodedFunction {
  bytes: Uint8Array
  hints: readonly number[]
}

/** Encodes a body so that it can be kept and added to modules later. */
export function encodeFunction(body: FunctionBody): EncodedFunction {
  const out = new CodeWriter(body.length + 64)
  const locals = new CodeWriter()
  const groups = writeLocals(locals, body.locals)
  out.u32leb(groups)
  out.append(locals)
  const prefix = out.length
  out.append(body)
  out.u8(0x0b)
  // Offsets count from the start of the local declarations (branch hinting proposal, "metadata.code.branch_hint").
  return { bytes: out.toBytes(), hints: body.hints.map((value, i) => (i % 2 === 0 ? value + prefix : value)) }
}

/** Builds one module. Order of calls: types at any time, all imports, then functions; the rest in any order. */
export class ModuleBuilder {
  private readonly typeIndex = new Map<string, number>()
  private readonly types = new CodeWriter()
  private readonly imports = new CodeWriter()
  private readonly declarations = new CodeWriter()
  private readonly exports = new CodeWriter()
  private readonly elements = new CodeWriter()
  private readonly code = new CodeWriter(1 << 16)
  private readonly branchHints = new CodeWriter()
  private readonly functionNames = new CodeWriter()
  private importCount = 0
  private importedFunctions = 0
  private importedTables = 0
  private importedMemories = 0
  private importedGlobals = 0
  private functionCount = 0
  private exportCount = 0
  private elementCount = 0
  private hintedFunctions = 0
  private nameCount = 0

  /** Forgets everything and keeps the buffers. */
  reset(): void {
    this.typeIndex.clear()
    this.types.reset()
    this.imports.reset()
    this.importCount = 0
    this.importedFunctions = 0
    this.importedTables = 0
    this.importedMemories = 0
    this.importedGlobals = 0
    this.resetFunctions()
  }

  /** Forgets everything but types and imports, which many modules may have in common. */
  resetFunctions(): void {
    this.declarations.reset()
    this.exports.reset()
    this.elements.reset()
    this.code.reset()
    this.branchHints.reset()
    this.functionNames.reset()
    this.functionCount = 0
    this.exportCount = 0
    this.elementCount = 0
    this.hintedFunctions = 0
    this.nameCount = 0
  }

  /** Index of the function type, declared once however often it is asked for. Several results are allowed. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join()}:${results.join()}`
    const known = this.typeIndex.get(key)
    if (known !== undefined) return known
    const index = this.typeIndex.size
    this.typeIndex.set(key, index)
    this.types.u8(0x60)
    this.types.u32leb(parameters.length)
    for (const type of parameters) this.types.u8(type)
    this.types.u32leb(results.length)
    for (const type of results) this.types.u8(type)
    return index
  }

  /** Imports a memory; sizes in pages of 64 KiB. Returns its index. */
  importMemory(module: string, name: string, minimum: number, maximum?: number): number {
    this.import(module, name, EXTERNAL.memory)
    this.limits(minimum, maximum)
    return this.importedMemories++
  }

  /** Imports a table of functions; sizes in entries. Returns its index. */
  importTable(module: string, name: string, minimum: number, maximum?: number): number {
    this.import(module, name, EXTERNAL.table)
    this.imports.u8(FUNCREF)
    this.limits(minimum, maximum)
    return this.importedTables++
  }

  /** Imports a function of the type with this index. Returns its index. */
  importFunction(module: string, name: string, typeIndex: number): number {
    this.import(module, name, EXTERNAL.function)
    this.imports.u32leb(typeIndex)
    return this.importedFunctions++
  }

  /** Imports a global. Returns its index. */
  importGlobal(module: string, name: string, type: ValueType, mutable: boolean): number {
    this.import(module, name, EXTERNAL.global)
    this.imports.u8(type)
    this.imports.u8(mutable ? 1 : 0)
    return this.importedGlobals++
  }

  /** Index that the next function passed to `add` gets; later ones follow, so that calls may go forward. */
  get nextFunction(): number {
    return this.importedFunctions + this.functionCount
  }

  /** Adds a function of the type with this index and returns its index. The body is copied and may be reset afterwards. */
  add(typeIndex: number, body: FunctionBody): number {
    return this.addEncoded(typeIndex, encodeFunction(body))
  }

  /** Adds a function that has been encoded before; see `encodeFunction`. */
  addEncoded(typeIndex: number, { bytes, hints }: EncodedFunction): number {
    const index = this.nextFunction
    this.functionCount++
    this.declarations.u32leb(typeIndex)
    this.code.u32leb(bytes.length)
    this.code.raw(bytes)
    if (hints.length > 0) {
      this.hintedFunctions++
      this.branchHints.u32leb(index)
      this.branchHints.u32leb(hints.length >> 1)
      for (let i = 0; i < hints.length; i += 2) {
        this.branchHints.u32leb(hints[i]!)
        this.branchHints.u8(1)
        this.branchHints.u8(hints[i + 1]!)
      }
    }
    return index
  }

  exportFunction(name: string, index: number): void {
    this.exports.name(name)
    this.exports.u8(EXTERNAL.function)
    this.exports.u32leb(index)
    this.exportCount++
  }

  /** Writes these functions into a table from `tableOffset` on when the module is instantiated. */
  element(tableOffset: number, functions: readonly number[], table = 0): void {
    const out = this.elements
    out.u32leb(table === 0 ? 0 : 2)
    if (table !== 0) out.u32leb(table)
    out.i32Const(tableOffset)
    out.u8(0x0b)
    // Element kind: functions.
    if (table !== 0) out.u8(0)
    out.u32leb(functions.length)
    for (const index of functions) out.u32leb(index)
    this.elementCount++
  }

  /** Names a function for stack traces and profilers. Functions must be named in ascending order of index. */
  nameFunction(index: number, name: string): void {
    this.functionNames.u32leb(index)
    this.functionNames.name(name)
    this.nameCount++
  }

  /** The module's bytes, in an array that belongs to the caller. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = new CodeWriter(this.code.length + this.elements.length + this.declarations.length + 1024)
    out.u32(0x6d736100)
    out.u32(1)
    section(out, SECTION.type, this.typeIndex.size, this.types)
    section(out, SECTION.import, this.importCount, this.imports)
    section(out, SECTION.function, this.functionCount, this.declarations)
    section(out, SECTION.export, this.exportCount, this.exports)
    section(out, SECTION.element, this.elementCount, this.elements)
    this.customHints(out)
    section(out, SECTION.code, this.functionCount, this.code)
    this.customNames(out)
    return out.toBytes()
  }

  /** Branch hints must precede the code section, or V8 ignores them. */
  private customHints(out: CodeWriter): void {
    if (this.hintedFunctions === 0) return
    const content = new CodeWriter(this.branchHints.length + 64)
    content.name('metadata.code.branch_hint')
    content.u32leb(this.hintedFunctions)
    content.append(this.branchHints)
    out.u8(SECTION.custom)
    out.u32leb(content.length)
    out.append(content)
  }

  private customNames(out: CodeWriter): void {
    if (this.nameCount === 0) return
    const content = new CodeWriter(this.functionNames.length + 64)
    content.name('name')
    content.u8(1) // subsection: function names
    content.u32leb(lebLength(this.nameCount) + this.functionNames.length)
    content.u32leb(this.nameCount)
    content.append(this.functionNames)
    out.u8(SECTION.custom)
    out.u32leb(content.length)
    out.append(content)
  }

  private import(module: string, name: string, kind: number): void {
    assert(this.functionCount === 0, 'a wasm import after the first function would renumber it')
    this.imports.name(module)
    this.imports.name(name)
    this.imports.u8(kind)
    this.importCount++
  }

  private limits(minimum: number, maximum: number | undefined): void {
    this.imports.u8(maximum === undefined ? 0 : 1)
    this.imports.u32leb(minimum)
    if (maximum !== undefined) this.imports.u32leb(maximum)
  }
}

/** Writes (count, type) for every run of equal types and returns the number of runs. */
function writeLocals(out: CodeWriter, locals: readonly ValueType[]): number {
  let groups = 0
  for (let i = 0; i < locals.length;) {
    let end = i + 1
    while (end < locals.length && locals[end] === locals[i]) end++
    out.u32leb(end - i)
    out.u8(locals[i])
    groups++
    i = end
  }
  return groups
}

/** A section whose content is a counted list; absent when the list is empty. */
function section(out: CodeWriter, id: number, count: number, content: CodeWriter): void {
  if (count === 0) return
  out.u8(id)
  out.u32leb(lebLength(count) + content.length)
  out.u32leb(count)
  out.append(content)
}

/** Bytes of the unsigned LEB128 encoding of an unsigned 32-bit number. */
function lebLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}
