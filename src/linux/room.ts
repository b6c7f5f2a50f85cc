/** Exists so that mmap finds free room in logarithmic time however many mappings there are: free pages as a tree of runs. */
import { PAGE_SHIFT } from '../engine/layout.ts'

/** Pages per leaf: one bit each in a 32-bit word. */
const LEAF = 32

/**
 * Which pages of `[0, limit)` are free for automatic placement. Derived from the mappings, never saved.
 * Each node of a binary tree knows the free run at its low end, at its high end, and the longest one inside.
 */
export class Room {
  private readonly leaves: number
  private readonly words: Uint32Array
  private readonly low: Int32Array
  private readonly high: Int32Array
  private readonly best: Int32Array

  /** All pages in use at first. `limit` in bytes. */
  constructor(limit: number) {
    let leaves = 1
    while (leaves * LEAF < limit >>> PAGE_SHIFT) leaves *= 2
    this.leaves = leaves
    this.words = new Uint32Array(leaves)
    this.low = new Int32Array(2 * leaves)
    this.high = new Int32Array(2 * leaves)
    this.best = new Int32Array(2 * leaves)
  }

  /** Marks `[start, end)` (bytes, multiples of the page size) as free or in use. */
  set(start: number, end: number, free: boolean): void {
    const first = start >>> PAGE_SHIFT
    const last = (end >>> PAGE_SHIFT) - 1
    if (last < first) return
    let from = first >>> 5
    let to = last >>> 5
    this.setLeaf(from, first & 31, from === to ? last & 31 : 31, free)
    if (to > from) {
      this.setLeaf(to, 0, last & 31, free)
      this.words.fill(free ? 0xffffffff : 0, from + 1, to)
    }
    from += this.leaves
    to += this.leaves
    this.fill(from + 1, to, free ? LEAF : 0)
    let size = LEAF
    while (from > 1) {
      from >>>= 1
      to >>>= 1
      this.measure(from, size)
      if (to > from) this.measure(to, size)
      size *= 2
      this.fill(from + 1, to, free ? size : 0)
    }
  }

  /** Nodes `[from, to)` lie wholly in the range that is being set. */
  private fill(from: number, to: number, run: number): void {
    if (to <= from) return
    this.low.fill(run, from, to)
    this.high.fill(run, from, to)
    this.best.fill(run, from, to)
  }

  private setLeaf(leaf: number, lowBit: number, highBit: number, free: boolean): void {
    const mask = (0xffffffff >>> (31 - highBit)) & (0xffffffff << lowBit)
    this.words[leaf] = free ? this.words[leaf]! | mask : this.words[leaf]! & ~mask
    this.measureLeaf(leaf)
  }

  /** The highest address at which `length` bytes (a multiple of the page size) are free, or -1. */
  highest(length: number): number {
    const pages = length / (1 << PAGE_SHIFT)
    if (this.best[1]! < pages) return -1
    let node = 1
    let size = this.leaves * LEAF
    let base = 0
    while (node < this.leaves) {
      const left = 2 * node
      const right = left + 1
      const half = size / 2
      if (this.best[right]! >= pages) {
        node = right
        base += half
      } else if (this.high[left]! + this.low[right]! >= pages) {
        return (base + half + this.low[right]! - pages) << PAGE_SHIFT
      } else {
        node = left
      }
      size = half
    }
    const word = this.words[node - this.leaves]!
    const wanted = 0xffffffff >>> (LEAF - pages)
    for (let shift = LEAF - pages; shift >= 0; shift--)
      if (((word >>> shift) & wanted) >>> 0 === wanted) return (base + shift) << PAGE_SHIFT
    return -1
  }

  private measureLeaf(leaf: number): void {
    const node = leaf + this.leaves
    const word = this.words[leaf]!
    this.high[node] = Math.clz32(~word)
    this.low[node] = word === 0xffffffff ? LEAF : 31 - Math.clz32(~word & -~word)
    let best = 0
    if (word === 0xffffffff) best = LEAF
    else for (let run = word; run !== 0; run &= run << 1) best++
    this.best[node] = best
  }

  private measure(node: number, half: number): void {
    const left = 2 * node
    const right = left + 1
    const lowLeft = this.low[left]!
    const highRight = this.high[right]!
    this.low[node] = lowLeft === half ? half + this.low[right]! : lowLeft
    this.high[node] = highRight === half ? half + this.high[left]! : highRight
    this.best[node] = Math.max(this.best[left]!, this.best[right]!, this.high[left]! + this.low[right]!)
  }
}
