/** Exists as the one thing others use to look into a program: its frames, variables and types, and expressions over them. */

import { LemmingError } from '../base/errors.ts'
import type { StackEnd } from './cfi/unwind.ts'
import { DW_AT } from './dwarf/constants.ts'
import type { NameKind } from './dwarf/name-index.ts'
import { evaluate, requireType, type Variables } from './expressions/evaluate.ts'
import { type Caller, pretended } from './expressions/calls.ts'
import { castTo } from './expressions/cast.ts'
import { asWhole } from './expressions/dynamic.ts'
import { typeError } from './expressions/errors.ts'
import { constantSize, parseExpression } from './expressions/parser.ts'
import type { BreakpointPlace } from './expressions/places.ts'
import { breakpointPlaces, linePieces } from './expressions/places.ts'
import { Scope } from './expressions/scope.ts'
import type { Expression } from './expressions/tree.ts'
import type { Declarations } from './expressions/types.ts'
import { readDeclarations } from './expressions/types.ts'
import { Words } from './expressions/words.ts'
import type { InspectedFrame } from './frames/frame.ts'
import { blocksAt } from './frames/blocks.ts'
import { expand } from './frames/frame.ts'
import { functionAt } from './frames/function-at.ts'
import { DWARF_REGISTER } from './cfi/registers.ts'
import { frameText } from './frames/describe.ts'
import { ProgramView } from './frames/program.ts'
import type { ThreadState } from './frames/thread.ts'
import type { NamedValue } from './frames/variables.ts'
import { argumentEntries, localEntries, namedValues } from './frames/variables.ts'
import { Lookup } from './lookup.ts'
import type { Symbolizer } from './symbolizer.ts'
import { describeType } from './types/describe.ts'
import { typeName } from './types/names.ts'
import { describeOffsets } from './types/offsets.ts'
import { partAt } from './types/path.ts'
import { typeOfEntry } from './types/reader.ts'
import type { Type } from './types/type.ts'
import { sizeOf, stripped } from './types/type.ts'
import type { FormatOptions } from './values/options.ts'
import { format } from './values/format.ts'
import type { Format } from './values/numbers.ts'
import { formats } from './values/numbers.ts'
import { isMissing } from './values/space.ts'
import { Value } from './values/value.ts'

export type { InspectedFrame } from './frames/frame.ts'
export type { NamedValue } from './frames/variables.ts'
export type { ThreadState } from './frames/thread.ts'
export type { BreakpointPlace } from './expressions/places.ts'

/** Where a question is asked. Without a frame it is asked of the program as a whole; memory then needs a thread. */
export interface InspectionScope {
  readonly frame?: InspectedFrame
  readonly thread?: ThreadState
  /** What a session has given names: `$1`, `$x`. Assignments to `$x` are entered here. */
  readonly variables?: Variables
  /** Executes functions that expressions call; without it they cannot. */
  readonly caller?: Caller
}

/** Where the value of an expression is: what a watchpoint or a question about its last writer is about. */
export type Place =
  | {
      readonly kind: 'memory'
      readonly address: number
      readonly size: number
      readonly type: string
      /** A bit-field: its width, and its first bit from the address on. */
      readonly bits?: { readonly size: number; readonly offset: number }
    }
  | { readonly kind: 'register'; readonly register: number; readonly size: number; readonly type: string }
  /** In several places, or nowhere. */
  | { readonly kind: 'pieces' | 'value' | 'optimized-out'; readonly size: number; readonly type: string }

/** Something with a name, and where it was declared. */
export interface NamedPlace {
  readonly name: string
  /** The source file of its unit. */
  readonly file?: string
  readonly line?: number
}

/** A symbol of the linker. */
export interface FoundSymbol {
  readonly name: string
  readonly address: number
  readonly size: number
  readonly module: string
  readonly kind: 'function' | 'object' | 'thread-local'
}

/** Answers questions about variables and types of one program. Everything is read when first needed and kept. */
export class Inspector {
  readonly symbolizer: Symbolizer
  private readonly lookup: Lookup
  private readonly declarations: Declarations

  constructor(symbolizer: Symbolizer, declarations: Declarations) {
    this.symbolizer = symbolizer
    this.lookup = new Lookup(symbolizer)
    this.declarations = declarations
  }

  /** The same program after `dlopen`, `dlclose` or `exec`: types declared here are kept. */
  withSymbolizer(symbolizer: Symbolizer): Inspector {
    return new Inspector(symbolizer, this.declarations)
  }

  /** The frames of a thread, inlined calls included, innermost first, and why there are no more. */
  frames(thread: ThreadState, limit?: number): { frames: InspectedFrame[]; end: StackEnd } {
    const stack = this.symbolizer.unwind(thread.registers, thread.readMemory, limit)
    return { frames: expand(this.symbolizer, stack, thread), end: stack.end }
  }

