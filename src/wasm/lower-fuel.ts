/** Exists because a check of the fuel in every block would be a good part of the code: one check pays for all that may follow until the next one. */
import type { Block } from '../ir/types.ts'
import { flowing, handsOver } from './lower-registers.ts'

/** Instructions that one check pays for at most, unless a block is longer: what is left when it fails is executed in small steps. */
const REACH = 40

/**
 * How much fuel must be there at the start of each block: 0 where the blocks before have seen to it. Checks stand where execution may come from elsewhere (entries,
 * returns), on every way around, and often enough in between.
 */
export function planFuel(
  blocks: readonly Block[],
  succs: readonly (readonly number[])[],
  entries: readonly number[],
): Int32Array {
  const n = blocks.length
  const count = (b: number): number => blocks[b]?.insns.length ?? 0
  const checks = new Uint8Array(n)
  const passed = new Uint8Array(n)
  // A block without an instruction has no place to stop at: those behind it check instead.
  const check = (b: number): void => {
    if (b >= n || checks[b] === 1 || passed[b] === 1) return
    if (count(b) > 0) checks[b] = 1
    else {
      passed[b] = 1
      succs[b]!.forEach(check)
    }
  }
  const order = reversePostorder(succs, entries, n)
  const position = new Int32Array(n).fill(-1)
  order.forEach((b, i) => (position[b] = i))
  entries.forEach(check)
  for (const b of order) {
    if (handsOver(blocks[b])) succs[b]!.filter((s) => !flowing(blocks[b], succs[b]!).includes(s)).forEach(check)
    for (const s of succs[b]!) if (s < n && position[s]! <= position[b]!) check(s)
  }
  const forward = (b: number): number[] => succs[b]!.filter((s) => s < n && position[s]! > position[b]!)
  /** Instructions since the last check, at most. */
  const since = new Int32Array(n)
  for (const b of order) {
    if (checks[b] === 0 && since[b]! + count(b) > REACH) check(b)
    if (checks[b] === 1) since[b] = 0
    for (const s of forward(b)) since[s] = Math.max(since[s]!, since[b]! + count(b))
  }
  /** Instructions from the start of the block to the next check. */
  const needs = new Int32Array(n)
  for (const b of order.toReversed()) {
    const behind = forward(b).map((s) => (checks[s] === 1 ? 0 : needs[s]!))
    needs[b] = count(b) + Math.max(0, ...behind)
  }
  return needs.map((need, b) => (checks[b] === 1 ? need : 0))
}

function reversePostorder(succs: readonly (readonly number[])[], entries: readonly number[], n: number): number[] {
  const seen = new Uint8Array(n)
  const order: number[] = []
  for (const entry of entries) {
    if (seen[entry] === 1) continue
    seen[entry] = 1
    const path: { b: number; next: number }[] = [{ b: entry, next: 0 }]
    while (path.length > 0) {
      const at = path.at(-1)!
      const s = succs[at.b]![at.next++]
      if (s === undefined) {
        order.push(at.b)
        path.pop()
      } else if (s < n && seen[s] === 0) {
        seen[s] = 1
        path.push({ b: s, next: 0 })
      }
    }
  }
  return order.reverse()
}
