/** Exists to write types as their language does: declarators of C and C++ turn inside out, and gdb's spacing is what people know. */

import type { Qualifier, StructType, Type } from './type.ts'
import { stripped } from './type.ts'

/** `char *(*)[3]`, as gdb's `whatis` writes it; with `name`, a declaration of it. */
export function typeName(type: Type, name = ''): string {
  return declaration(type, name, innermostName(type))
}

/** The declaration of `name` whose innermost type is written as `core`. */
export function declaration(type: Type, name: string, core: string): string {
  if (type.language === 'rust') return name === '' ? rustName(type) : `${name}: ${rustName(type)}`
  const needsSpace = name !== '' || isBuilt(type)
  return `${core}${needsSpace ? ' ' : ''}${prefix(type, false, name !== '')}${name}${suffix(type, false)}`
}

/** A type as Rust writes it. */
function rustName(type: Type): string {
  switch (type.kind) {
    case 'array':
      return `[${rustName(type.element)}${type.count === undefined ? '' : `; ${type.count}`}]`
    case 'pointer':
      return type.name ?? `*mut ${rustName(type.target)}`
    case 'function': {
      const result = type.result.kind === 'void' ? '' : ` -> ${rustName(type.result)}`
      return `fn(${type.parameters.map((parameter) => rustName(parameter)).join(', ')})${result}`
    }
    case 'qualified':
      return rustName(type.target)
    case 'void':
      return type.name ?? '()'
    case 'struct':
    case 'enum':
      return type.name ?? '{...}'
    default:
      return 'name' in type ? (type.name ?? '') : ''
  }
}

/** Whether the type is written around its name, and has no name of its own. */
function isBuilt(type: Type): boolean {
  switch (type.kind) {
    case 'qualified':
      return isBuilt(type.target)
    case 'pointer':
      return type.name === undefined
    case 'reference':
    case 'function':
    case 'member-pointer':
      return true
    case 'array':
      return !type.isVector
    default:
      return false
  }
}

/** The type that a declaration of `type` begins with. */
export function innermost(type: Type): Type {
  switch (type.kind) {
    case 'pointer':
      return type.name === undefined ? innermost(type.target) : type
    case 'reference':
    case 'member-pointer':
      return innermost(type.target)
    case 'function':
      return innermost(type.result)
    case 'array':
      return innermost(type.element)
    case 'qualified':
      return isBuilt(type.target) || type.target.kind === 'array' ? innermost(type.target) : type
    default:
      return type
  }
}

function innermostName(type: Type): string {
  const at = innermost(type)
  const qualifiers = qualifiersOf(at)
  return [...leading(qualifiers), nameOf(unqualifiedOnce(at))].join(' ')
}

function unqualifiedOnce(type: Type): Type {
  let at = type
  while (at.kind === 'qualified') at = at.target
  return at
}

const order: readonly Qualifier[] = ['const', 'volatile', 'restrict', '_Atomic']

/** The qualifiers around a type, in gdb's order. */
export function qualifiersOf(type: Type): Qualifier[] {
  const found = new Set<Qualifier>()
  for (let at = type; at.kind === 'qualified'; at = at.target) found.add(at.qualifier)
  return order.filter((qualifier) => found.has(qualifier))
}

function leading(qualifiers: readonly Qualifier[]): readonly Qualifier[] {
  return qualifiers
}

/** The name of a type that is not written around a name. */
export function nameOf(type: Type): string {
  switch (type.kind) {
    case 'base':
    case 'typedef':
      return type.name
    case 'void':
      return type.name ?? 'void'
    case 'struct':
      return structName(type)
    case 'enum': {
      const name = type.name ?? '{...}'
      return type.language === 'c' || type.name === undefined ? `enum ${name}` : name
    }
    case 'array':
      return type.isVector ? nameOf(unqualifiedOnce(innermost(type.element))) : ''
    case 'pointer':
      return type.name ?? ''
    default:
      return ''
  }
}

function structName({ keyword, name, language }: StructType): string {
  if (name === undefined) return `${keyword} {...}`
  return language === 'c' ? `${keyword} ${name}` : name
}

function prefix(type: Type, inPointer: boolean, spaceAfter: boolean): string {
  switch (type.kind) {
    case 'pointer':
      return type.name === undefined ? `${prefix(type.target, true, true)}*` : ''
    case 'reference':
      return `${prefix(type.target, true, false)}${type.isRvalue ? '&&' : '&'}`
    case 'member-pointer': {
      const isMethod = stripped(type.target).kind === 'function'
      const owner = typeName(type.owner)
      return isMethod ? `(${owner}::*` : `${prefix(type.target, false, false)}${owner}::*`
    }
    case 'qualified': {
      if (!isBuilt(type.target) && type.target.kind !== 'qualified') {
        return type.target.kind === 'array' ? prefix(type.target, inPointer, spaceAfter) : ''
      }
      const inner = unqualifiedOnce(type)
      if (inner.kind !== 'pointer' || inner.name !== undefined) return prefix(inner, inPointer, spaceAfter)
      return `${prefix(inner, inPointer, spaceAfter)} ${qualifiersOf(type).join(' ')}${spaceAfter ? ' ' : ''}`
    }
    case 'function':
      return prefix(type.result, false, false) + (inPointer ? '(' : '')
    case 'array':
      return prefix(type.element, false, false) + (inPointer ? '(' : '')
    default:
      return ''
  }
}

function suffix(type: Type, inPointer: boolean): string {
  switch (type.kind) {
    case 'pointer':
      return type.name === undefined ? suffix(type.target, true) : ''
    case 'reference':
      return suffix(type.target, true)
    case 'member-pointer': {
      const target = stripped(type.target)
      if (target.kind === 'function') return `)${parameters(type.target)}${suffix(target.result, false)}`
      return suffix(type.target, false)
    }
    case 'qualified':
      return suffix(type.target, inPointer)
    case 'function':
      return `${inPointer ? ')' : ''}${parameters(type)}${suffix(type.result, false)}`
    case 'array': {
      const count = type.count === undefined ? '' : type.count
      const own = type.isVector ? ` __attribute__ ((vector_size(${count})))` : `[${count}]`
      return `${inPointer ? ')' : ''}${own}${suffix(type.element, false)}`
    }
    default:
      return ''
  }
}

function parameters(type: Type): string {
  const plain = stripped(type)
  if (plain.kind !== 'function') return ''
  const shown = plain.isMethod ? plain.parameters.slice(0) : plain.parameters
  const list = shown.map((parameter) => typeName(parameter))
  if (plain.isVariadic) list.push('...')
  if (list.length === 0) return plain.isPrototyped || plain.language === 'c++' ? '(void)' : '()'
  return `(${list.join(', ')})`
}