  /** `#1  0x… in add (a=1, b=0x…) at calc.c:12`, as gdb's backtrace has it. */
  describeFrame(
    frame: InspectedFrame,
    options: { arguments?: boolean; level?: boolean; library?: boolean } = {},
  ): string {
    const { library = false } = options
    const list = options.arguments === false ? undefined : this.args(frame, { summary: true, library })
    return frameText({ ...frame, file: this.shownFile(frame) }, list, options.level !== false)
  }

  /** The file as the compiler was given it, which is what gdb shows; not below the directory of the compilation where that was an absolute path. */
  private shownFile({ at, lookup, file }: InspectedFrame): string | undefined {
    const object = at && this.symbolizer.objectFile(at)
    const found = object?.attempt(() => {
      const [unit] = object.debugging?.file.units.at(lookup - at!.bias) ?? []
      const root = unit && object.debugging?.file.root(unit)
      return root?.name?.startsWith('/') === true ? undefined : root?.text(DW_AT.comp_dir)
    })
    return found?.startsWith('/') === true && file?.startsWith(`${found}/`) === true
      ? file.slice(found.length + 1)
      : file
  }

  /** The parameters of the frame's function. */
  args(frame: InspectedFrame, options?: FormatOptions): NamedValue[] {
    return namedValues(argumentEntries(frame), this.view({ frame }), options)
  }

  /** The variables of the blocks that the frame is in, those of the innermost first. */
  locals(frame: InspectedFrame, options?: FormatOptions): NamedValue[] {
    return namedValues(localEntries(frame), this.view({ frame }), options)
  }

  /** The value of an expression. Throws `expression-*`. */
  evaluate(text: string, scope: InspectionScope): Value {
    const names = this.scope(scope)
    const value = evaluate(parseExpression(text, names), names, scope.variables, scope.caller)
    requireType(value)
    return value
  }

  /** A value as gdb's `print` writes it, without `$1 = `. */
  format(value: Value, options: FormatOptions = {}): string {
    return format(value, options)
  }

  /** `EXPR`, or `/x EXPR`: value and format in one. */
  print(text: string, scope: InspectionScope, options: FormatOptions = {}): string {
    return this.printed(text, scope, options).text
  }

  /** The same, with the value. */
  printed(text: string, scope: InspectionScope, options: FormatOptions = {}): { value: Value; text: string } {
    const { letters, rest } = formatOf(text)
    const chosen = letters.split('').find((letter) => formats.has(letter)) as Format | undefined
    const library = options.library === true && !letters.includes('r')
    const given = this.evaluate(rest, scope)
    const value = options.object === true ? asWhole(given, this.scope(scope)) : given
    const isOther = value !== given && stripped(value.type).kind === 'struct'
    const shown = format(value, { ...options, library, ...(chosen !== undefined && { format: chosen }) })
    return { value, text: isOther ? `(${typeName(value.type)}) ${shown}` : shown }
  }

  /** The name of an expression's type; of a type's name, what it stands for, one step. */
  whatis(text: string, scope: InspectionScope): string {
    const { type, isType } = this.typeOf(text, scope)
    return typeName(isType && type.kind === 'typedef' ? type.target : type)
  }

  /** The type of an expression, or a type, written out. */
  ptype(text: string, scope: InspectionScope): string {
    const view = this.view(scope)
    return describeType(this.typeOf(text, scope).type, (type) => view.complete(type))
  }

  /** As `ptype`, with offsets and sizes of members: gdb's `ptype/o`. */
  offsets(text: string, scope: InspectionScope): string {
    const view = this.view(scope)
    return describeOffsets(this.typeOf(text, scope).type, (type) => view.complete(type))
  }

  /** Where the value of an expression is. */
  place(text: string, scope: InspectionScope): Place {
    return placeOf(this.evaluate(text, scope))
  }

  /** What an address within a variable is called: `pair.second`, `text+3`; null for a variable that does not lie there. */
  nameAt(variable: string, address: number, scope: InspectionScope): string | null {
    const value = this.evaluate(variable, scope)
    const place = placeOf(value)
    if (place.kind !== 'memory') return null
    const offset = address - place.address
    if (offset < 0 || offset >= place.size) return null
    const view = this.view(scope)
    return `${variable}${partAt(value.type, offset, (type) => view.complete(type))}`
  }

