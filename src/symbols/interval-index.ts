/** Exists because symbols, compilation units, line sequences and functions are all found the same way: by the address ranges they cover. */

/**
 * Half-open address ranges `[start, end)`, each with a number as its value; they may nest and overlap. Add everything, then ask:
 * the first question sorts. Cost of a question: a binary search, and a walk back over the ranges that reach beyond the address.
 */
export class IntervalIndex {
  private starts: number[] = []
  private ends: number[] = []
  private values: number[] = []
  /** `reach[i]` is the largest end among the ranges 0 to i: when it is not beyond the address, no earlier range holds it. */
  private reach: Float64Array | undefined

  get size(): number {
    return this.starts.length
  }

  add(start: number, end: number, value: number): void {
    if (end <= start) return
    this.starts.push(start)
    this.ends.push(end)
    this.values.push(value)
    this.reach = undefined
  }

  /** The value of the range that holds `address` and starts last (of those, the shortest; of equal ones, the first added); -1 if none does. */
  find(address: number): number {
    let found = -1
    this.visit(address, (value) => {
      found = value
      return true
    })
    return found
  }

  /** The values of all ranges that hold `address`, innermost first. */
  findAll(address: number): number[] {
    const found: number[] = []
    this.visit(address, (value) => {
      found.push(value)
      return false
    })
    return found
  }

  private visit(address: number, stop: (value: number) => boolean): void {
    const reach = this.reach ?? this.sort()
    let low = 0
    let high = this.starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.starts[middle] <= address) low = middle + 1
      else high = middle
    }
    for (let i = low - 1; i >= 0 && reach[i] > address; i--) {
      if (this.ends[i] > address && stop(this.values[i])) return
    }
  }

  /** Ascending starts; among equal starts longer ranges first, later ones before earlier ones, so that walking back meets the innermost first. */
  private sort(): Float64Array {
    const { starts, ends, values } = this
    const order = Array.from(starts, (_, i) => i).sort((a, b) => starts[a] - starts[b] || ends[b] - ends[a] || b - a)
    this.starts = order.map((i) => starts[i])
    this.ends = order.map((i) => ends[i])
    this.values = order.map((i) => values[i])
    const reach = new Float64Array(order.length)
    let furthest = 0
    for (let i = 0; i < order.length; i++) {
      furthest = Math.max(furthest, this.ends[i])
      reach[i] = furthest
    }
    this.reach = reach
    return reach
  }
}
