/** Exists because the name of a function is often not in its entry: it lies in a declaration, an abstract instance, or the scopes around it. */

import { DW_AT, DW_TAG, scopedLanguages } from './constants.ts'
import type { Unit } from './unit.ts'
import { number, text } from './unit.ts'
import type { UnitIndex } from './unit-index.ts'

/** A function's name: the linker's name where there is one, else the plain one with its scopes. */
export interface FunctionName {
  readonly linkage?: string
  readonly qualified?: string
}

/** Bounds the walk from instance to abstract instance to declaration: damaged files may loop. */
const MAX_HOPS = 8

/** The name of the function whose entry lies at `offset` of `.debug_info`. */
export function functionName(units: UnitIndex, offset: number): FunctionName {
  let at: number | undefined = offset
  let named: { unit: Unit; offset: number; name: string } | undefined
  for (let hop = 0; at !== undefined && hop < MAX_HOPS; hop++) {
    const unit = units.containing(at)
    if (unit === undefined) break
    const [name, linkage, oldLinkage, origin, specification] = unit.attributes(at, [
      DW_AT.name,
      DW_AT.linkage_name,
      DW_AT.MIPS_linkage_name,
      DW_AT.abstract_origin,
      DW_AT.specification,
    ])
    const linked = text(linkage) ?? text(oldLinkage)
    if (linked !== undefined) return { linkage: linked }
    if (typeof name === 'string') named = { unit, offset: at, name }
    at = number(origin) ?? number(specification)
  }
  if (named === undefined) return {}
  return { qualified: [...scopesOf(named.unit, named.offset, named.name), named.name].join('::') }
}

const scopeTags: ReadonlySet<number> = new Set([
  DW_TAG.namespace,
  DW_TAG.class_type,
  DW_TAG.structure_type,
  DW_TAG.union_type,
  DW_TAG.interface_type,
  DW_TAG.subprogram,
])

/** Names of the namespaces, classes and functions around the entry at `offset`, outermost first; none in languages without scopes. */
function scopesOf(unit: Unit, offset: number, name: string): string[] {
  if (!scopedLanguages.has(unit.root.language ?? 0)) return []
  const open: { tag: number; offset: number }[] = []
  const reader = unit.reader(unit.rootOffset)
  while (reader.offset < offset) {
    const at = reader.offset
    const abbreviation = unit.abbreviationAt(reader)
    if (abbreviation === undefined) {
      open.pop()
      if (open.length === 0) break
      continue
    }
    unit.skipAttributes(reader, abbreviation)
    if (abbreviation.hasChildren) open.push({ tag: abbreviation.tag, offset: at })
  }
  return open
    .filter(({ tag }) => scopeTags.has(tag))
    .map((scope) => text(unit.attributes(scope.offset, [DW_AT.name])[0]) ?? anonymousScope(scope.tag, name))
}

/** A class without a name that has a function call operator is nearly always that of a lambda. */
function anonymousScope(tag: number, member: string): string {
  if (tag === DW_TAG.namespace) return '(anonymous namespace)'
  return member === 'operator()' ? '{lambda}' : '{unnamed type}'
}
