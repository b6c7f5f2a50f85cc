/** Exists to write types out in full, as `ptype` does: what is behind a typedef, and the members of structures. */

import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import { declaration, innermost, nameOf, qualifiersOf, typeName } from './names.ts'
import type { Access, EnumType, FunctionType, Method, QualifiedType, StructType, Type } from './type.ts'
import { typeOfEntry } from './reader.ts'
import { stripped } from './type.ts'

/** The definition of a type; `complete` finds the definition of what is only declared. */
export function describeType(type: Type, complete: <T extends Type>(type: T) => T = (same) => same): string {
  const plain = throughTypedefs(type)
  if (plain.language === 'rust')
    return plain.kind === 'struct' || plain.kind === 'enum' ? bodyOf(complete(plain), complete) : typeName(plain)
  const core = innermost(plain)
  const qualifiers = qualifiersOf(core)
  const body = bodyOf(complete(unqualifiedCore(core)), complete)
  const whole = throughTypedefs(unqualifiedCore(core))
  if (whole !== unqualifiedCore(core)) return describeType(expandInner(plain), complete)
  return declaration(plain, '', [...qualifiers, body].join(' '))
}

export function unqualifiedCore(type: Type): Exclude<Type, QualifiedType> {
  let at = type
  while (at.kind === 'qualified') at = at.target
  return at
}

/** `type` with the typedef it begins with replaced by what that stands for. */
function expandInner(type: Type): Type {
  switch (type.kind) {
    case 'typedef':
      return type.target
    case 'pointer':
    case 'reference':
    case 'qualified':
    case 'member-pointer':
      return { ...type, target: expandInner(type.target) }
    case 'array':
      return { ...type, element: expandInner(type.element) }
    case 'function':
      return withResult(type, expandInner(type.result))
    default:
      return type
  }
}

function withResult(type: FunctionType, result: Type): FunctionType {
  return { ...type, result }
}

export function throughTypedefs(type: Type): Type {
  let at = type
  while (at.kind === 'typedef') at = at.target
  if (at.kind === 'qualified') {
    const target = throughTypedefs(at.target)
    return target === at.target ? at : { ...at, target }
  }
  return at
}

/** Structures and enums as Rust declares them. */
function rustBody(type: StructType): string {
  const name = type.name ?? ''
  const fields = (members: StructType['members'], indent: string): string =>
    members
      .map((member) => `${indent}${isTuple(members) ? '' : `${member.name ?? ''}: `}${typeName(member.type)},\n`)
      .join('')
  const isTuple = (members: StructType['members']): boolean =>
    members.length > 0 && members.every((member, i) => member.name === `__${i}`)
  if (type.variants !== undefined) {
    const list = type.variants.list.map(({ member }) => {
      const shape = stripped(member.type)
      const own = member.name ?? ''
      const members = shape.kind === 'struct' ? shape.members : []
      if (members.length === 0) return `  ${own},\n`
      if (isTuple(members)) return `  ${own}(${members.map((one) => typeName(one.type)).join(', ')}),\n`
      return `  ${own}{${members.map((one) => `${one.name ?? ''}: ${typeName(one.type)}`).join(', ')}},\n`
    })
    return `enum ${name} {\n${list.join('')}}`
  }
  if (name.startsWith('(')) return `(${type.members.map((member) => typeName(member.type)).join(', ')})`
  if (type.members.length === 0) return `struct ${name}`
  if (isTuple(type.members)) return `struct ${name} (\n${fields(type.members, '  ')})`
  return `${type.keyword === 'union' ? 'union' : 'struct'} ${name} {\n${fields(type.members, '  ')}}`
}

function bodyOf(type: Type, complete: <T extends Type>(type: T) => T): string {
  if (type.kind === 'struct' && type.language === 'rust') return rustBody(type)
  if (type.kind === 'enum' && type.language === 'rust')
    return `enum ${type.name ?? ''} {\n${type.enumerators.map((one) => `  ${lastName(one.name)},\n`).join('')}}`
  if (type.kind === 'struct') return structBody(type, 0, complete)
  if (type.kind === 'enum') return enumBody(type)
  return nameOf(type)
}

function enumBody(type: EnumType): string {
  const head = type.isClass ? `enum class ${type.name ?? ''}` : `enum ${type.name ?? ''}`
  const kind =
    type.language === 'c++' && type.underlying !== undefined ? ` : ${nameOf(unqualifiedCore(type.underlying))}` : ''
  let expected = 0n
  const list = type.enumerators.map(({ name, value }) => {
    const text = value === expected ? name : `${name} = ${value}`
    expected = value + 1n
    return text
  })
  return `${`${head}${kind}`.trimEnd()} {${list.join(', ')}}`
}

/** `class W : public V {`. */
export function structHeading(type: StructType): string {
  const bases = type.members.filter(({ isBase }) => isBase)
  const name = type.name === undefined ? '' : ` ${type.name}`
  const heading = `${type.keyword}${name}`
  const inherited = bases.map(({ type: base, entry }) => {
    const virtual = (entry?.number(DW_AT.virtuality) ?? 0) > 0 ? 'virtual ' : ''
    return `${type.access(entry)} ${virtual}${typeName(base)}`
  })
  return `${heading}${inherited.length > 0 ? ` : ${inherited.join(', ')}` : ''} {`
}

