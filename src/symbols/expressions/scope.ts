/** Exists to say what a name means where an expression is asked: blocks first, then `this`, namespaces, the file, the program. */

import { LemmingError } from '../../base/errors.ts'
import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { ProgramView } from '../frames/program.ts'
import type { Found } from '../lookup.ts'
import { functionTypeOf, scopeName, typeAt } from '../types/reader.ts'
import type { Language, StructType, Type } from '../types/type.ts'
import { C, stripped } from '../types/type.ts'
import { dereference, Value } from '../values/value.ts'
import { typeError, unknownName } from './errors.ts'
import { findMember } from './members.ts'
import type { Declarations } from './types.ts'
import type { Names } from './words.ts'

/** What cannot be a value but can be asked for by name. */
const keywords: ReadonlySet<string> = new Set(['sizeof', 'struct', 'union', 'enum'])

/** The names that an expression can use at one place of a program. */
export class Scope implements Names {
  readonly view: ProgramView
  readonly declarations: Declarations
  private used: readonly string[] | undefined

  constructor(view: ProgramView, declarations: Declarations) {
    this.view = view
    this.declarations = declarations
  }

  private get language(): Language {
    return this.view.language
  }

  typeNamed(name: string): Type | undefined {
    const declared = this.declarations.typedefs.get(name)
    if (declared !== undefined) return declared
    const local = this.localType(name, (entry) => this.language !== 'c' || !isTag(entry))
    if (local !== undefined) return local
    const kinds = this.language === 'c' ? (['typedef'] as const) : (['typedef', 'tag'] as const)
    for (const full of this.candidates(name)) {
      const found = this.view.lookup.find(full, kinds, this.view.near)
      if (found !== undefined) return typeAt(found.entry)
    }
    if (name === 'bool' && this.language !== 'c') return C.bool
    return this.language === 'c' ? undefined : this.declarations.tags.get(name)
  }

  tagged(keyword: 'struct' | 'union' | 'enum' | 'class', name: string): Type {
    const declared = this.declarations.tags.get(name)
    if (declared !== undefined) return declared
    const fits = (entry: Entry): boolean =>
      keyword === 'enum'
        ? entry.tag === DW_TAG.enumeration_type
        : keyword === 'union'
          ? entry.tag === DW_TAG.union_type
          : entry.isClass
    const local = this.localType(name, fits)
    if (local !== undefined) return local
    for (const full of this.candidates(name)) {
      const found = this.view.lookup.find(full, ['tag'], this.view.near, true)
      if (found !== undefined && fits(found.entry)) return typeAt(found.entry)
    }
    throw new LemmingError('expression-name', `No ${keyword} type named ${name}.`)
  }

  isVariable(name: string): boolean {
    if (keywords.has(name)) return false
    return this.localEntry(name) !== undefined
  }

  isFunction(name: string): boolean {
    for (const full of this.candidates(name))
      if (this.view.lookup.find(full, ['function', 'variable'], this.view.near) !== undefined) return true
    return false
  }

  /** The value that a name stands for. Throws `expression-name`. */
  value(name: string): Value {
    const { view } = this
    const module = view.frame?.at
    const local = this.localEntry(name)
    if (local !== undefined && module !== undefined) return this.valueOf({ entry: local, module })
    const enumerator = this.declarations.enumerators.get(name) ?? this.localEnumerator(name)
    if (enumerator !== undefined) return Value.integer(enumerator.type, enumerator.value, view)
    const self = this.self()
    if (self !== undefined) {
      const member = memberOf(self, name)
      if (member !== undefined) return member
    }
    for (const full of this.candidates(name)) {
      const found = view.lookup.find(full, ['variable', 'function', 'enumerator'], view.near)
      if (found !== undefined) return this.valueOf(found)
    }
    const inside = this.insideClass(name) ?? this.insideFunction(name)
    if (inside !== undefined) return inside
    return this.symbolValue(name)
  }

  /** `'file.c'::name`, and `function::name` with the function in quotes. */
  valueIn(file: string, name: string): Value {
    const found = this.view.lookup.inFile(file, name, ['variable', 'function', 'enumerator'])
    if (found !== undefined) return this.valueOf(found)
    const inside = this.insideFunction(`${file}::${name}`)
    if (inside !== undefined) return inside
    const isKnown = [...this.view.lookup.unitsOfFile(file)].length > 0
    if (isKnown) throw new LemmingError('expression-name', `No symbol "${name}" in specified context.`)
    throw new LemmingError('expression-name', `No symbol table is loaded or no such file: ${file}`)
  }

