/** Exists to write characters and strings as gdb does: escapes, long runs folded into `<repeats N times>`. */

/** Prefix of a literal by the size of its characters' type and that type's name. */
export function literalPrefix(name: string): string {
  if (name === 'wchar_t') return 'L'
  if (name === 'char16_t') return 'u'
  if (name === 'char32_t') return 'U'
  return ''
}

const named: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  27: '\\033',
}

interface Escaped {
  readonly text: string
  /** A digit behind this would be read as part of it. */
  readonly isNumeric: boolean
}

function escape(code: number, size: number, quote: string, afterNumeric: boolean): Escaped {
  const name = named[code]
  if (name !== undefined) return { text: name, isNumeric: false }
  const isDigit = code >= 0x30 && code <= 0x39
  const isPrintable = code >= 0x20 && code < 0x7f
  if (isPrintable && !(afterNumeric && isDigit)) {
    const text = String.fromCharCode(code)
    return { text: text === quote || text === '\\' ? `\\${text}` : text, isNumeric: false }
  }
  // Octal escapes have three digits always: a digit behind them is no part of them.
  if (size === 1 || code <= 0o777) return { text: `\\${code.toString(8).padStart(3, '0')}`, isNumeric: false }
  return { text: `\\x${code.toString(16)}`, isNumeric: true }
}

/** `'a'`, `L'a'`: one character of `size` bytes. */
export function characterText(code: number, size: number, prefix = ''): string {
  const unsigned = size === 1 ? code & 0xff : size === 2 ? code & 0xffff : code >>> 0
  return `${prefix}'${escape(unsigned, size, "'", false).text}'`
}

/**
 * The characters as a string literal; runs longer than `repeats` stand for themselves, at most `limit` characters (by whole runs) are
 * written. Sets of dots say that there are more.
 */
export function stringText(
  codes: readonly number[],
  size: number,
  prefix: string,
  { limit, repeats, more = false }: { limit: number; repeats: number; more?: boolean },
): string {
  if (codes.length === 0) return `${prefix}""${more ? '...' : ''}`
  const parts: string[] = []
  let literal = ''
  let isOpen = false
  let afterNumeric = false
  let written = 0
  let i = 0
  const close = (): void => {
    if (isOpen) parts.push(`${prefix}"${literal}"`)
    literal = ''
    isOpen = false
  }
  while (i < codes.length && written < limit) {
    let run = 1
    while (i + run < codes.length && codes[i + run] === codes[i]) run++
    written += run
    if (run > repeats) {
      close()
      parts.push(`${characterText(codes[i], size, prefix)} <repeats ${run} times>`)
      afterNumeric = false
    } else {
      for (let k = 0; k < run; k++) {
        const { text, isNumeric } = escape(codes[i], size, '"', afterNumeric && isOpen)
        literal += text
        isOpen = true
        afterNumeric = isNumeric
      }
    }
    i += run
  }
  close()
  return parts.join(', ') + (more || i < codes.length ? '...' : '')
}

/** Little-endian bytes as character codes of `size` bytes each. */
export function codesOf(bytes: Uint8Array, size: number): number[] {
  const codes: number[] = []
  for (let i = 0; i + size <= bytes.length; i += size) {
    let code = 0
    for (let k = size - 1; k >= 0; k--) code = code * 256 + bytes[i + k]
    codes.push(code)
  }
  return codes
}
