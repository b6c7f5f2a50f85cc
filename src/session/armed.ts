/** Exists because every front end keeps points of its own kind, and the run takes them all in one form. */
import type { CatchPoint, StopPoint, WatchPoint } from './protocol.ts'

/** What a point of a front end has for the run. */
export interface Settable {
  places: readonly { address: number }[]
  tid?: number
  condition?: string
  /** All bytes lie in this process. */
  watch?: WatchPoint & { pid: number }
  catches?: CatchPoint
}

/** Points as the run takes them, and whose they are. */
export interface Armed<P> {
  stops: StopPoint[]
  stopsOf: P[]
  watches: WatchPoint[]
  watchesOf: P[]
  catches: CatchPoint[]
  catchesOf: P[]
}

/** Watches of other processes than `pid` are left out. */
export function armed<P extends Settable>(points: Iterable<P>, pid: number): Armed<P> {
  const all: Armed<P> = { stops: [], stopsOf: [], watches: [], watchesOf: [], catches: [], catchesOf: [] }
  for (const point of points) {
    const { tid, watch, places } = point
    const condition = point.condition === undefined ? {} : { condition: point.condition }
    for (const { address } of places) {
      all.stops.push({ address, ...(tid !== undefined && { tid }), ...condition })
      all.stopsOf.push(point)
    }
    if (point.catches !== undefined) {
      all.catches.push({ ...point.catches, ...condition })
      all.catchesOf.push(point)
    }
    if (watch === undefined || watch.pid !== pid) continue
    const { address, size, kind, register } = watch
    all.watches.push({ address, size, kind, ...(register !== undefined && { register }), ...condition })
    all.watchesOf.push(point)
  }
  return all
}
