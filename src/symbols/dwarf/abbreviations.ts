/** Exists because entries are written as a code and bare values: the abbreviation tables say what the values are. */

import { DW_AT, DW_FORM } from './constants.ts'
import type { DwarfData } from './data.ts'

/** The shape of one kind of entry: attributes, forms and implicit constants in columns. */
export interface Abbreviation {
  readonly tag: number
  readonly hasChildren: boolean
  readonly attributes: readonly number[]
  readonly forms: readonly number[]
  /** The value of a `DW_FORM_implicit_const`; 0 elsewhere. */
  readonly constants: readonly number[]
  /** Index of `DW_AT_sibling`, or -1. */
  readonly sibling: number
}

/** Abbreviations of a unit by code; codes are dense from 1 in practice. */
export type AbbreviationTable = ReadonlyMap<number, Abbreviation>

/** Parses the table at `offset` of `.debug_abbrev` (DWARF 5, 7.5.3). */
export function parseAbbreviations(data: DwarfData, offset: number): AbbreviationTable {
  const table = new Map<number, Abbreviation>()
  const reader = data.reader('abbrev', offset)
  for (;;) {
    const code = reader.uleb()
    if (code === 0) return table
    const tag = reader.uleb()
    const hasChildren = reader.u8() !== 0
    const attributes: number[] = []
    const forms: number[] = []
    const constants: number[] = []
    for (;;) {
      const attribute = reader.uleb()
      const form = reader.uleb()
      if (attribute === 0 && form === 0) break
      attributes.push(attribute)
      forms.push(form)
      constants.push(form === DW_FORM.implicit_const ? reader.sleb() : 0)
    }
    table.set(code, { tag, hasChildren, attributes, forms, constants, sibling: attributes.indexOf(DW_AT.sibling) })
  }
}
