/** Exists for gdb's convenience functions, which compare texts and bytes without executing anything: conditions of breakpoints need them. */

import { isIntegral, stripped } from '../types/type.ts'
import type { Value } from '../values/value.ts'
import { pointed } from './arithmetic.ts'
import { typeError } from './errors.ts'

/** A text longer than this is none. */
const LONGEST = 1 << 16

/** The bytes of a text up to its end: of an array, or of what a pointer points to. */
function textOf(value: Value): string {
  const type = stripped(value.type)
  if (type.kind === 'array' && value.address === undefined) {
    const codes = [...value.bytes()]
    return String.fromCharCode(...codes.slice(0, codes.includes(0) ? codes.indexOf(0) : codes.length))
  }
  const start = Number(pointed(value).integer())
  let text = ''
  for (let at = start; at < start + LONGEST; at++) {
    const [byte] = value.space.memory(at, 1)
    if (byte === 0) return text
    text += String.fromCharCode(byte!)
  }
  return text
}

function numberIn(value: Value | undefined): number {
  if (value === undefined || !isIntegral(stripped(value.type))) throw typeError('a number is expected')
  return Number(value.integer())
}

const two = (given: readonly Value[]): [Value, Value] => {
  if (given.length < 2) throw typeError('Too few arguments in function call.')
  return [given[0]!, given[1]!]
}

/** By name: gdb manual, "Convenience Functions". All of them answer with a number. */
export const convenienceFunctions: ReadonlyMap<string, (given: readonly Value[]) => bigint> = new Map([
  ['_streq', (given: readonly Value[]) => BigInt(textOf(two(given)[0]) === textOf(two(given)[1]))],
  ['_strlen', (given: readonly Value[]) => BigInt(textOf(two([...given, given[0]!])[0]).length)],
  [
    '_memeq',
    (given: readonly Value[]) => {
      const [a, b] = two(given)
      const size = numberIn(given[2])
      const [x, y] = [a, b].map((one) => one.space.memory(Number(pointed(one).integer()), size))
      return BigInt(x!.every((byte, i) => byte === y![i]))
    },
  ],
  [
    '_regex',
    (given: readonly Value[]) => {
      const [text, pattern] = two(given)
      try {
        return BigInt(new RegExp(textOf(pattern)).test(textOf(text)))
      } catch (error) {
        if (error instanceof SyntaxError) throw typeError(`${textOf(pattern)} is no regular expression`)
        throw error
      }
    },
  ],
])
