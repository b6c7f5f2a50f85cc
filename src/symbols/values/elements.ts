/** Exists to write the elements of an array, of whatever language: runs folded, and no more than asked for. */

import type { Type } from '../types/type.ts'
import type { Inner } from './options.ts'
import { REPEATS } from './options.ts'
import type { Value } from './value.ts'

/** The elements of `value`, an array of `count` elements of `size` bytes, separated by commas. */
export function elements(
  value: Value,
  element: Type,
  size: number,
  count: number,
  options: Inner,
  write: (value: Value, options: Inner) => string,
): string {
  const { bytes, lost } = value.contents()
  const equal = (i: number, k: number): boolean => {
    for (let b = 0; b < size; b++) {
      if (bytes[i * size + b] !== bytes[k * size + b]) return false
      if (lost !== undefined && lost[i * size + b] !== lost[k * size + b]) return false
    }
    return true
  }
  const inner: Inner = { ...options, depth: options.depth + 1 }
  const parts: string[] = []
  let i = 0
  let printed = 0
  while (i < count && printed < options.limit) {
    let run = 1
    while (i + run < count && equal(i, i + run)) run++
    const isFolded = run > REPEATS
    const part = value.part(element, i * size)
    parts.push(write(part, inner) + (isFolded ? ` <repeats ${run} times>` : ''))
    printed += isFolded ? REPEATS : 1
    i += isFolded ? run : 1
  }
  return parts.join(', ') + (i < count ? '...' : '')
}
