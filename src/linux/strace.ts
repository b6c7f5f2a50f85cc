/** Exists to write values the way strace(1) writes them: strings, flags, numbers, errors and the column of the result. */
import { errnoName, errnoText } from './errno.ts'

/** How many bytes of a buffer strace shows (its default of -s). */
export const STRING_LIMIT = 32

/** The column in which strace aligns results (its default of -a). */
const RESULT_COLUMN = 40

/** A set of flag names: [value, name], in the order in which they are tried. A value may cover several bits; value 0 names "no flag". */
export type FlagTable = readonly (readonly [number, string])[]

/** `call` and `= result` in one line, aligned as strace aligns them; `prefix` (as `[pid 1001] `) counts for the column. */
export function padded(call: string, result: string, prefix = ''): string {
  return `${`${prefix}${call} `.padEnd(RESULT_COLUMN)}= ${result}`
}

/** `-1 ENOENT (No such file or directory)`; the kernel's internal restart codes as strace shows them. */
export function errorText(errno: number): string {
  const restart = RESTARTS.get(errno)
  if (restart !== undefined) return `? ${restart}`
  const name = errnoName(errno)
  return name === undefined ? `-1 (errno ${errno})` : `-1 ${name} (${errnoText(errno)})`
}

/** Codes by which the kernel tells itself how a call that a signal interrupted goes on; a program never sees them. */
const RESTARTS = new Map([
  [512, 'ERESTARTSYS (To be restarted if SA_RESTART is set)'],
  [513, 'ERESTARTNOINTR (To be restarted)'],
  [514, 'ERESTARTNOHAND (To be restarted if no handler)'],
  [516, 'ERESTART_RESTARTBLOCK (Interrupted by signal)'],
])

/** `0x1f`; `NULL` for a pointer that is 0. */
export function pointerText(value: number): string {
  return value === 0 ? 'NULL' : hex(value)
}

/** `0x1f`; 0 is `0`, as with printf's %#x. */
export function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`
}

/** `0644`; 0 is `000` as strace shows modes. */
export function octal(value: number): string {
  return '0' + value.toString(8).padStart(2, '0')
}

const ESCAPES = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
])

/** A C string literal: printable ASCII as it is, the rest in octal, with as few digits as the next character allows. `shown` bytes at most, then `...`. */
export function quoted(bytes: Uint8Array, shown = STRING_LIMIT): string {
  const end = Math.min(bytes.length, shown)
  let text = ''
  for (let i = 0; i < end; i++) {
    const byte = bytes[i]!
    const escape = ESCAPES.get(byte)
    if (escape !== undefined) text += escape
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else {
      const next = i + 1 < end ? bytes[i + 1]! : 0
      const digits = byte.toString(8)
      text += '\\' + (next >= 0x30 && next <= 0x37 ? digits.padStart(3, '0') : digits)
    }
  }
  return `"${text}"${bytes.length > shown ? '...' : ''}`
}

/** `O_RDWR|O_CREAT|0x40000000`; a value without any known flag is its number with `unknown` (`O_???`) in a comment. */
export function flagsText(value: number, table: FlagTable, unknown: string): string {
  const parts: string[] = []
  let rest = value >>> 0
  for (const [bits, name] of table) {
    if (bits === 0) {
      if (value === 0) return name
    } else if ((rest & bits) >>> 0 === bits >>> 0) {
      parts.push(name)
      rest = (rest & ~bits) >>> 0
    }
  }
  if (value === 0) return '0'
  if (parts.length === 0) return `${hex(rest)} /* ${unknown} */`
  if (rest !== 0) parts.push(hex(rest))
  return parts.join('|')
}

/** The name of exactly this value, or its number with `unknown` (`SEEK_???`) in a comment. */
export function valueText(value: number, table: FlagTable, unknown: string): string {
  const row = table.find(([number]) => number === value)
  return row ? row[1] : `${hex(value >>> 0)} /* ${unknown} */`
}