  /** `LEFT = RIGHT`: where would be written, and what. Nothing is. */
  assignment(text: string, scope: InspectionScope): { place: Place; bytes: Uint8Array } {
    const names = this.scope(scope)
    const tree = parseExpression(text, names)
    if (tree.kind !== 'assign') throw typeError('an assignment is expected: LEFT = RIGHT')
    const target = evaluate(tree.left, names, scope.variables)
    const right: Expression =
      tree.operator === ''
        ? tree.right
        : { kind: 'binary', operator: tree.operator, left: tree.left, right: tree.right }
    const value = castTo(evaluate(right, names, scope.variables), target.type)
    // The instruction pointer of a frame is a value, not a register: it is that of the innermost one that can be set.
    const isPc = tree.left.kind === 'dollar' && /^(pc|rip)$/.test(tree.left.name)
    const found = placeOf(target)
    const place: Place = isPc ? { ...found, kind: 'register', register: DWARF_REGISTER.rip } : found
    if (place.kind !== 'memory' && place.kind !== 'register')
      throw typeError('Left operand of assignment is not an lvalue.')
    return { place, bytes: value.bytes().slice() }
  }

  /** Declares types in C, for memory that nothing else describes; returns their names. */
  declare(text: string): string[] {
    return readDeclarations(new Words(text, this.scope({})), this.declarations, constantSize)
  }

  /** A value of a type given as text, at an address. */
  valueAt(address: number, type: string, scope: InspectionScope): Value {
    return Value.at(this.typeOf(type, scope).type, address, this.view(scope))
  }

  /** `main+4` for an address that a symbol covers. */
  symbolic(address: number): string | undefined {
    return this.view({}).symbolic(address)
  }

  /** Where execution is to stop for `FUNCTION`, `FILE:LINE`, `LINE`, `FILE:FUNCTION` or `*EXPRESSION`. */
  breakpoint(text: string, scope: InspectionScope = {}): BreakpointPlace[] {
    const trimmed = text.trim()
    if (trimmed.startsWith('*')) {
      const address = Number(castTo(this.evaluate(trimmed.slice(1), scope), unsignedLong).integer())
      const { symbol, file, line } = this.symbolizer.describe(address)
      return [{ address, function: symbol, file, line }]
    }
    return breakpointPlaces(trimmed, this.lookup, scope.frame)
  }

  /** The code of lines `from` to `to` of a file. */
  pieces(file: string, from: number, to: number): { file: string; line: number; start: number; end: number }[] {
    return linePieces(file, from, to, this.lookup)
  }

  /** The lines of a function's code. Throws `expression-place`. */
  extent(name: string): { file: string; from: number; to: number } {
    const [place] = breakpointPlaces(name, this.lookup, undefined)
    const symbol = place && this.symbolizer.symbolAt(place.address)
    if (place?.file === undefined || symbol === undefined)
      throw new LemmingError('expression-place', `Function "${name}" has no lines.`)
    const { file } = place
    const lines: number[] = []
    for (let at = symbol.start; at < symbol.end;) {
      const piece = this.line(at)
      // Not those of functions that were inlined there, nor of the one into which it was inlined itself.
      const isOwn = this.symbolizer.describe(at).symbol === place.function
      if (isOwn && piece?.file === file && piece.line > 0) lines.push(piece.line)
      at = Math.max(at + 1, piece?.end ?? 0)
    }
    if (lines.length === 0) lines.push(place.line ?? 1)
    return { file, from: Math.min(...lines), to: Math.max(...lines) }
  }

  /** The variables that the blocks around an instruction have, the innermost block's first, with type and bytes. */
  scopeAt(address: number): { name: string; type: string; size: number }[] {
    const module = this.symbolizer.moduleAt(address)
    const object = module && this.symbolizer.objectFile(module)
    const subprogram = object && functionAt(object, address - module!.bias)
    if (subprogram === undefined) return []
    const view = this.view({})
    return blocksAt(subprogram, address - module!.bias).flatMap(({ variables }) =>
      variables.flatMap((entry) => {
        if (entry.name === undefined) return []
        const type = typeOfEntry(entry)
        return [{ name: entry.name, type: typeName(type), size: sizeOf(view.complete(stripped(type))) }]
      }),
    )
  }

  /** The piece of line table that holds `address`: its line, and the addresses it covers. */
  line(address: number): { file: string; line: number; start: number; end: number } | undefined {
    const module = this.symbolizer.moduleAt(address)
    const object = module && this.symbolizer.objectFile(module)
    const found = object?.attempt(() => object.debugging?.lineRange(address - module!.bias))
    if (module === undefined || found === undefined) return undefined
    return { ...found, start: found.start + module.bias, end: found.end + module.bias }
  }

