/** Exists to find the entry of the function at an address, which frames, call sites and places of breakpoints start from. */

import type { Entry } from '../dwarf/entry.ts'
import type { ObjectFile } from '../object.ts'

/** The entry of the function that holds `address` (without load bias), of its machine code. */
export function functionAt(object: ObjectFile, address: number): Entry | undefined {
  const { debugging } = object
  if (debugging === undefined) return undefined
  return object.attempt(() => {
    for (const unit of debugging.file.units.at(address)) {
      const [outermost] = debugging.tree(unit).chain(address)
      if (outermost !== undefined) return debugging.file.entry(outermost.offset, unit)
    }
    return undefined
  })
}
