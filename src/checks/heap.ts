/** Exists to collect what a guarded heap tells: wrong calls, each place once, and what was not freed. Stacks are found out later, for what will be shown. */
import type { HeapEvent, LeakEvent, Observer, MachineView } from '../tool/observer.ts'
import { callerOf } from './callers.ts'

/** Places that are kept; what comes after that many different ones is only counted. */
const MAX_PLACES = 1000

/** What was wrong at one place: the first time, and how often. */
export interface HeapFault {
  first: HeapEvent
  times: number
}

/** All that was heard, as plain data. */
export interface HeapFacts {
  faults: HeapFault[]
  /** Events at places beyond MAX_PLACES. */
  dropped: number
  leaks: LeakEvent[]
}

/** Watches the heap for wrong calls (`memory`) or for what is left at the end (`leak`), or both. */
export class HeapCheck implements Observer {
  readonly name = 'heap'
  facts: HeapFacts = { faults: [], dropped: 0, leaks: [] }
  readonly leaks?: (event: LeakEvent) => void
  readonly accesses: boolean
  private readonly memory: boolean
  /** Blocks (by when they were made) that were seen to be overrun when it happened. */
  private overrun = new Set<number>()
  private places = new Map<string, number>()

  constructor(checks: readonly string[]) {
    this.memory = this.accesses = checks.includes('memory')
    if (checks.includes('leak')) this.leaks = (event) => void this.facts.leaks.push(event)
  }

  heap(event: HeapEvent, view: MachineView): void {
    if (!this.memory) return
    const { kind, by, site, stack, block, task } = event
    if ((kind === 'invalid-write' || kind === 'syscall-write') && block !== null) this.overrun.add(block.madeAt)
    if (kind === 'redzone' && this.overrun.has(block!.madeAt)) return
    // Accesses are made by functions of the C library, too, whose callers are told apart.
    const caller = /^(syscall-|invalid-(read|write)$)/.test(kind) ? callerOf(view, task, stack) : ''
    const place = `${kind} ${by} ${task.pid} ${site} ${stack} ${caller} ${block?.madeBy} ${kind === 'redzone' ? block!.madeAt : ''}`
    const known = this.places.get(place)
    const { faults } = this.facts
    if (known !== undefined) {
      const fault = faults[known]!
      // A stop right before the call may have made it ask twice.
      if (fault.first.moment !== event.moment) fault.times++
    } else if (faults.length === MAX_PLACES) this.facts.dropped++
    else {
      this.places.set(place, faults.length)
      faults.push({ first: event, times: 1 })
    }
  }

  save(): unknown {
    return structuredClone({ facts: this.facts, places: this.places, overrun: this.overrun })
  }

  restore(data: unknown): void {
    const { facts, places, overrun } = structuredClone(data) as {
      facts: HeapFacts
      places: Map<string, number>
      overrun: Set<number>
    }
    this.overrun = overrun
    this.facts = facts
    this.places = places
  }
}
