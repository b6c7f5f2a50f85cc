/** Exists to know the ranges of pages that translated code takes for plain after one comparison: one around the stack, and those that windows in loops remember. */
import { reachAt } from '../wasm/zones.ts'
import { PAGE_SHIFT, PAGE_SIZE, ZONE_BASE, ZONE_LIST_BASE, ZONES_BASE } from './layout.ts'

/** Pages that the stack zone may reach to each side of the address that it was made for. */
const ZONE_PAGES = 64

/** Stack zones that are remembered: threads come and go. */
const ZONES_KEPT = 16

/** The zones of one address space. They are caches: whatever makes pages less than plain has them forgotten. */
export class Zones {
  private readonly view: DataView
  private readonly attributes: Uint8Array
  /** Stack zones that still hold, as page numbers; the newest first. */
  private readonly stacks: { first: number; last: number }[] = []

  constructor(view: DataView, attributes: Uint8Array) {
    this.view = view
    this.attributes = attributes
    this.forgetStack()
  }

  /**
   * Makes the plain pages around `address` (at most ZONE_PAGES each way) the stack zone. It begins with the second of them: windows, of a page at most, are
   * compared by their ends alone (lower-memory.ts).
   */
  rezone(address: number): void {
    const page = address >>> PAGE_SHIFT
    let zone = this.stacks.find(({ first, last }) => page >= first && page <= last)
    if (zone === undefined) {
      let first = page
      let last = page
      while (page - first < ZONE_PAGES && this.attributes[first - 1] === 0) first--
      while (last - page < ZONE_PAGES && this.attributes[last + 1] === 0) last++
      zone = { first, last }
      if (this.stacks.length === ZONES_KEPT) this.stacks.pop()
      this.stacks.unshift(zone)
    }
    this.view.setUint32(ZONE_BASE, (zone.first + 1) << PAGE_SHIFT, true)
    this.view.setUint32(ZONE_BASE + 4, 0, true)
    this.view.setUint32(ZONE_BASE + 8, (zone.last - zone.first) << PAGE_SHIFT, true)
  }

  forgetStack(): void {
    this.stacks.length = 0
    // At an address that is not canonical: no stack can be there.
    this.view.setBigUint64(ZONE_BASE, 1n << 63n, true)
    this.view.setBigUint64(ZONE_BASE + 8, BigInt(PAGE_SIZE), true)
  }

  /** Takes the zones of windows (wasm/zones.ts) that reach into pages `[first, end)` out of use. */
  forgetWindows(first: number, end: number): void {
    const { view } = this
    let count = view.getUint32(ZONE_LIST_BASE, true)
    for (let i = 0; i < count;) {
      const at = ZONE_LIST_BASE + 4 + 4 * i
      const zone = view.getUint32(at, true)
      const start = view.getUint32(zone, true)
      const stop = start + view.getUint32(zone + 8, true) + reachAt(zone - ZONES_BASE) - 1
      if (start >= end * PAGE_SIZE || stop <= first * PAGE_SIZE) i++
      else {
        view.setUint32(zone + 8, 0, true)
        view.setUint32(at, view.getUint32(ZONE_LIST_BASE + 4 * count--, true), true)
      }
    }
    view.setUint32(ZONE_LIST_BASE, count, true)
  }
}
