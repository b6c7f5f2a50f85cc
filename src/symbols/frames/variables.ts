/** Exists to list what `info args` and `info locals` list: the parameters of a frame's function, and the variables of the blocks it is in. */

import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { FormatOptions } from '../values/options.ts'
import { formatInner } from '../values/format.ts'
import type { Value } from '../values/value.ts'
import { LemmingError } from '../../base/errors.ts'
import type { InspectedFrame } from './frame.ts'
import type { ProgramView } from './program.ts'

/** A variable with its value as text; without `value` it could not be read, and the text says why. */
export interface NamedValue {
  readonly name: string
  readonly value: Value | undefined
  readonly text: string
}

/** The parameters of the frame's function, in order. */
export function argumentEntries({ blocks }: InspectedFrame): Entry[] {
  const block = blocks.at(-1)
  return block?.isFunction
    ? block.variables.filter((entry) => entry.tag === DW_TAG.formal_parameter && entry.name !== undefined)
    : []
}

/** The variables that can be seen, those of the innermost block first. */
export function localEntries({ blocks }: InspectedFrame): Entry[] {
  return blocks.flatMap(({ variables }) =>
    variables.filter((entry) => entry.tag === DW_TAG.variable && entry.name !== undefined && !isElsewhere(entry)),
  )
}

/** `extern int x;` inside of a function. */
function isElsewhere(entry: Entry): boolean {
  return entry.flag(DW_AT.declaration) && entry.isMarked(DW_AT.external)
}

export function namedValues(entries: readonly Entry[], view: ProgramView, options: FormatOptions = {}): NamedValue[] {
  const module = view.frame?.at
  if (module === undefined) return []
  return entries.map((entry) => {
    const name = entry.name ?? ''
    try {
      const value = view.variable({ entry, module })
      return { name, value, text: formatInner(value, options) }
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'internal') throw error
      return { name, value: undefined, text: `<error reading variable ${name} (${error.message})>` }
    }
  })
}
