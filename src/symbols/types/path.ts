/** Exists to say which part of a variable some byte of it is: `.second[2]`. */

import { sizeOf, stripped, type Member, type Type } from './type.ts'

/** Nested parts that are named. */
const DEEPEST = 16

/**
 * How the part at a byte offset is written behind the variable's name, with `+N` for what no part begins at. `complete` finds the definition of what is only declared.
 */
export function partAt(type: Type, offset: number, complete: <T extends Type>(type: T) => T, depth = 0): string {
  const rest = offset === 0 ? '' : `+${offset}`
  const plain = complete(stripped(type))
  if (depth === DEEPEST) return rest
  if (plain.kind === 'array') {
    const size = sizeOf(complete(stripped(plain.element)))
    // Characters are counted, not numbered: they are one text.
    if (size === 0 || (size === 1 && depth === 0)) return rest
    return `[${Math.floor(offset / size)}]${partAt(plain.element, offset % size, complete, depth + 1)}`
  }
  // Which member of a union is meant, nobody knows; one without a name has to be left by the first that fits.
  if (plain.kind !== 'struct' || (plain.keyword === 'union' && (plain.name !== undefined || depth === 0))) return rest
  const member = plain.members.find((one) => covers(one, offset, complete))
  if (member === undefined) return rest
  const { name, isBase } = member
  const inner = member.bits === undefined ? partAt(member.type, offset - member.offset!, complete, depth + 1) : ''
  return isBase || name === undefined ? inner : `.${name}${inner}`
}

function covers({ type, offset, bits }: Member, at: number, complete: <T extends Type>(type: T) => T): boolean {
  if (bits !== undefined) return at >= bits.offset >> 3 && at < (bits.offset + bits.size + 7) >> 3
  return offset !== undefined && at >= offset && at < offset + sizeOf(complete(stripped(type)))
}
