/** Exists so that front ends write the strings that they find in memory as `print` does. */
import { REPEATS } from '../symbols/values/options.ts'
import { codesOf, stringText } from '../symbols/values/text.ts'

/** The string with which `bytes` begin, of characters of `size` bytes: as it is written, and how many bytes it takes with its end. Nothing is known behind `bytes`. */
export function stringIn(bytes: Uint8Array, size: 1 | 2 | 4): { text: string; length: number } {
  const all = codesOf(bytes, size)
  const end = all.indexOf(0)
  const codes = end < 0 ? all : all.slice(0, end)
  const how = { limit: Math.max(1, codes.length), repeats: REPEATS, more: end < 0 }
  const text = stringText(codes, size, { 1: '', 2: 'u', 4: 'U' }[size], how)
  return { text, length: (codes.length + (end < 0 ? 0 : 1)) * size }
}
