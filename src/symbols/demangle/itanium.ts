/** Exists to demangle the names of C++ (Itanium C++ ABI, chapter 5.1) without help from the system. */

import { NotMangled } from './cursor.ts'
import { NameParser } from './names.ts'
import { printNode } from './printer.ts'

/**
 * The C++ name behind `mangled` (which starts with `_Z`), or undefined if it is none. `verbose` writes the standard abbreviations out
 * (`std::basic_ostream<char, ...>` for `std::ostream`).
 */
export function demangleItanium(mangled: string, verbose: boolean): string | undefined {
  const parser = new NameParser(mangled.slice(2), verbose, 'unmet')
  const result = attempt(parser, mangled)
  if (result !== undefined || parser.unresolvedNames === 'unmet') return result
  return attempt(new NameParser(mangled.slice(2), verbose, 'old'), mangled)
}

function attempt(parser: NameParser, mangled: string): string | undefined {
  try {
    const { node, end } = parser.parse()
    const clones = cloneSuffixes(mangled.slice(2 + end))
    return clones === undefined ? undefined : printNode(node) + clones
  } catch (error) {
    if (error instanceof NotMangled) return undefined
    throw error
  }
}

/** Copies of functions that the compiler made: `.isra.0.cold` becomes ` [clone .isra.0] [clone .cold]`. */
function cloneSuffixes(suffix: string): string | undefined {
  const clones = suffix.match(/\.(?:[A-Za-z_]+(?:\.\d+)*|\d+(?:\.\d+)*)/g) ?? []
  return clones.join('') === suffix ? clones.map((clone) => ` [clone ${clone}]`).join('') : undefined
}
