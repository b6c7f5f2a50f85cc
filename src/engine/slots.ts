/** Exists to number places (variant.ts): code refers to other code by such a number, and tens of thousands are asked for before a program has begun its work. */

/** Slots of places, and places of slots. */
export class Slots {
  /** The place of each slot; -1 for slots that are not found by place. */
  readonly places: number[] = []
  /** Slots + 1 where the hashes of their places, or the next free elements, are. */
  private table = new Int32Array(1 << 12)
  private known = 0

  /** The slot of a place, or -1. */
  find(place: number): number {
    const { table, places } = this
    const mask = table.length - 1
    for (let at = hash(place) & mask; ; at = (at + 1) & mask) {
      const slot = table[at]! - 1
      if (slot < 0 || places[slot] === place) return slot
    }
  }

  /** The slot of a place, a new one if need be. */
  of(place: number): number {
    const known = this.find(place)
    return known < 0 ? this.add(place) : known
  }

  /** A slot for a place that has none; `place` -1: for no place. */
  add(place: number): number {
    const slot = this.places.push(place) - 1
    if (place < 0) return slot
    if (++this.known * 2 > this.table.length) this.grow()
    else this.enter(slot)
    return slot
  }

  private enter(slot: number): void {
    const { table } = this
    const mask = table.length - 1
    let at = hash(this.places[slot]!) & mask
    while (table[at] !== 0) at = (at + 1) & mask
    table[at] = slot + 1
  }

  private grow(): void {
    this.table = new Int32Array(this.table.length * 4)
    this.places.forEach((place, slot) => {
      if (place >= 0) this.enter(slot)
    })
  }
}

/** Places are less than 2^33; what lies above the lower half is the parity of the hash. */
function hash(place: number): number {
  const low = Math.imul(place | 0, 0x9e3779b1)
  return (low ^ (low >>> 15)) + (place >= 0x1_0000_0000 ? 1 : 0)
}
