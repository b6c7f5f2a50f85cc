/** Exists to read types as C, C++ and Rust write them: in casts, and in whole declarations for memory without debugging information. */

import { baseTypeWords, canonicalBaseName } from '../types/base-names.ts'
import { complete, layOutEnum, layOutStruct } from '../types/layout.ts'
import type { Enumerator, FunctionType, Qualifier, StructType, Type } from '../types/type.ts'
import { arrayOf, C, pointerTo, qualify, voidType } from '../types/type.ts'
import { typeError } from './errors.ts'
import type { Words } from './words.ts'

const qualifiers: Readonly<Record<string, Qualifier>> = {
  const: 'const',
  volatile: 'volatile',
  restrict: 'restrict',
  __restrict: 'restrict',
  __volatile__: 'volatile',
  __const: 'const',
  _Atomic: '_Atomic',
}

const baseTypes: ReadonlyMap<string, Type> = new Map(Object.values(C).map((type) => [type.name, type]))

/** A name and the type that a declarator gives it. */
export interface Declared {
  readonly name: string | undefined
  readonly type: Type
}

/** Where declarations on the spot are kept. */
export interface Declarations {
  readonly typedefs: Map<string, Type>
  readonly tags: Map<string, Type>
  readonly enumerators: Map<string, Enumerator & { readonly type: Type }>
}

/** Whether a type begins at the cursor. */
export function startsType(words: Words): boolean {
  const { token, names } = words
  if (token.kind !== 'name') return words.is('::') ? atTypeName(words) : false
  const { text } = token
  if (text in qualifiers || baseTypeWords.has(text) || text === 'void' || text === 'float' || text === '_Bool')
    return true
  if (/^(struct|union|enum|class|typename)$/.test(text) && words.peek().kind !== 'end') return true
  const known = names.isVariable(text)
  return !known && atTypeName(words)
}

function atTypeName(words: Words): boolean {
  const start = words.position
  const name = words.scopedName((candidate) => words.names.typeNamed(candidate) !== undefined)
  words.position = start
  return name !== undefined && !words.names.isVariable(name) && words.names.typeNamed(name) !== undefined
}

/** A type without a name declared: `struct point *(*)[3]`. */
export function readTypeName(words: Words, size: (words: Words) => number): Type {
  const reader = new TypeReader(words, size, undefined)
  const base = reader.specifiers()
  return reader.declarator(base).type
}

/** Declarations up to the end of the text; they are entered in `into`, and their names returned. */
export function readDeclarations(words: Words, into: Declarations, size: (words: Words) => number): string[] {
  const reader = new TypeReader(words, size, into)
  const declared: string[] = []
  while (words.token.kind !== 'end') {
    if (words.accept(';')) continue
    declared.push(...reader.declaration())
  }
  return declared
}

class TypeReader {
  private readonly words: Words
  private readonly size: (words: Words) => number
  private readonly into: Declarations | undefined

  constructor(words: Words, size: (words: Words) => number, into: Declarations | undefined) {
    this.words = words
    this.size = size
    this.into = into
  }

  declaration(): string[] {
    const { words } = this
    const isTypedef = words.acceptWord('typedef')
    if (!isTypedef) words.acceptWord('extern')
    const before = new Set(this.into?.tags.keys())
    const base = this.specifiers()
    const names: string[] = []
    if (!words.is(';') && words.token.kind !== 'end') {
      do {
        const { name, type } = this.declarator(base)
        if (name === undefined) throw words.trouble()
        if (!isTypedef) throw typeError(`\`${name}' declares a variable; only types can be declared`)
        this.into?.typedefs.set(name, { kind: 'typedef', language: 'c', name, target: type })
        names.push(name)
      } while (words.accept(','))
    }
    if (words.token.kind !== 'end') words.expect(';')
    for (const tag of this.into?.tags.keys() ?? []) if (!before.has(tag)) names.push(tag)
    return names
  }

  /** What stands before the declarators: qualifiers and the innermost type. */
  specifiers(): Type {
    const { words } = this
    const found: Qualifier[] = []
    const parts: string[] = []
    let type: Type | undefined
    for (;;) {
      const { token } = words
      if (token.kind !== 'name' && !words.is('::')) break
      const text = token.kind === 'name' ? token.text : '::'
      if (text in qualifiers) {
        words.advance()
        found.push(qualifiers[text])
      } else if (type === undefined && (baseTypeWords.has(text) || /^(float|_Bool|_Complex|void)$/.test(text))) {
        words.advance()
        parts.push(text)
      } else if (type !== undefined || parts.length > 0) break
      else if (text === 'struct' || text === 'union' || text === 'class') type = this.struct(text)
      else if (text === 'enum') type = this.enumeration()
      else {
        words.acceptWord('typename')
        const name = words.scopedName((candidate) => words.names.typeNamed(candidate) !== undefined)
        type = name === undefined ? undefined : words.names.typeNamed(name)
        if (type === undefined) throw words.trouble()
      }
    }
    type ??= this.base(parts)
    return found.reduceRight((inner, qualifier) => qualify(inner, qualifier), type)
  }

  private base(parts: readonly string[]): Type {
    if (parts.length === 0) throw this.words.trouble()
    if (parts.length === 1 && parts[0] === 'void') return voidType
    if (parts.length === 1 && parts[0] === '_Bool') return { ...C.bool, name: '_Bool' }
    if (parts.length === 1 && parts[0] === 'float') return C.float
    const name = canonicalBaseName(parts.join(' '))
    return baseTypes.get(name) ?? this.words.names.typeNamed(name) ?? fail(this.words)
  }

