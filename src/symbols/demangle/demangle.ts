/** Exists as the one entry to all demanglers: the linker's name of a function or object to the one in its source. */

import { demangleItanium } from './itanium.ts'
import { demangleRustLegacy } from './rust-legacy.ts'
import { demangleRustV0 } from './rust-v0.ts'

/**
 * `name` as in the source (C++ or Rust), or `name` itself if it is not mangled; a version (`@GLIBCXX_3.4`) is kept. Names look as in
 * gdb and `nm -C`; `verbose` writes out what those abbreviate (`std::ostream`, and hashes of Rust), as `c++filt` does.
 */
export function demangle(name: string, verbose = false): string {
  if (name[0] !== '_') return name
  const at = name.indexOf('@')
  if (at >= 0) return demangle(name.slice(0, at), verbose) + name.slice(at)
  if (name[1] === 'Z') return demangleRustLegacy(name, verbose) ?? demangleItanium(name, verbose) ?? name
  if (name[1] === 'R') return demangleRustV0(name, verbose) ?? name
  return name
}
