/** Exists to say which variables can be seen at an instruction: functions, inlined calls and lexical blocks, one in the other. */

import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'

/** A function, an inlined call, or a block in braces, as far as it has code. */
export interface Block {
  readonly entry: Entry
  /** Without load bias. */
  readonly ranges: readonly number[]
  readonly isFunction: boolean
  readonly isInlined: boolean
  readonly parent: Block | undefined
  readonly children: readonly Block[]
  /** Variables and parameters of this block itself, in the order of the source. */
  readonly variables: readonly Entry[]
}

const cache = new WeakMap<Entry, Block>()

/** The blocks of the function that `subprogram` describes. */
function blocksOf(subprogram: Entry): Block {
  let block = cache.get(subprogram)
  if (block === undefined) {
    block = build(subprogram, subprogram.ranges ?? [], undefined)
    cache.set(subprogram, block)
  }
  return block
}

/** The blocks that hold `address`, innermost first; the last one is the function. */
export function blocksAt(subprogram: Entry, address: number): Block[] {
  const found: Block[] = []
  for (let block: Block | undefined = blocksOf(subprogram); block !== undefined;) {
    found.unshift(block)
    block = block.children.find(({ ranges }) => holds(ranges, address))
  }
  return found
}

function holds(ranges: readonly number[], address: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (address >= ranges[i] && address < ranges[i + 1]) return true
  return false
}

function build(entry: Entry, ranges: readonly number[], parent: Block | undefined): Block {
  const children: Block[] = []
  const variables: Entry[] = []
  const block: Block = {
    entry,
    ranges,
    isFunction: entry.tag !== DW_TAG.lexical_block,
    isInlined: entry.tag === DW_TAG.inlined_subroutine,
    parent,
    children,
    variables,
  }
  collect(entry, block, children, variables)
  return block
}

function collect(entry: Entry, block: Block, children: Block[], variables: Entry[]): void {
  const completed = new Set<Entry>()
  for (const child of entry.children) {
    const origin = child.reference(DW_AT.abstract_origin)
    if (origin !== undefined) for (const one of child.chain) completed.add(one)
    switch (child.tag) {
      case DW_TAG.variable:
      case DW_TAG.formal_parameter:
        variables.push(child)
        break
      case DW_TAG.lexical_block:
      case DW_TAG.inlined_subroutine: {
        const { ranges } = child
        if (ranges !== undefined) children.push(build(child, ranges, block))
        // A block without code of its own stands for nothing: what is in it belongs to the block around it.
        else if (child.tag === DW_TAG.lexical_block) collect(child, block, children, variables)
        break
      }
      default:
    }
  }
  // What an instance does not repeat of its abstract origin has been optimised out.
  const origin = entry.reference(DW_AT.abstract_origin)
  if (origin === undefined) return
  inherit(origin, completed, variables)
}

function inherit(origin: Entry, completed: ReadonlySet<Entry>, variables: Entry[]): void {
  for (const child of origin.children) {
    if (completed.has(child)) continue
    if (child.tag === DW_TAG.variable || child.tag === DW_TAG.formal_parameter) variables.push(child)
    else if (child.tag === DW_TAG.lexical_block) inherit(child, completed, variables)
  }
}