  /** A symbol of the linker by its name. */
  lookupSymbol(name: string): FoundSymbol | undefined {
    for (const module of this.symbolizer.loaded) {
      const symbol = this.symbolizer.objectFile(module).symbolNamed(name)
      if (symbol === undefined) continue
      const { start, end, isFunction, isThreadLocal } = symbol
      const kind = isThreadLocal ? 'thread-local' : isFunction ? 'function' : 'object'
      return { name, address: start + (isThreadLocal ? 0 : module.bias), size: end - start, module: module.path, kind }
    }
    return undefined
  }

  /** Names that begin with `prefix`: of variables that can be seen, and of the program. At most `limit`. */
  complete(prefix: string, { frame }: InspectionScope, limit = 200): string[] {
    const found = new Set<string>()
    const consider = (name: string | undefined): void => {
      if (name?.startsWith(prefix) === true) found.add(name)
    }
    if (frame !== undefined)
      for (const entry of [...localEntries(frame), ...argumentEntries(frame)]) consider(entry.name)
    for (const module of this.symbolizer.loaded) {
      const object = this.symbolizer.objectFile(module)
      object.attempt(() => {
        for (const name of object.names?.startingWith(prefix) ?? []) {
          if (found.size >= limit) return
          found.add(name)
        }
      })
    }
    return [...found].slice(0, limit)
  }

  /** Functions, variables or types whose name a regular expression fits, sorted, at most `limit`. */
  names(pattern: RegExp, kind: 'functions' | 'variables' | 'types', limit: number): NamedPlace[] {
    const kinds: Record<typeof kind, NameKind[]> = {
      functions: ['function'],
      variables: ['variable'],
      types: ['tag', 'typedef'],
    }
    const found = new Map<string, NamedPlace>()
    for (const { name, entry } of this.lookup.fitting((one) => pattern.test(one), kinds[kind])) {
      const line = entry.chain.map((one) => one.number(DW_AT.decl_line)).find((one) => one !== undefined)
      const file = entry.unit.root.name
      found.set(`${file} ${name}`, { name, file, line })
      if (found.size >= limit) break
    }
    return [...found.values()].toSorted(
      (a, b) => (a.file ?? '').localeCompare(b.file ?? '') || (a.line ?? 0) - (b.line ?? 0),
    )
  }

  /** What could not be read, one line each. */
  problems(): string[] {
    return this.symbolizer.problems()
  }

  private typeOf(text: string, scope: InspectionScope): { type: Type; isType: boolean } {
    const names = this.scope(scope)
    const tree = parseExpression(text, names)
    if (tree.kind === 'type') return { type: tree.type, isType: true }
    try {
      return { type: evaluate(tree, names, scope.variables, pretended).type, isType: false }
    } catch (error) {
      if (!isMissing(error)) throw error
      // The type of what is not there is known all the same.
      const lenient = new Scope(new ProgramView(this.lookup, scope.frame, scope.thread, true), this.declarations)
      return { type: evaluate(tree, lenient, scope.variables, pretended).type, isType: false }
    }
  }

  private scope(scope: InspectionScope): Scope {
    return new Scope(this.view(scope), this.declarations)
  }

  private view({ frame, thread }: InspectionScope): ProgramView {
    return new ProgramView(this.lookup, frame, thread)
  }
}

const unsignedLong: Type = { kind: 'base', language: 'c', name: 'unsigned long', size: 8, encoding: 7 }

/** Where a value is, as plain data. */
export function placeOf(value: Value): Place {
  const { location, bits, size } = value
  const type = typeName(value.type)
  if (location.kind === 'memory') {
    if (bits === undefined) return { kind: 'memory', address: location.address, size, type }
    const first = bits.offset >> 3
    const offset = bits.offset & 7
    return {
      kind: 'memory',
      address: location.address + first,
      size: (offset + bits.size + 7) >> 3,
      type,
      bits: { size: bits.size, offset },
    }
  }
  if (location.kind === 'register') return { kind: 'register', register: location.register, size, type }
  return { kind: location.kind === 'implicit-pointer' ? 'value' : location.kind, size, type }
}

/** `/x` in front of an expression. Throws `expression-format`. */
function formatOf(text: string): { letters: string; rest: string } {
  const match = /^\s*\/(\S*)\s*/.exec(text)
  if (match === null) return { letters: '', rest: text }
  const [whole, letters] = match
  const unknown = letters.split('').find((letter) => !formats.has(letter) && letter !== 'r')
  if (unknown !== undefined)
    throw new LemmingError(
      'expression-format',
      `Undefined output format "${unknown}".`,
      'the formats are x d u o t c a f s z',
    )
  return { letters, rest: text.slice(whole.length) }
}

/** An inspector for a program. Costs nothing until asked. */
export function createInspector(symbolizer: Symbolizer): Inspector {
  return new Inspector(symbolizer, { typedefs: new Map(), tags: new Map(), enumerators: new Map() })
}
