/**
 * Exists because checking every access is what a memory-safe machine pays most for: accesses at constant distances from one base share one check
 * of the range that they span (a *window*), and all accesses at known distances from the stack pointer share one for the whole region.
 */
import { ops } from '../ir/ops.ts'
import { REG } from '../ir/registers.ts'
import { decompose, stackChange } from '../ir/stack.ts'
import type { Block, Node } from '../ir/types.ts'
import { accessOf } from './lower-access.ts'
import { DEAD } from './lower-prepare.ts'
import { flowing, handsOver } from './lower-registers.ts'

/** Bytes that a window may span: at most a page, so that the attributes of its first and last byte's page cover it. */
const MAX_SPAN = 4096

/** Accesses at base + [low, high); `low` and `high` are bytes relative to the base. */
export interface Window {
  /** The base value; null for the region's stack window, whose base is the stack pointer at the region's first entry. */
  base: Node | null
  low: number
  high: number
  store: boolean
  /** Wasm local that is 0 when the whole window may be accessed plainly, and the local with the low word of base + low; -1 until computed. */
  bad: number
  origin: number
  /** In a loop: the place remembers a range of pages that were found accessible (zones.ts), so that going round again costs one comparison. */
  looped: boolean
}

/** How one access is checked: within `window`, at `offset` bytes from its start. */
export interface Placement {
  window: Window
  offset: number
}

/** The windows of a region. */
export interface WindowPlan {
  placements: Map<Node, Placement>
  stack: Window | null
  /** Distance of the stack pointer from its value at the first entry at the start of each block, where known. */
  depth: (number | null)[]
}

const UNSEEN = Number.NaN

function makeWindow(base: Node | null, low: number, high: number, looped: boolean): Window {
  return { base, low, high, store: false, bad: -1, origin: -1, looped }
}

/** Which blocks lie on a cycle (Tarjan, "Depth-first search and linear graph algorithms"). */
function inLoops(succs: readonly (readonly number[])[]): boolean[] {
  const n = succs.length
  const result: boolean[] = new Array(n).fill(false)
  const index = new Int32Array(n).fill(-1)
  const low = new Int32Array(n)
  const open: number[] = []
  const isOpen = new Uint8Array(n)
  let next = 0
  const visit = (b: number): void => {
    index[b] = low[b] = next++
    open.push(b)
    isOpen[b] = 1
    for (const s of succs[b]!) {
      if (s === b) result[b] = true
      if (index[s] === -1) {
        visit(s)
        low[b] = Math.min(low[b]!, low[s]!)
      } else if (isOpen[s] === 1) low[b] = Math.min(low[b]!, index[s]!)
    }
    if (low[b] !== index[b]) return
    const component = open.splice(open.lastIndexOf(b))
    for (const c of component) {
      isOpen[c] = 0
      if (component.length > 1) result[c] = true
    }
  }
  for (let b = 0; b < n; b++) if (index[b] === -1) visit(b)
  return result
}

/** Distances of the stack pointer at the start of every block; a call leaves the stack pointer where it was before the push. */
function stackDepths(
  blocks: readonly Block[],
  succs: readonly (readonly number[])[],
  first: number,
): (number | null)[] {
  const depth: (number | null)[] = blocks.map(() => UNSEEN)
  const work = [first]
  depth[first] = 0
  while (work.length > 0) {
    const b = work.pop()!
    const change = stackChange(blocks[b]!)
    const { term } = blocks[b]!
    const back = term.kind === 'call' || term.kind === 'icall' ? (term.raise ?? 8) : 0
    const called = depth[b] === null || change === null ? null : depth[b]! + change
    const flows = flowing(blocks[b], succs[b]!)
    for (const s of succs[b]!) {
      const after = called === null || flows.includes(s) ? called : called + back
      if (s >= blocks.length || depth[s] === null || depth[s] === after) continue
      depth[s] = Number.isNaN(depth[s]!) ? after : null
      work.push(s)
    }
  }
  return depth.map((d) => (d === null || Number.isNaN(d) ? null : d))
}

/** Plans the windows of a region; `first` is the block of its first entry. Blocks have been prepared (dead nodes are marked). */
export function planWindows(
  blocks: readonly Block[],
  succs: readonly (readonly number[])[],
  first: number,
): WindowPlan {
  const placements = new Map<Node, Placement>()
  const depth = stackDepths(blocks, succs, first)
  const stack = makeWindow(null, 0, 0, false)
  // Loops that call go round too slowly for the saving to matter.
  const looped = inLoops(succs.map((targets, b) => (handsOver(blocks[b]) ? [] : targets)))
  blocks.forEach((block, b) => {
    const groups = new Map<Node, { window: Window; members: { node: Node; offset: number }[] }>()
    for (const node of block.ops) {
      const row = accessOf(node.op)
      if (row === undefined || node.uses === DEAD) continue
      const { base, offset } = decompose(node.a!)
      const at = depth[b]
      if (at !== null && base.op === ops.i64_get && base.imm === REG.rsp) {
        const low = Math.min(stack.low, at + offset)
        const high = Math.max(stack.high, at + offset + row.bytes)
        if (high - low <= MAX_SPAN) {
          stack.low = low
          stack.high = high
          stack.store ||= row.store
          placements.set(node, { window: stack, offset: at + offset })
          continue
        }
      }
      let group = groups.get(base)
      if (group === undefined)
        groups.set(base, (group = { window: makeWindow(base, offset, offset + row.bytes, looped[b]!), members: [] }))
      const low = Math.min(group.window.low, offset)
      const high = Math.max(group.window.high, offset + row.bytes)
      if (high - low > MAX_SPAN) continue
      group.window.low = low
      group.window.high = high
      group.window.store ||= row.store
      group.members.push({ node, offset })
    }
    for (const { window, members } of groups.values()) {
      if (members.length < 2 && !window.looped) continue
      for (const { node, offset } of members) placements.set(node, { window, offset: offset - window.low })
      // The window's check reads the base, before the first of its accesses does.
      window.base!.uses++
    }
  })
  for (const placement of placements.values()) if (placement.window === stack) placement.offset -= stack.low
  return { placements, stack: stack.high > stack.low ? stack : null, depth }
}
