/** Exists because methods of the libraries' containers are inlined everywhere, and people ask for `v.size()` all the same: what the container holds answers, as gdb's xmethods do. */

import { C, pointerTo, sizeOf, stripped } from '../types/type.ts'
import { containerOf, elementAt } from '../values/library.ts'
import type { Shown } from '../values/library-parts.ts'
import { Value } from '../values/value.ts'
import { typeError } from './errors.ts'

/** Containers whose things are shown with numbers, as those of a tuple are, which is none. */
const NUMBERED = /^std::(__cxx11::)?(list|forward_list|(unordered_)?(multi)?set)</

/** How many things a container holds. */
function sizeOfContainer({ style, text, items }: Shown, isNumbered: boolean): number | undefined {
  if (style === 'string' || style === 'utf-8') {
    const type = text && stripped(text.type)
    return type?.kind === 'array' && text !== undefined ? sizeOf(type) / sizeOf(type.element) : undefined
  }
  if (style !== 'sequence' && style !== 'map' && !isNumbered) return undefined
  let count = 0
  for (const _ of items()) count++
  return count
}

/** `object.name(given)` of a container; undefined where nothing is known of it. */
export function libraryMethod(object: Value, name: string, given: readonly Value[]): Value | undefined {
  const container = stripped(object.type).kind === 'struct' ? containerOf(object) : undefined
  if (container === undefined) return undefined
  const { space } = object
  const type = stripped(object.type)
  const isNumbered = type.kind === 'struct' && NUMBERED.test(type.name ?? '')
  switch (name) {
    case 'size':
    case 'length':
    case 'len': {
      const count = sizeOfContainer(container, isNumbered)
      return count === undefined ? undefined : Value.integer(C.unsignedLong, BigInt(count), space)
    }
    case 'empty':
    case 'is_empty': {
      const count = sizeOfContainer(container, isNumbered)
      return count === undefined ? undefined : Value.integer(C.bool, count === 0 ? 1n : 0n, space)
    }
    case 'front':
    case 'back':
    case 'at': {
      const count = container.style === 'sequence' || isNumbered ? sizeOfContainer(container, isNumbered) : undefined
      if (count === undefined) return undefined
      const index = name === 'front' ? 0 : name === 'back' ? count - 1 : Number(given[0]?.integer() ?? 0n)
      if (index < 0 || index >= count) throw typeError(`the container has ${count} elements`)
      return elementAt(object, index) ?? [...container.items()][index]?.value
    }
    case 'get':
      return container.pointer
    case 'c_str':
    case 'data': {
      const { text } = container
      const type = text && stripped(text.type)
      if (text?.address === undefined || type?.kind !== 'array') return undefined
      return Value.integer(pointerTo(type.element), BigInt(text.address), space)
    }
    default:
      return undefined
  }
}
