/** Exists to write values of Rust as gdb does in Rust's own syntax: structures, tuples, enums, slices and strings. */

import { chosenVariant, findMember } from '../expressions/members.ts'
import { bitsOf } from '../locations/typed.ts'
import { DW_ATE } from '../dwarf/constants.ts'
import type { StructType, Type } from '../types/type.ts'
import { arrayOf, sizeOf, stripped } from '../types/type.ts'
import { elements } from './elements.ts'
import type { Inner } from './options.ts'
import { LOST, REPEATS } from './options.ts'
import { errorText, isMissing } from './space.ts'
import { Value } from './value.ts'

/** Writes a value inside of another. */
type Write = (value: Value, options: Inner) => string

export function isRust(type: Type): boolean {
  return type.language === 'rust'
}

/** A value of Rust; undefined for scalars that are written as those of C. */
export function formatRust(value: Value, type: Type, options: Inner, write: Write): string | undefined {
  switch (type.kind) {
    case 'struct':
      return structText(value, type, options, write)
    case 'array': {
      const count = type.count ?? 0
      const size = sizeOf(type.element)
      if (count === 0) return '[]'
      return `[${elements(value, type.element, size, count, options, write)}]`
    }
    case 'base':
      if (type.size === 0 && type.name === '()') return '()'
      if (type.name === 'char' && type.encoding === DW_ATE.utf && options.format === undefined) {
        const code = Number(bitsOf(value.bytes()))
        return `${code} '${characterText(code)}'`
      }
      return undefined
    default:
      return undefined
  }
}

/** One character as Rust escapes it. */
function characterText(code: number): string {
  if (code === 0x5c || code === 0x27) return `\\${String.fromCharCode(code)}`
  if (code === 10) return '\\n'
  if (code === 13) return '\\r'
  if (code === 9) return '\\t'
  if (code === 0) return '\\0'
  if (code >= 0x20 && code < 0x7f) return String.fromCharCode(code)
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  return `\\u{${code.toString(16).padStart(6, '0')}}`
}

function structText(value: Value, type: StructType, options: Inner, write: Write): string {
  const { bytes, lost } = value.contents()
  if (lost !== undefined && bytes.length > 0 && !lost.includes(0)) return LOST
  if (type.variants !== undefined) return enumText(value, type, options, write)
  const data = type.members.find(({ name }) => name === 'data_ptr')
  const length = type.members.find(({ name }) => name === 'length')
  if (data !== undefined && length !== undefined && type.members.length === 2)
    return sliceText(value, type, options, write)
  const name = type.name ?? ''
  const isTuple = name.startsWith('(')
  if (type.members.length === 0) return isTuple ? '()' : name
  const inner = membersText(value, type, options, write)
  if (isTuple) return `(${inner})`
  return isTupleStruct(type) ? `${name} (${inner})` : `${name} {${inner}}`
}

function isTupleStruct({ members }: StructType): boolean {
  return members.length > 0 && members.every(({ name }, i) => name === `__${i}`)
}

function membersText(value: Value, type: StructType, options: Inner, write: Write): string {
  const isTuple = isTupleStruct(type)
  const inner: Inner = { ...options, depth: options.depth + 1, follow: false }
  return type.members
    .map((member) => {
      const label = isTuple ? '' : `${member.name ?? ''}: `
      try {
        return label + write(value.member(member), inner)
      } catch (error) {
        return label + errorText(error)
      }
    })
    .join(', ')
}

/** `Option<i32>::Some(5)`, `Shape::Rect{w: 2, h: 3}`. */
function enumText(value: Value, type: StructType, options: Inner, write: Write): string {
  let chosen: ReturnType<typeof chosenVariant>
  try {
    chosen = chosenVariant(value, type)
  } catch (error) {
    if (isMissing(error)) return LOST
    throw error
  }
  if (chosen === undefined)
    return type.variants!.list.length === 0
      ? `${type.name ?? ''} {<No data fields>}`
      : '<error reading variable: Could not find active enum variant>'
  const shape = stripped(value.space.complete(stripped(chosen.member.type)))
  if (shape.kind !== 'struct') return write(value.member(chosen.member), options)
  const name = shape.name ?? chosen.member.name ?? ''
  if (shape.members.length === 0) return name
  const inner = membersText(value.member(chosen.member), shape, options, write)
  return isTupleStruct(shape) ? `${name}(${inner})` : `${name}{${inner}}`
}

/** `"text"` for `&str`, `&[i32] [1, 2, 3]` for other slices. */
function sliceText(value: Value, type: StructType, options: Inner, write: Write): string {
  const name = type.name ?? ''
  const isText = name.endsWith('str')
  try {
    const pointer = findMember(value, type, 'data_ptr')
    const length = findMember(value, type, 'length')
    const target = pointer && stripped(pointer.type)
    if (pointer === undefined || length === undefined || target?.kind !== 'pointer') return LOST
    const count = Number(length.integer())
    const address = Number(pointer.integer())
    if (isText) return textAt(address, count, value, options)
    if (count === 0) return `${name} []`
    const all = Value.at(arrayOf(target.target, count), address, value.space)
    return `${name} [${elements(all, target.target, sizeOf(target.target), count, options, write)}]`
  } catch (error) {
    return `${isText ? '' : `${name} `}${errorText(error)}`
  }
}

const decoder = new TextDecoder()

/** The characters of a `String`, an array of bytes. */
export function rustText(text: Value, options: Inner): string {
  const type = stripped(text.type)
  return type.kind === 'array' ? textAt(text.address ?? 0, type.count ?? 0, text, options) : LOST
}

/** A string of UTF-8, as it is written in Rust. */
function textAt(address: number, length: number, value: Value, options: Inner): string {
  const shown = Math.min(length, options.limit)
  const text = shown === 0 ? '' : decoder.decode(value.space.memory(address, shown))
  const parts: string[] = []
  let literal = ''
  const characters = Array.from(text)
  for (let i = 0; i < characters.length;) {
    let run = 1
    while (characters[i + run] === characters[i]) run++
    const one = escaped(characters[i])
    if (run > REPEATS) {
      if (literal !== '') parts.push(`"${literal}"`)
      literal = ''
      parts.push(`'${one}' <repeats ${run} times>`)
    } else literal += one.repeat(run)
    i += run
  }
  if (literal !== '' || parts.length === 0) parts.push(`"${literal}"`)
  return parts.join(', ') + (shown < length ? '...' : '')
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  const code = character.codePointAt(0)!
  return code >= 0xa0 ? character : characterText(code).replace("\\'", "'")
}
