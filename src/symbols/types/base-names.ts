/** Exists because compilers call one type `long unsigned int` and people call it `unsigned long`. */

/** The name of an arithmetic type of C or C++ as gdb writes it; other names as they are. */
export function canonicalBaseName(name: string): string {
  const words = name.split(' ')
  if (!words.every((word) => parts.has(word))) return name
  const has = (word: string): boolean => words.includes(word)
  const longs = words.filter((word) => word === 'long').length
  const sign = has('unsigned') ? 'unsigned ' : ''
  if (has('double')) return longs > 0 ? 'long double' : 'double'
  if (has('char')) return has('signed') ? 'signed char' : `${sign}char`
  if (has('__int128')) return `${sign}__int128`
  if (has('short')) return `${sign}short`
  if (longs > 0) return `${sign}${Array.from({ length: longs }, () => 'long').join(' ')}`
  return `${sign}int`
}

const parts: ReadonlySet<string> = new Set(['unsigned', 'signed', 'short', 'long', 'int', 'char', '__int128', 'double'])

/**
 * A name of C++ with template arguments as gdb writes it, whatever the compiler wrote: `Ring<long, 4ul, char*>`. Other names as they are.
 */
export function canonicalTemplateName(name: string): string {
  if (!name.includes('<')) return name
  return name
    .replace(/ ([*&])/g, '$1')
    .replace(/ *, */g, ', ')
    .replace(/< +/g, '<')
    .replace(/\b(\d+)([UL]+)\b/g, (_, digits: string, suffix: string) => digits + suffix.toLowerCase())
    .replace(
      /\b(?:unsigned|signed|short|long|int|char|__int128|double)(?: (?:unsigned|signed|short|long|int|char|__int128|double))+\b/g,
      (words) => canonicalBaseName(words),
    )
}

/** The words that the names of arithmetic types are made of. */
export const baseTypeWords = parts