  /** The object that the frame's function is a member function of: `this`, or Rust's `self`. */
  self(): Value | undefined {
    const { view } = this
    const module = view.frame?.at
    if (module === undefined || this.language !== 'c++') return undefined
    const entry = this.localEntry('this')
    if (entry === undefined) return undefined
    try {
      return dereference(view.variable({ entry, module }))
    } catch {
      return undefined
    }
  }

  /** A name as it stands, and in each of the namespaces and classes around the frame's function, innermost first. */
  private *candidates(name: string): Generator<string> {
    const isGlobal = name.startsWith('::')
    const plain = isGlobal ? name.slice(2) : name
    // Compilers leave a blank between angle brackets, people do not.
    if (this.language === 'c++' && />>/.test(plain) && !plain.includes('operator'))
      yield* this.candidates(name.replace(/>(?=>)/g, '> '))
    if (this.language !== 'c' && !isGlobal) {
      const subprogram = this.view.frame?.blocks.find(({ isFunction }) => isFunction)?.entry
      let around = subprogram === undefined ? '' : scopeName(subprogram)
      while (around !== '') {
        yield `${around}::${plain}`
        around = around.includes('::') ? around.slice(0, around.lastIndexOf('::')) : ''
      }
    }
    yield plain
    if (this.language === 'c++' && !isGlobal) for (const around of this.usedNamespaces()) yield `${around}::${plain}`
  }

  /** Namespaces of the using-directives around the frame's function, and of its file. */
  private usedNamespaces(): readonly string[] {
    if (this.used !== undefined) return this.used
    const { near, frame } = this.view
    const root = near && this.view.lookup.symbolizer.objectFile(near.module).debugging?.file.root(near.unit)
    const places = [...(frame?.blocks ?? []).map(({ entry }) => entry), ...(root === undefined ? [] : [root])]
    const found = new Set<string>()
    for (const place of places) {
      for (const child of place.children) {
        const space = child.tag === DW_TAG.imported_module ? child.reference(DW_AT.import) : undefined
        if (space?.name === undefined) continue
        const around = scopeName(space)
        found.add(around === '' ? space.name : `${around}::${space.name}`)
      }
    }
    return (this.used = [...found])
  }

  private valueOf(found: Found): Value {
    const { entry } = found
    const { view } = this
    if (entry.tag === DW_TAG.enumerator) {
      const type = typeAt(entry.parent)
      return Value.integer(type, entry.constant(DW_AT.const_value) ?? 0n, view)
    }
    if (entry.tag === DW_TAG.subprogram) {
      const low = entry.ranges?.[0]
      if (low === undefined) {
        const name = entry.name ?? ''
        const linked = entry.chain.map((one) => one.text(DW_AT.linkage_name)).find((one) => one !== undefined) ?? name
        const symbol = view.lookup.symbolizer.objectFile(found.module).symbolNamed(linked)
        if (symbol === undefined)
          throw new LemmingError('expression-name', `Function "${name}" has no code of its own: it was inlined.`)
        return Value.at(functionTypeOf(entry), symbol.start + found.module.bias, view)
      }
      return Value.at(functionTypeOf(entry), low + found.module.bias, view)
    }
    return view.variable(found)
  }

  private localEntry(name: string): Entry | undefined {
    const { frame } = this.view
    if (frame === undefined) return undefined
    for (const block of frame.blocks) {
      const own = block.variables.filter((entry) => entry.name === name)
      const found = own.find((entry) => !entry.flag(DW_AT.declaration))
      if (found !== undefined) return found
    }
    return undefined
  }

  private localType(name: string, fits: (entry: Entry) => boolean): Type | undefined {
    for (const { entry } of this.view.frame?.blocks ?? []) {
      for (const child of [...entry.children, ...(entry.origin?.children ?? [])]) {
        if (typeTags.has(child.tag) && fits(child) && child.text(DW_AT.name) === name) return typeAt(child)
      }
    }
    return undefined
  }

  private localEnumerator(name: string): { value: bigint; type: Type } | undefined {
    for (const { entry } of this.view.frame?.blocks ?? []) {
      for (const child of entry.children) {
        if (child.tag !== DW_TAG.enumeration_type) continue
        const found = child.children.find((one) => one.text(DW_AT.name) === name)
        if (found !== undefined) return { value: found.constant(DW_AT.const_value) ?? 0n, type: typeAt(child) }
      }
    }
    return undefined
  }

