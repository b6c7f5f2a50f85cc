/** Exists to say where windows remember the *zones* they lay in: ranges of pages that were found accessible, so that most checks are one comparison. */

/** Bytes that windows of a class may span. A zone serves all windows of its class that share its place in the table. */
const REACHES = [16, 64, 512, 4096] as const

/** Zones of a class, for loads and for stores each. */
const SLOTS = 2048

/** Bytes of a zone in the table: the first address, then at how many addresses a window may start, 0 while there is none (u64 each). */
const ZONE_BYTES = 16

const ZONE_COUNT = 2 * REACHES.length * SLOTS

/** Bytes of the table of zones. */
export const ZONES_SIZE = ZONE_COUNT * ZONE_BYTES

/** Bytes of the list of zones in use behind the table: their number, then their addresses (u32 each). */
export const ZONE_LIST_SIZE = 4 * (ZONE_COUNT + 1)

/** A zone's place in the table, in bytes, and the bytes that windows of its class may span. */
export interface ZonePlace {
  offset: number
  reach: number
}

/** The zone for accesses of the instruction at `pc` to [base + low, base + low + span), span at most 4096. Instructions far apart may share one. */
export function zonePlace(pc: number, low: number, span: number, store: boolean): ZonePlace {
  const group = REACHES.findIndex((reach) => span <= reach)
  const slot = (pc ^ (pc >>> 11) ^ Math.imul(low, 0x9e3779b9)) & (SLOTS - 1)
  return { offset: ((group * 2 + (store ? 1 : 0)) * SLOTS + slot) * ZONE_BYTES, reach: REACHES[group]! }
}

/** The reach of the zone at an offset in the table. */
export function reachAt(offset: number): number {
  return REACHES[Math.floor(offset / (2 * SLOTS * ZONE_BYTES))]!
}