  private struct(keyword: 'struct' | 'union' | 'class'): Type {
    const { words } = this
    const plainKeyword = keyword === 'class' ? 'struct' : keyword
    words.advance()
    const isPackedBefore = this.attributes()
    const name = words.is('{') ? undefined : words.scopedName((one) => this.isTag(keyword, one))
    if (!words.accept('{')) {
      if (name === undefined) throw words.trouble()
      return this.into?.tags.get(name) ?? this.forwardOrTagged(keyword, name)
    }
    const members: { name: string | undefined; type: Type; bits: number | undefined }[] = []
    const announced = name === undefined ? undefined : this.announce(plainKeyword, name)
    while (!words.accept('}')) {
      if (words.token.kind === 'end') throw words.trouble()
      const base = this.specifiers()
      if (words.accept(';')) {
        members.push({ name: undefined, type: base, bits: undefined })
        continue
      }
      do {
        const declared = words.is(':') ? { name: undefined, type: base } : this.declarator(base)
        const bits = words.accept(':') ? this.size(words) : undefined
        members.push({ ...declared, bits })
        this.attributes()
      } while (words.accept(','))
      words.expect(';')
    }
    const isPacked = this.attributes() || isPackedBefore
    const type = layOutStruct(plainKeyword, name, members, isPacked)
    return announced === undefined ? type : complete(announced, type)
  }

  /** Makes a tag known before it is complete, so that members can point to it. */
  private announce(keyword: 'struct' | 'union', name: string): StructType {
    const type = { ...layOutStruct(keyword, name, [], false), isDeclaration: true }
    this.into?.tags.set(name, type)
    return type
  }

  private isTag(keyword: 'struct' | 'union' | 'class' | 'enum', name: string): boolean {
    try {
      this.words.names.tagged(keyword, name)
      return true
    } catch {
      return this.into?.tags.has(name) === true
    }
  }

  private forwardOrTagged(keyword: 'struct' | 'union' | 'class', name: string): Type {
    try {
      return this.words.names.tagged(keyword, name)
    } catch (error) {
      if (this.into === undefined) throw error
      // A pointer to something that is never declared is fine, as in C.
      return layOutStruct(keyword === 'class' ? 'struct' : keyword, name, [], false)
    }
  }

  private enumeration(): Type {
    const { words } = this
    words.advance()
    words.acceptWord('class')
    const name = words.is('{') ? undefined : words.scopedName((one) => this.isTag('enum', one))
    if (!words.accept('{')) {
      if (name === undefined) throw words.trouble()
      return this.into?.tags.get(name) ?? words.names.tagged('enum', name)
    }
    const enumerators: Enumerator[] = []
    let value = 0n
    while (!words.accept('}')) {
      const token = words.advance()
      if (token.kind !== 'name') throw words.trouble()
      if (words.accept('=')) value = BigInt(this.size(words))
      enumerators.push({ name: token.text, value })
      value += 1n
      if (!words.is('}')) words.expect(',')
    }
    const type = layOutEnum(name, enumerators)
    for (const one of enumerators) this.into?.enumerators.set(one.name, { ...one, type })
    if (name !== undefined) this.into?.tags.set(name, type)
    return type
  }

  /** `__attribute__((packed))`; others change nothing that is asked here. */
  private attributes(): boolean {
    const { words } = this
    let isPacked = false
    while (words.acceptWord('__attribute__')) {
      let depth = 0
      do {
        if (words.token.kind === 'end') throw words.trouble()
        if (words.is('(')) depth++
        if (words.is(')')) depth--
        if (words.isWord('packed') || words.isWord('__packed__')) isPacked = true
        words.advance()
      } while (depth > 0)
    }
    return isPacked
  }

  /** A declarator around `base`, with or without a name. */
  declarator(base: Type): Declared {
    const { words } = this
    let type = base
    for (;;) {
      if (words.accept('*')) type = pointerTo(type)
      else if (words.accept('&&')) type = { kind: 'reference', language: 'c++', target: type, isRvalue: true }
      else if (words.accept('&')) type = { kind: 'reference', language: 'c++', target: type, isRvalue: false }
      else if (words.token.kind === 'name' && words.token.text in qualifiers) {
        type = qualify(type, qualifiers[words.token.text])
        words.advance()
      } else break
    }
    if (words.is('(') && this.isNested()) {
      words.advance()
      const inner = this.words.position
      this.declarator(voidType)
      words.expect(')')
      const whole = this.suffixes(type)
      const end = words.position
      words.position = inner
      const declared = this.declarator(whole)
      words.position = end
      return declared
    }
    const { token } = words
    let name: string | undefined
    if (token.kind === 'name') {
      name = token.text
      words.advance()
    }
    return { name, type: this.suffixes(type) }
  }

  /** `(*` or `(&`, as opposed to a list of parameters. */
  private isNested(): boolean {
    const next = this.words.peek()
    return (
      next.kind === 'operator' && (next.text === '*' || next.text === '&' || next.text === '&&' || next.text === '(')
    )
  }

  private suffixes(type: Type): Type {
    const { words } = this
    if (words.accept('[')) {
      const count = words.is(']') ? undefined : this.size(words)
      words.expect(']')
      return arrayOf(this.suffixes(type), count)
    }
    if (words.is('(')) {
      words.advance()
      const parameters: Type[] = []
      let isVariadic = false
      let isPrototyped = false
      while (!words.accept(')')) {
        isPrototyped = true
        if (words.accept('...')) isVariadic = true
        else {
          const { type: parameter } = this.declarator(this.specifiers())
          if (parameter.kind !== 'void') parameters.push(parameter)
        }
        if (!words.is(')')) words.expect(',')
      }
      const built: FunctionType = {
        kind: 'function',
        language: 'c',
        result: this.suffixes(type),
        parameters,
        isVariadic,
        isPrototyped,
      }
      return built
    }
    return type
  }
}

function fail(words: Words): never {
  throw words.trouble()
}
