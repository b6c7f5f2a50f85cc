/** Exists to write values of C and C++ as gdb's `print` does, since that is how people read them. */

import { bitsOf } from '../locations/typed.ts'
import { demangle } from '../demangle/demangle.ts'
import { DW_AT, DW_ATE } from '../dwarf/constants.ts'
import type { ArrayType, EnumType, StructType, Type } from '../types/type.ts'
import { isComplex, isFloating, isSigned, isTextual, sizeOf, stripped } from '../types/type.ts'
import { typeName } from '../types/names.ts'
import { formatRust, isRust, rustText } from './format-rust.ts'
import { containerOf, type Shown } from './library.ts'
import { floatText, scalarText } from './numbers.ts'
import type { Space } from './space.ts'
import { errorText, isMissing } from './space.ts'
import { characterText, codesOf, literalPrefix, stringText } from './text.ts'
import { elements } from './elements.ts'
import type { FormatOptions, Inner } from './options.ts'
import { LOST, REPEATS } from './options.ts'
import type { Value } from './value.ts'
import { dereference } from './value.ts'

const DEPTH_LIMIT = 20
const SYNTHETIC = '<synthetic pointer>'

/** A value as gdb's `print` writes it (without `$1 = `): pointers with their type, except `char *`. Throws `expression-memory`. */
export function format(value: Value, options: FormatOptions = {}): string {
  const plain = stripped(value.type)
  const text = formatInner(value, options)
  if (plain.kind !== 'pointer' && plain.kind !== 'reference') return text
  if (options.format !== undefined && options.format !== 's') return text
  if (value.location.kind === 'optimized-out') return text
  if (plain.kind === 'reference' && options.library === true && held(value, options) !== undefined) return text
  return isCharPointer(value.type) ? text : `(${typeName(value.type)}) ${text}`
}

/** Whether a type is a plain `char *`, with whatever qualifiers. */
function isCharPointer(type: Type): boolean {
  let at = type
  while (at.kind === 'qualified') at = at.target
  if (at.kind !== 'pointer') return false
  let target = at.target
  while (target.kind === 'qualified') target = target.target
  return target.kind === 'base' && target.name === 'char'
}

/** A value as it is written inside of others, and in lists of variables. */
export function formatInner(value: Value, options: FormatOptions = {}): string {
  return write(value, { limit: 200, depth: 0, follow: true, ...options })
}

/** One value at its place in another. */
function write(value: Value, options: Inner): string {
  const type = stripped(value.space.complete(stripped(value.type)))
  if (options.library === true) {
    const container = held(value, options)
    if (container !== undefined) return writeContainer(container, options)
  }
  if (options.summary && !isScalar(type)) return '...'
  if (value.location.kind === 'optimized-out') return LOST
  if (value.location.kind === 'implicit-pointer') {
    if (type.kind === 'reference')
      return `${SYNTHETIC}${options.follow ? `: ${write(dereference(value), options)}` : ''}`
    return type.kind === 'pointer' ? SYNTHETIC : LOST
  }
  if (isRust(type)) {
    const text = formatRust(value, type, options, write)
    if (text !== undefined) return text
  }
  switch (type.kind) {
    case 'struct':
      return isWhollyLost(value) ? LOST : writeStruct(value, type, options)
    case 'array':
      return writeArray(value, type, options)
    case 'function':
      return `{${typeName(value.type)}} ${addressText(value.address ?? 0, value.space)}`
    case 'void':
      return type.name === 'decltype(nullptr)' ? '0' : 'void'
    default:
      return writeScalar(value, type, options)
  }
}

