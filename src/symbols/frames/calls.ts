/** Exists to know what a call site says: which function it calls, with what, and whether it comes back. */

import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { LoadedModule, Symbolizer } from '../symbolizer.ts'
import { functionAt } from './function-at.ts'

/** Whether two entries are of one function: one completes the other, or the linker calls them the same. */
export function isSameFunction(target: Entry, callee: Entry): boolean {
  const callees = callee.chain
  const targets = target.chain
  if (targets.some((one) => callees.includes(one))) return true
  const linkage = (entry: Entry): string | undefined =>
    entry.chain.map((one) => one.text(DW_AT.linkage_name)).find((name) => name !== undefined) ?? entry.name
  return linkage(target) !== undefined && linkage(target) === linkage(callee)
}

/** The call whose return address is `address` (without load bias), anywhere below `entry`. */
export function findCallSite(entry: Entry, address: number): Entry | undefined {
  for (const child of entry.children) {
    if (child.tag === DW_TAG.call_site || child.tag === DW_TAG.GNU_call_site) {
      if ((child.number(DW_AT.call_return_pc) ?? child.number(DW_AT.low_pc)) === address) return child
    } else if (child.tag === DW_TAG.lexical_block || child.tag === DW_TAG.inlined_subroutine) {
      const found = findCallSite(child, address)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** What a call site calls; undefined where the address was computed. */
export function targetOf(site: Entry): Entry | undefined {
  return site.reference(DW_AT.call_origin) ?? site.reference(DW_AT.abstract_origin)
}

/** A function that was left by a tail call: its entry, and the call site by which it was left. */
export interface TailCall {
  readonly subprogram: Entry
  readonly site: Entry
}

const LONGEST = 8
const MOST_STEPS = 500

/**
 * The functions between a caller and the function that runs below it, innermost last called first: the caller's call site at `returnPc`
 * (without load bias) names another function, which has gone on to `callee` by tail calls. Empty if there are none, if the call site
 * does not say, or if there is more than one way.
 */
export function tailCallsBetween(
  symbolizer: Symbolizer,
  module: LoadedModule,
  caller: Entry,
  returnPc: number,
  callee: Entry,
): TailCall[] {
  const site = findCallSite(caller, returnPc)
  const target = site && targetOf(site)
  const first = target && definitionOf(symbolizer, module, target)
  if (first === undefined || isSameFunction(first, callee)) return []
  const found: TailCall[][] = []
  let steps = 0
  const search = (subprogram: Entry, path: readonly TailCall[]): void => {
    if (path.length >= LONGEST || found.length > 1 || ++steps > MOST_STEPS) return
    for (const tail of tailSites(subprogram)) {
      const next = targetOf(tail)
      const definition = next && definitionOf(symbolizer, module, next)
      if (definition === undefined || path.some((one) => one.subprogram === definition)) continue
      const longer = [{ subprogram, site: tail }, ...path]
      if (isSameFunction(definition, callee)) found.push(longer)
      else search(definition, longer)
    }
  }
  search(first, [])
  return found.length === 1 ? found[0] : []
}

function tailSites(entry: Entry): Entry[] {
  return entry.children.flatMap((child) => {
    if (child.tag === DW_TAG.call_site || child.tag === DW_TAG.GNU_call_site)
      return child.flag(DW_AT.call_tail_call) || child.flag(DW_AT.GNU_tail_call) ? [child] : []
    return child.tag === DW_TAG.lexical_block || child.tag === DW_TAG.inlined_subroutine ? tailSites(child) : []
  })
}

/** The entry that has the code of a function, where `entry` may only declare it or be its abstract instance. */
export function definitionOf(symbolizer: Symbolizer, module: LoadedModule, entry: Entry): Entry | undefined {
  if (entry.ranges !== undefined) return entry
  const linkage =
    entry.chain.map((one) => one.text(DW_AT.linkage_name)).find((name) => name !== undefined) ?? entry.name
  const object = symbolizer.objectFile(module)
  const symbol = linkage === undefined ? undefined : object.symbolNamed(linkage)
  const found = symbol && functionAt(object, symbol.start)
  return found !== undefined && found.ranges?.[0] === symbol?.start ? found : undefined
}
