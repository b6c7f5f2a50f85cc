/** Exists to say which accesses to single bytes are told (AddressSpace.setTraces). */
import { PAGE_SHIFT } from './layout.ts'

/** Bytes whose accesses are told, and the pages they lie in. */
export class Traces {
  readonly ranges: readonly { start: number; end: number }[]
  readonly pages: ReadonlySet<number>
  /** Loads are told too. */
  readonly reads: boolean
  /** Pages that are watched although they can only be read: stores fault there as ever. */
  readonly readOnly = new Set<number>()

  constructor(ranges: readonly { start: number; end: number }[], reads: boolean) {
    const pages = new Set<number>()
    for (const { start, end } of ranges)
      for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) pages.add(page)
    this.ranges = ranges
    this.reads = reads
    this.pages = pages
  }

  /** Does an access touch any of the bytes, told or not? */
  touch(address: number, length: number): boolean {
    return this.ranges.some(({ start, end }) => address < end && address + length > start)
  }

  /** Is an access one that is told? */
  tell(address: number, length: number, store: boolean): boolean {
    return (store || this.reads) && this.touch(address, length)
  }
}
