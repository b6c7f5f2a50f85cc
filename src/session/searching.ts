/** Exists to turn the points of front ends into what a timeline looks for, and to tell which of them was met. */
import { LemmingError } from '../base/errors.ts'
import type { Hit, Search } from '../replay/timeline.ts'
import type { CatchPoint, StopPoint, WatchPoint } from './protocol.ts'

/** Points of one request. Watches of registers are not among them. */
export interface Points {
  pid: number
  stops: readonly StopPoint[]
  watches: readonly WatchPoint[]
  catches: readonly CatchPoint[]
}

/** Whether a condition holds in the innermost frame of a thread. May throw what expressions throw. */
export type Holds = (condition: string, tid: number) => boolean

/** Looks for the points of a request; what could not be decided is met, as by gdb, and told. */
export class Searching {
  readonly search: Search
  private readonly points: Points
  private readonly troubles = new Map<number, string>()

  constructor(points: Points, holds: Holds) {
    this.points = points
    const { stops, watches, catches } = points
    const isTrue = (condition: string | undefined, { tid, moment }: Hit): boolean => {
      if (condition === undefined) return true
      try {
        this.troubles.delete(moment)
        return holds(condition, tid)
      } catch (error) {
        if (!(error instanceof LemmingError) || error.code === 'internal') throw error
        this.troubles.set(moment, error.message)
        return true
      }
    }
    this.search = {
      accept: (hit) =>
        hit.kind === 'call' || hit.kind === 'signal'
          ? catches.some((one) => isCaught(one, hit) && isTrue(one.condition, hit))
          : hit.kind === 'stop'
            ? stops.some((one) => isAt(one, hit) && isTrue(one.condition, hit))
            : watches.some((one) => touches(one, hit) && isTrue(one.condition, hit)),
    }
    const { search } = this
    if (catches.some(({ kind }) => kind === 'call')) search.calls = true
    if (catches.some(({ kind }) => kind === 'signal')) search.signals = true
    if (stops.length > 0) search.stops = new Set(stops.map(({ address }) => address))
    const inMemory = watches.filter(({ register }) => register === undefined)
    if (inMemory.length > 0) {
      const ranges = inMemory.map(({ address, size }) => ({ start: address, end: address + size }))
      search.traces = { pid: points.pid, ranges, reads: inMemory.some(({ kind }) => kind !== 'write') }
    }
  }

  /** Why the condition of a hit could not be decided. */
  troubleAt({ moment }: Hit): string | undefined {
    return this.troubles.get(moment)
  }

  watchAt(index: number): WatchPoint {
    return this.points.watches[index]!
  }

  /** Which point of its kind a hit is at; -1 for none. */
  indexOf(hit: Hit): number {
    const { stops, watches, catches } = this.points
    if (hit.kind === 'stop') return stops.findIndex((one) => isAt(one, hit))
    if (hit.kind === 'call' || hit.kind === 'switch' || hit.kind === 'signal')
      return catches.findIndex((one) => isCaught(one, hit))
    return watches.findIndex((one) => touches(one, hit))
  }
}

function isAt({ address, pid, tid }: StopPoint, hit: Hit): boolean {
  return hit.pc === address && (pid ?? hit.pid) === hit.pid && (tid ?? hit.tid) === hit.tid
}

function isCaught({ kind, pattern, calls, pid }: CatchPoint, hit: Hit): boolean {
  if (kind !== hit.kind || (pid ?? hit.pid) !== hit.pid || calls?.includes(hit.call!) === false) return false
  return new RegExp(pattern).test(hit.text)
}

function touches({ address, size, kind, register }: WatchPoint, { accesses }: Hit): boolean {
  if (register !== undefined) return false
  return accesses.some(
    (one) =>
      one.address < address + size &&
      one.address + one.bytes > address &&
      (kind === 'access' || (kind === 'write') === one.store),
  )
}
