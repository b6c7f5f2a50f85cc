/** Exists because it is asked of each translation that might be used again which intercepted addresses lie in it, and there are hundreds of them. */

/** A set of addresses in order. */
export class SortedAddresses {
  private version = -1
  private list: number[] = []

  /** The addresses of `set` within ranges [start, end), ascending; `version` changes when the set does. */
  within(set: ReadonlySet<number>, version: number, ranges: readonly (readonly [number, number])[]): number[] {
    if (this.version !== version) {
      this.version = version
      this.list = [...set].toSorted((a, b) => a - b)
    }
    const { list } = this
    const found: number[] = []
    for (const [start, end] of ranges) {
      let low = 0
      let high = list.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (list[middle]! < start) low = middle + 1
        else high = middle
      }
      for (let i = low; i < list.length && list[i]! < end; i++) found.push(list[i]!)
    }
    return found.length > 1 ? found.toSorted((a, b) => a - b) : found
  }
}
