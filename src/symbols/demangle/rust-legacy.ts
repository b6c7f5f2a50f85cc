/** Exists to demangle Rust's older names, which look like C++ names and end in a hash. */

/** Escapes of characters that a linker symbol cannot hold (rustc's legacy symbol mangling). */
const escapes: Record<string, string> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
}

/**
 * The Rust path behind `mangled`, or undefined if it is no legacy Rust name: `_ZN`, identifiers with their lengths, of which the last
 * is `h` and 16 hexadecimal digits, then `E` and perhaps a suffix of the compiler's. The hash is left out unless `verbose`.
 */
export function demangleRustLegacy(mangled: string, verbose: boolean): string | undefined {
  if (!mangled.startsWith('_ZN')) return undefined
  const parts: string[] = []
  let at = 3
  while (mangled[at] !== 'E') {
    const digits = /^\d+/.exec(mangled.slice(at, at + 8))
    if (digits === null) return undefined
    at += digits[0].length
    const length = Number(digits[0])
    if (length === 0 || at + length > mangled.length) return undefined
    parts.push(mangled.slice(at, at + length))
    at += length
  }
  const hash = parts.pop()
  if (hash === undefined || parts.length === 0 || !isHash(hash)) return undefined
  if (mangled.length > at + 1 && mangled[at + 1] !== '.') return undefined
  const path = parts.map(unescape)
  if (path.includes(undefined)) return undefined
  return (verbose ? [...path, hash] : path).join('::')
}

/** A hash of few different digits is more likely a C++ name that happens to look like one. */
function isHash(part: string): boolean {
  return /^h[0-9a-f]{16}$/.test(part) && new Set(part.slice(1)).size >= 5
}

function unescape(part: string): string | undefined {
  let result = ''
  let at = part.startsWith('_$') ? 1 : 0
  while (at < part.length) {
    const c = part[at]
    if (c === '$') {
      const end = part.indexOf('$', at + 1)
      const decoded = end < 0 ? undefined : decodeEscape(part.slice(at + 1, end))
      // What is no escape stands for itself, to the end.
      if (decoded === undefined) return result + part.slice(at)
      result += decoded
      at = end + 1
    } else if (part.startsWith('..', at)) {
      result += '::'
      at += 2
    } else if (/[\w.:]/.test(c) || c > '\x7f') {
      result += c
      at++
    } else return undefined
  }
  return result
}

function decodeEscape(code: string): string | undefined {
  if (Object.hasOwn(escapes, code)) return escapes[code]
  const digits = /^u([0-9a-f]{1,6})$/.exec(code)
  if (digits === null) return undefined
  const point = Number.parseInt(digits[1], 16)
  return point >= 0x20 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
    ? String.fromCodePoint(point)
    : undefined
}