  /** `Class::static` of a member that has no definition of its own, such as a constant. */
  private insideClass(path: string): Value | undefined {
    const at = path.lastIndexOf('::')
    const type = at <= 0 ? undefined : this.typeNamed(path.slice(0, at))
    const whole = type && stripped(this.view.complete(stripped(type) as StructType))
    return whole?.kind === 'struct' ? this.view.staticMember(whole, path.slice(at + 2)) : undefined
  }

  /** `function::static`: a variable of a function, also when no frame of it is looked at. */
  private insideFunction(path: string): Value | undefined {
    const at = path.lastIndexOf('::')
    if (at < 0) return undefined
    const found = this.view.lookup.find(path.slice(0, at), ['function'], this.view.near)
    if (found === undefined) return undefined
    const name = path.slice(at + 2)
    const search = (entry: Entry): Entry | undefined => {
      for (const child of entry.children) {
        if (child.tag === DW_TAG.variable && child.name === name) return child
        const inner = child.tag === DW_TAG.lexical_block ? search(child) : undefined
        if (inner !== undefined) return inner
      }
      return undefined
    }
    const entry = search(found.entry)
    if (entry === undefined)
      throw new LemmingError('expression-name', `No symbol "${name}" in function "${path.slice(0, at)}".`)
    return this.view.variable({ entry, module: found.module })
  }

  /** The address of what says where a function is: an indirect one of the linker's. */
  indirectFunction(name: string): number | undefined {
    const { symbolizer } = this.view.lookup
    for (const module of symbolizer.loaded) {
      const symbol = symbolizer.objectFile(module).symbolNamed(name)
      if (symbol !== undefined) return symbol.isIndirect ? symbol.start + module.bias : undefined
    }
    return undefined
  }

  /** A function of which nothing but its address is known. */
  untyped(address: number): Value {
    return Value.at(untypedFunction, address, this.view)
  }

  /** A name that only the linker knows. Functions can be named; of data nothing says what it is. */
  private symbolValue(name: string): Value {
    const { symbolizer } = this.view.lookup
    for (const module of symbolizer.loaded) {
      const symbol = symbolizer.objectFile(module).symbolNamed(name)
      if (symbol === undefined) continue
      if (symbol.isFunction) return Value.at(untypedFunction, symbol.start + module.bias, this.view)
      if (symbol.isThreadLocal) throw typeError(`'${name}' has unknown type; cast it to its declared type`)
      return Value.at(
        { kind: 'void', language: 'c', name: '<data variable, no debug info>', symbol: name },
        symbol.start + module.bias,
        this.view,
      )
    }
    throw this.splitError(name) ?? unknownName(name)
  }

  /** Where the debugging information of the frame's unit is in a file of its own, which is not there. */
  private splitError(name: string): LemmingError | undefined {
    const { frame } = this.view
    if (frame?.at === undefined) return undefined
    const object = this.view.lookup.symbolizer.objectFile(frame.at)
    const [unit] = object.attempt(() => object.debugging?.file.units.at(frame.lookup - frame.at!.bias)) ?? []
    const file = object.attempt(() => unit?.root.splitInto)
    if (file === undefined) return undefined
    return new LemmingError(
      'expression-split',
      `No symbol "${name}" in current context: the types and variables of ${unit.root.name ?? 'this unit'} are in ${file}, which is not there.`,
      'put it where it was compiled, or make PROGRAM.dwp of all of them (dwp, llvm-dwp)',
    )
  }
}

/** `main` of a program without debugging information, as gdb calls it. */
const untypedFunction: Type = {
  kind: 'function',
  language: 'c',
  result: { kind: 'void', language: 'c', name: 'int' },
  parameters: [],
  isVariadic: false,
  isPrototyped: true,
}

const typeTags: ReadonlySet<number> = new Set([
  DW_TAG.structure_type,
  DW_TAG.class_type,
  DW_TAG.union_type,
  DW_TAG.enumeration_type,
  DW_TAG.typedef,
])

function isTag(entry: Entry): boolean {
  return entry.isClass || entry.tag === DW_TAG.enumeration_type
}

function memberOf(object: Value, name: string): Value | undefined {
  const type = stripped(object.space.complete(stripped(object.type) as StructType))
  return type.kind === 'struct' ? findMember(object, type, name) : undefined
}
