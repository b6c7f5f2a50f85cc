/** Exists to keep what a program has said of ranges of its memory: that they may be accessed, or must not be. */

/** What was said of [start, end). */
export interface SaidRange {
  start: number
  end: number
  open: boolean
}

/** Index of the first range that ends behind `address`. */
function firstBehind(ranges: readonly SaidRange[], address: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]!.end <= address) low = middle + 1
    else high = middle
  }
  return low
}

/** From now on `open` is what was said of [start, end); null: nothing. `ranges` are disjoint and ascending, before and after. */
export function say(ranges: SaidRange[], start: number, end: number, open: boolean | null): void {
  if (end <= start) return
  const first = firstBehind(ranges, start)
  let last = first
  const kept: SaidRange[] = []
  let merged: SaidRange | null = open === null ? null : { start, end, open }
  while (last < ranges.length && ranges[last]!.start < end) {
    const range = ranges[last++]!
    if (range.start < start) kept.push({ ...range, end: start })
    if (range.end > end) {
      if (merged !== null) kept.push(merged)
      merged = null
      kept.push({ ...range, start: end })
    }
  }
  if (merged !== null) kept.push(merged)
  ranges.splice(first, last - first, ...kept)
}