/** What a container holds, or one that a reference refers to; undefined where it is none, or where it cannot be read. */
function held(value: Value, options: FormatOptions): Shown | undefined {
  if (options.library !== true || value.location.kind === 'optimized-out') return undefined
  try {
    if (stripped(value.type).kind === 'reference') return containerOf(dereference(value))
    return containerOf(value)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isEmpty(items: Iterable<unknown>): boolean {
  for (const _ of items) return false
  return true
}

/** The characters of a string of the library, zeros included; no more are read than are written. */
function writeText(text: Value, { limit }: Inner): string {
  const type = stripped(text.type)
  if (type.kind !== 'array') return LOST
  const { element, count = 0 } = type
  const size = sizeOf(element)
  const shown = Math.min(count, limit)
  const bytes = shown === 0 ? new Uint8Array() : text.space.memory(text.address ?? 0, shown * size)
  const more = count > shown
  return stringText(codesOf(bytes, size), size, literalPrefix(characterName(element)), {
    limit,
    repeats: REPEATS,
    more,
  })
}

function writeContainer({ heading, style, text, items }: Shown, options: Inner): string {
  if (style === 'string') return writeText(text!, options)
  if (style === 'utf-8') return rustText(text!, options)
  if (style === 'plain') for (const { value } of items()) return write(value, options)
  if (style === 'bare') return heading
  if (options.summary && isEmpty(items())) return heading
  if (options.summary) return heading === '' ? '...' : `${heading}${style === 'wrapping' ? ': ' : ' = '}{...}`
  const inner: Inner = { ...options, depth: options.depth + 1, follow: false, virtualBases: undefined }
  const parts: string[] = []
  // gdb counts keys, too.
  let room = options.limit
  let more = ''
  try {
    for (const { label, key, value } of items()) {
      room -= key === undefined ? 1 : 2
      if (room < 0) {
        more = '...'
        break
      }
      const name = key === undefined ? label : `[${write(key, inner)}]`
      parts.push(`${name === '' ? '' : `${name} = `}${write(value, inner)}`)
    }
  } catch (error) {
    parts.push(errorText(error))
  }
  if (parts.length === 0) return heading
  if (style === 'atomic') return `${heading} = { ${parts[0]} }`
  if (style === 'wrapping') return `${heading}: ${parts[0]}`
  const begin = heading === '' ? '' : `${heading} = `
  if (options.pretty !== true || style === 'sequence') return `${begin}{${parts.join(', ')}${more}}`
  const indent = '  '.repeat(options.depth + 1)
  return `${begin}{${parts.map((part, i) => `\n${indent}${part}${i < parts.length - 1 ? ',' : ''}`).join('')}${more}\n${'  '.repeat(options.depth)}}`
}

function isScalar(type: Type): boolean {
  const plain = stripped(type)
  if (plain.kind === 'reference') return isScalar(plain.target)
  return plain.kind !== 'struct' && plain.kind !== 'array'
}

function isWhollyLost(value: Value): boolean {
  const { bytes, lost } = value.contents()
  return lost !== undefined && bytes.length > 0 && !lost.includes(0)
}

function addressText(address: number | bigint, space: Space): string {
  const name = space.symbolic(Number(address))
  return `0x${address.toString(16)}${name === undefined ? '' : ` <${name}>`}`
}

function writeScalar(value: Value, type: Exclude<Type, StructType>, options: Inner): string {
  const { bytes, lost } = value.contents()
  if (lost?.includes(1)) return LOST
  const { space } = value
  const { format } = options
  if (type.kind === 'reference') return writeReference(value, bytes, options)
  if (format !== undefined && !(format === 's' && (type.kind === 'pointer' || isTextual(value.type)))) {
    if (format !== 's' && format !== 'c') {
      return scalarText(bytes, format, {
        isSigned: isSigned(type),
        isFloat: isFloating(type),
        symbolic: (address) => space.symbolic(address),
      })
    }
    if (format === 'c') {
      const isFloat = isFloating(type)
      return scalarText(bytes, format, { isSigned: isSigned(type), isFloat, symbolic: () => undefined })
    }
  }
  switch (type.kind) {
    case 'pointer':
      return writePointer(bitsOf(bytes), type.target, space, options)
    case 'enum':
      return enumText(type, value.integer())
    case 'member-pointer':
      return writeMemberPointer(value, bytes)
    case 'base':
      return writeBase(value, bytes, options)
    default:
      return LOST
  }
}

function writeBase(value: Value, bytes: Uint8Array, options: Inner): string {
  const type = stripped(value.type)
  if (type.kind !== 'base') return LOST
  if (type.flags !== undefined) {
    const integer = value.integer()
    const set = [...type.flags].filter(([bit]) => ((integer >> BigInt(bit)) & 1n) === 1n)
    return `[ ${set.map(([, name]) => `${name} `).join('')}]`
  }
  if (isComplex(type)) {
    const half = bytes.length / 2
    return `${floatText(bytes.subarray(0, half))} + ${floatText(bytes.subarray(half))}i`
  }
  if (isFloating(type)) return floatText(bytes, type.name === 'bfloat16')
  const integer = value.integer()
  if (type.encoding === DW_ATE.boolean) return integer === 0n ? 'false' : integer === 1n ? 'true' : integer.toString()
  if (!isTextual(value.type) || (options.format !== undefined && options.format !== 's')) return integer.toString()
  return `${integer} ${characterText(Number(integer), bytes.length, literalPrefix(characterName(value.type)))}`
}

/** The name by which a character type is known: wide ones are typedefs in C. */
function characterName(type: Type): string {
  for (let at = type; ;) {
    if (at.kind === 'typedef' && literalPrefix(at.name) !== '') return at.name
    if (at.kind === 'qualified' || at.kind === 'typedef') at = at.target
    else return at.kind === 'base' ? at.name : ''
  }
}

/** The name of an enumeration's value, or of the bits it is made of. */
function enumText(type: EnumType, value: bigint): string {
  const exact = type.enumerators.find((one) => one.value === value)
  if (exact !== undefined) return exact.name
  if (!type.isFlags) return value.toString()
  if (value === 0n) return '0'
  const parts: string[] = []
  let rest = value
  for (const one of type.enumerators) {
    if ((rest & one.value) === 0n) continue
    rest &= ~one.value
    parts.push(one.name)
  }
  if (rest !== 0n) parts.push(`unknown: 0x${BigInt.asUintN(64, rest).toString(16)}`)
  return `(${parts.join(' | ')})`
}

function writePointer(address: bigint, target: Type, space: Space, options: Inner): string {
  const plain = stripped(target)
  if (plain.kind === 'function') return addressText(address, space)
  const own = addressText(address, space)
  if (!isTextual(target) || address === 0n) return own
  return `${own} ${pointedText(Number(address), target, space, options.limit)}`
}

/** The string at an address, up to its end or the limit. */
function pointedText(address: number, element: Type, space: Space, limit: number): string {
  const size = sizeOf(element)
  const prefix = literalPrefix(characterName(element))
  const codes: number[] = []
  let at = address
  let failed: unknown
  let ended = false
  while (codes.length < limit && !ended) {
    // No read crosses a page, so that a string may end at the last byte of memory.
    const room = Math.max(size, Math.min((limit - codes.length) * size, 4096 - (at % 4096)))
    try {
      for (const code of codesOf(space.memory(at, room - (room % size)), size)) {
        if (code === 0) {
          ended = true
          break
        }
        codes.push(code)
      }
    } catch (error) {
      if (!isMissing(error)) throw error
      failed = error
      break
    }
    at += room - (room % size)
  }
  const trouble = failed === undefined ? '' : `<error: Cannot access memory at address 0x${at.toString(16)}>`
  if (codes.length === 0 && trouble !== '') return trouble
  let more = false
  if (!ended && trouble === '') {
    try {
      more = bitsOf(space.memory(at, size)) !== 0n
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return stringText(codes, size, prefix, { limit, repeats: REPEATS, more }) + trouble
}

function writeReference(value: Value, bytes: Uint8Array, options: Inner): string {
  const address = `@0x${bitsOf(bytes).toString(16)}`
  if (!options.follow) return address
  try {
    return `${address}: ${write(dereference(value), options)}`
  } catch (error) {
    return errorText(error)
  }
}

/** Pointers to members: an offset, or a function (Itanium C++ ABI, 2.3). */
function writeMemberPointer(value: Value, bytes: Uint8Array): string {
  const type = stripped(value.type)
  if (type.kind !== 'member-pointer') return LOST
  if (stripped(type.target).kind === 'function') {
    const pointer = bitsOf(bytes.subarray(0, 8))
    if (pointer === 0n) return 'NULL'
    if ((pointer & 1n) === 0n) return `(${typeName(value.type)}) ${addressText(pointer, value.space)}`
    return virtualMethod(type.owner, Number(pointer - 1n)) ?? `&virtual table offset ${pointer - 1n}`
  }
  const offset = BigInt.asIntN(64, bitsOf(bytes))
  if (offset === -1n) return 'NULL'
  const owner = stripped(type.owner)
  const member = owner.kind === 'struct' ? owner.members.find((one) => BigInt(one.offset ?? -1) === offset) : undefined
  if (owner.kind !== 'struct' || member === undefined) return offset.toString()
  return `&${owner.name ?? ''}::${member.name ?? ''}`
}

/** The virtual function at an offset of the table, of the class or its bases. */
function virtualMethod(owner: Type, offset: number): string | undefined {
  const type = stripped(owner)
  if (type.kind !== 'struct') return undefined
  for (const { entry, isVirtual } of type.methods) {
    const expression = isVirtual ? entry.block(DW_AT.vtable_elem_location) : undefined
    if (expression?.[0] !== 0x10 || expression[1] * 8 !== offset) continue
    const linkage = entry.text(DW_AT.linkage_name)
    return linkage === undefined ? undefined : `&virtual ${demangle(linkage)}`
  }
  for (const { isBase, type: base } of type.members) {
    const found = isBase ? virtualMethod(base, offset) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function writeStruct(value: Value, type: StructType, options: Inner): string {
  if (options.depth >= DEPTH_LIMIT) return '{...}'
  const inner: Inner = {
    ...options,
    depth: options.depth + 1,
    follow: false,
    virtualBases: options.virtualBases ?? new Set(),
  }
  const bases = type.members.filter((member) => member.isBase && !isKnownVirtual(member, inner.virtualBases!))
  const fields: string[] = []
  type.members.forEach((member, i) => {
    for (const { name, position } of type.statics)
      if (position === i) fields.push(writeStatic(type, name, value, inner))
    if (member.isBase) return
    const label = member.name === undefined ? '' : `${member.name} = `
    // The pointer to the table of virtual functions is always shown as what it is.
    const format = member.name?.startsWith('_vptr') ? undefined : options.format
    fields.push(label + writeMember(value, member, { ...inner, format, virtualBases: undefined }))
  })
  for (const { name, position } of type.statics)
    if (position >= type.members.length) fields.push(writeStatic(type, name, value, inner))
  const baseTexts = bases.map((base) => {
    const plain = stripped(value.space.complete(stripped(base.type)))
    const name = plain.kind === 'struct' ? (plain.name ?? '') : ''
    return `<${name}> = ${writeMember(value, base, inner)}`
  })
  if (type.isDeclaration && fields.length === 0) return '<incomplete type>'
  const list = fields.length > 0 ? fields : ['<No data fields>']
  if (options.pretty !== true || (fields.length === 0 && baseTexts.length === 0))
    return `{${[...baseTexts, ...list].join(', ')}}`
  const indent = '  '.repeat(options.depth + 1)
  const isDerived = type.members.some(({ isBase }) => isBase)
  const heading = isDerived && fields.length > 0 ? [`members of ${type.name ?? ''}:`] : []
  const lines = [
    ...baseTexts.map((text) => `${text}, `),
    ...heading,
    ...list.map((text, i) => text + (i < list.length - 1 ? ',' : '')),
  ]
  return `{${lines.map((line) => `\n${indent}${line}`).join('')}\n${'  '.repeat(options.depth)}}`
}

/** Virtual bases are there once, and written where they are met first. */
function isKnownVirtual({ entry, type }: StructType['members'][number], seen: Set<string>): boolean {
  if ((entry?.number(DW_AT.virtuality) ?? 0) === 0) return false
  const name = typeName(type)
  if (seen.has(name)) return true
  seen.add(name)
  return false
}

function writeMember(value: Value, member: StructType['members'][number], options: Inner): string {
  try {
    return write(value.member(member), options)
  } catch (error) {
    return errorText(error)
  }
}

function writeStatic(type: StructType, name: string, value: Value, options: Inner): string {
  const found = value.space.staticMember(type, name)
  let text = LOST
  if (found !== undefined) {
    const plain = stripped(found.type)
    // A class may have itself as a static member.
    if (plain.kind === 'struct' && plain.name === type.name) text = '<same as static member of an already seen type>'
    else text = write(found, options)
  }
  return `static ${name} = ${text}`
}

function writeArray(value: Value, type: ArrayType, options: Inner): string {
  const { element } = type
  const size = sizeOf(value.space.complete(element))
  const count = type.count ?? 0
  if (count === 0 || size === 0)
    return value.address === undefined ? '{}' : writePointer(BigInt(value.address), element, value.space, options)
  const contents = value.contents()
  // As in gdb: inside of others, arrays are lost element by element.
  if (options.depth === 0 && contents.lost !== undefined && !contents.lost.includes(0)) return LOST
  if (
    isTextual(element) &&
    (options.format === undefined || options.format === 's') &&
    contents.lost === undefined &&
    !type.isVector
  ) {
    const codes = codesOf(contents.bytes, size)
    if (codes.at(-1) === 0) codes.pop()
    return stringText(codes, size, literalPrefix(characterName(element)), { limit: options.limit, repeats: REPEATS })
  }
  return `{${elements(value, element, size, count, options, write)}}`
}
