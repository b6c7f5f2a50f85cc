/** Exists to run a tiny program by all schedules with so many preemptions: first without any, then with one, and so on (Musuvathi, Qadeer: PLDI 2007). */
import { LemmingError } from '../base/errors.ts'
import type { Director } from './director.ts'
import type { ChoiceTrace, RunChange, SeedOutcome, TouchedMemory } from './outcome.ts'

/** How far an enumeration has come. */
export interface Coverage {
  /** Preemptions up to which all schedules were run, -1 for none; and how many schedules these are. */
  complete: number
  schedules: number
  /** Everything that was asked for. */
  exhausted: boolean
  /** Runs of which not every choice is known: too many of them, or runs that could not be executed. Nothing is complete then. */
  unknown: number
}

/** A schedule: one choice more than another. */
interface Schedule {
  parent: Schedule | null
  place: number
  option: number
  preemptions: number
}

/** What it has chosen. */
export type ChosenRun = Extract<RunChange, { choices: unknown }>

/** Preemptions where nobody says how many: few bugs need more. */
const USUAL = 2

/** `exhaustive` or `exhaustive:K`: the number of preemptions; null for another strategy. */
export function boundOf(strategy: string): number | null {
  const [, digits] = /^exhaustive(?::(\d{1,3}))?$/.exec(strategy) ?? []
  if (!strategy.startsWith('exhaustive')) return null
  if (digits === undefined && strategy !== 'exhaustive')
    throw new LemmingError(
      'unknown-strategy',
      `there is no scheduling strategy '${strategy}'`,
      'say how many preemptions: exhaustive:3',
    )
  return digits === undefined ? USUAL : Number(digits)
}

/** Bytes that are looked at together: whoever touches two different ones of these does not meet. */
const GRANULE = 8

/** Who touches a granule: the one task that does, or several; and whether somebody stores there. */
interface Users {
  tid: number
  several: boolean
  stores: boolean
  /** Schedules that matter once it is shared. */
  deferred: Schedule[]
}

const ROOT: Schedule = { parent: null, place: -1, option: 0, preemptions: 0 }

/**
 * Enumerates. A task is interrupted only where it is about to touch memory that it shares: memory that several tasks touch in any of the
 * runs and one of them writes. Where nobody can go on by itself, and where one of several waiters is woken, each of them is tried; that is no preemption.
 */
export class Exhaustive implements Director {
  readonly again = 0
  private readonly bound: number
  private readonly seed: number
  /** Schedules to be run, by preemptions. */
  private readonly queues: Schedule[][]
  /** Those that were handed out and not yet heard of. */
  private readonly open = new Map<number, Schedule>()
  private readonly users = new Map<number, Users>()
  private level = 0
  private made = 0
  private unknown = 0
  private exhausted = false
  private complete: { preemptions: number; schedules: number } = { preemptions: -1, schedules: 0 }

  /** All schedules with at most `bound` preemptions. `seed` decides all else: addresses, what is random. */
  constructor(bound: number, seed: number) {
    this.bound = bound
    this.queues = Array.from({ length: bound + 1 }, () => [])
    this.enqueue(ROOT)
    this.seed = seed
  }

  next(position: number): ChosenRun | 'wait' | null {
    // What became shared late may have brought schedules with fewer preemptions.
    const level = this.queues.findIndex((queue) => queue.length > 0)
    if (level < 0 || level > this.level) {
      if (this.open.size > 0) return 'wait'
      if (this.unknown === 0) this.complete = { preemptions: level < 0 ? this.bound : level - 1, schedules: this.made }
      if (level < 0) {
        this.exhausted = true
        return null
      }
    }
    this.level = level
    const schedule = this.queues[level]!.shift()!
    this.open.set(position, schedule)
    this.made++
    const choices: { place: number; option: number }[] = []
    for (let at: Schedule | null = schedule; at !== null && at !== ROOT; at = at.parent)
      choices.unshift({ place: at.place, option: at.option })
    return { seed: this.seed, choices }
  }

  heard(outcome: SeedOutcome | null, position: number): void {
    if (outcome === null) return
    const schedule = this.open.get(position)!
    this.open.delete(position)
    const trace = outcome.kind === 'error' ? undefined : outcome.trace
    if (trace === undefined || trace.isCut) this.unknown++
    if (trace !== undefined) this.branch(schedule, trace)
  }

  coverage(): Coverage {
    const { preemptions, schedules } = this.complete
    const isSound = this.unknown === 0
    return {
      complete: isSound ? preemptions : -1,
      schedules: isSound ? schedules : 0,
      exhausted: this.exhausted && isSound,
      unknown: this.unknown,
    }
  }

  /** Queues what differs from a schedule in one choice behind its last one. */
  private branch(schedule: Schedule, { places }: ChoiceTrace): void {
    for (const { access } of places) if (access !== null) this.touch(access)
    for (const [place, { options, preempts, access }] of places.entries()) {
      if (place <= schedule.place) continue
      const preemptions = schedule.preemptions + (preempts ? 1 : 0)
      if (preemptions > this.bound) continue
      for (let option = 1; option < options; option++) {
        const child = { parent: schedule, place, option, preemptions }
        const waits = preempts && access !== null ? this.unshared(access) : null
        if (waits === null) this.enqueue(child)
        else waits.deferred.push(child)
      }
    }
  }

  private enqueue(schedule: Schedule): void {
    this.queues[schedule.preemptions]!.push(schedule)
  }

  private touch(access: TouchedMemory): void {
    const { tid, stores } = access
    for (const granule of granules(access)) {
      const users = this.users.get(granule)
      if (users === undefined) {
        this.users.set(granule, { tid, several: false, stores, deferred: [] })
        continue
      }
      users.several ||= users.tid !== tid
      users.stores ||= stores
      if (!users.several || !users.stores) continue
      for (const schedule of users.deferred.splice(0)) this.enqueue(schedule)
    }
  }

  /** The memory's first granule if nobody shares any of it so far; else null. */
  private unshared(access: TouchedMemory): Users | null {
    const all = granules(access).map((granule) => this.users.get(granule)!)
    return all.some(({ several, stores }) => several && stores) ? null : all[0]!
  }
}

function granules({ address, bytes }: TouchedMemory): number[] {
  const first = Math.floor(address / GRANULE)
  const last = Math.floor((address + Math.max(1, bytes) - 1) / GRANULE)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