function structBody(type: StructType, depth: number, complete: <T extends Type>(type: T) => T): string {
  const indent = ' '.repeat(depth + 4)
  const first = structHeading(type)
  const lines = structLines(type, depth + 4, complete)
  if (lines.length === 0 && type.methods.length === 0)
    return `${first}\n${indent}${type.isDeclaration ? '<incomplete type>' : '<no data fields>'}\n${' '.repeat(depth)}}`
  return `${first}\n${lines.map((line) => `${line}\n`).join('')}${' '.repeat(depth)}}`
}

function structLines(type: StructType, depth: number, complete: <T extends Type>(type: T) => T): string[] {
  const indent = ' '.repeat(depth)
  const lines: string[] = []
  let current: Access = type.keyword === 'class' ? 'private' : 'public'
  const labelled = type.language === 'c++' && needsLabels(type)
  if (labelled && type.keyword === 'class') current = 'private'
  const section = (access: Access): void => {
    if (!labelled) return
    if (lines.length === 0 || access !== current) lines.push(`${' '.repeat(depth - 2)}${access}:`)
    current = access
  }
  const statics = [...type.statics]
  const flush = (position: number): void => {
    while (statics.length > 0 && statics[0].position <= position) {
      const one = statics.shift()!
      section(type.access(one.entry))
      lines.push(`${indent}static ${typeName(one.type, one.name)};`)
    }
  }
  type.members.forEach((member, i) => {
    flush(i)
    if (member.isBase || member.name?.startsWith('_vptr')) return
    section(type.access(member.entry))
    const bits = member.bits === undefined ? '' : ` : ${member.bits.size}`
    lines.push(`${indent}${memberText(member.type, member.name ?? '', depth, complete)}${bits};`)
  })
  flush(Infinity)
  const methods = type.methods.filter(({ isArtificial }) => !isArtificial)
  if (methods.length > 0 && type.language === 'c++') {
    if (lines.length > 0) lines.push('')
    for (const method of methods) {
      section(method.access)
      lines.push(`${indent}${methodText(method, type)};`)
    }
  }
  if (type.typedefs.length > 0) {
    if (lines.length > 0) lines.push('')
    for (const one of type.typedefs) lines.push(`${indent}typedef ${typeName(one.target, lastName(one.name))};`)
  }
  return lines
}

/** gdb writes `public:` and the like only where not all members are public, or in a class. */
export function needsLabels(type: StructType): boolean {
  const all = [
    ...type.members
      .filter(({ isBase }) => !isBase)
      .map(({ entry, name }) => (name?.startsWith('_vptr') ? 'private' : type.access(entry))),
    ...type.statics.map(({ entry }) => type.access(entry)),
    ...type.methods.filter(({ isArtificial }) => !isArtificial).map(({ access }) => access),
  ]
  if (type.keyword !== 'class') return all.some((access) => access !== 'public')
  return all.some((access) => access !== 'private')
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf('::') + (name.includes('::') ? 2 : 0))
}

/** A member; structures without a name are written out where they stand, once. */
function memberText(type: Type, name: string, depth: number, complete: <T extends Type>(type: T) => T): string {
  const core = unqualifiedCore(innermost(type))
  if (core.kind === 'struct' && core.name === undefined && depth <= 4)
    return declaration(type, name, structBody(complete(core), depth, complete))
  return typeName(type, name)
}

function methodText({ name, type, isStatic, isVirtual, entry }: Method, owner: StructType): string {
  const parameters = entry.children.filter(({ tag }) => tag === DW_TAG.formal_parameter)
  const list = parameters.filter((one) => !one.isMarked(DW_AT.artificial)).map((one) => typeName(typeOfEntry(one)))
  if (type.isVariadic) list.push('...')
  const text = `${name}(${list.length === 0 ? 'void' : list.join(', ')})`
  const constant = !isStatic && isConstMethod(type) ? ' const' : ''
  const plainOwner = lastName(owner.name ?? '').replace(/<.*$/, '')
  const isSpecial = name === plainOwner || name === `~${plainOwner}` || name === lastName(owner.name ?? '')
  const before = isStatic ? 'static ' : isVirtual ? 'virtual ' : ''
  if (isSpecial) return `${before}${text}`
  const result =
    stripped(type.result).kind === 'void' && entry.tag === DW_TAG.subprogram && !entry.has(DW_AT.type)
      ? 'void'
      : typeName(type.result)
  return `${before}${result}${/[*&]$/.test(result) ? '' : ' '}${text}${constant}`
}

function isConstMethod(type: FunctionType): boolean {
  const self = type.parameters[0]
  const pointer = self === undefined ? undefined : stripped(self)
  return pointer?.kind === 'pointer' && pointer.target.kind === 'qualified'
}
