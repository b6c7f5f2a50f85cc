/** Exists to remember how often something happened at an address, at every turn of a thread: in so little time, and so little memory, that some addresses are forgotten. */

/** Addresses that are remembered at most, a power of two. */
const SIZE = 1 << 14

/** Counts below 256 by guest address. Two addresses may want the same place; then the newer one has it. What is decided by them must not change what a program does. */
export class PcCounts {
  private readonly pcs = new Uint32Array(SIZE)
  private readonly counts = new Uint8Array(SIZE)

  /** 0 where nothing is remembered. */
  get(pc: number): number {
    const at = placeOf(pc)
    return this.pcs[at] === pc ? this.counts[at]! : 0
  }

  set(pc: number, count: number): void {
    const at = placeOf(pc)
    this.pcs[at] = pc
    this.counts[at] = count
  }
}

/** The upper bits of the product with the golden ratio: neighbours go to different places. */
function placeOf(pc: number): number {
  return Math.imul(pc, 0x9e37_79b1) >>> 18
}
