/** Exists to choose the observers behind the names of checks, and to gather what they heard. */
import type { Observer } from '../tool/observer.ts'
import { FaultCheck, type FaultFact } from './faults.ts'
import { HeapCheck, type HeapFacts } from './heap.ts'
import { LockCheck, type LockFact } from './lock.ts'
import { MisuseCheck, type MisuseFact } from './misuse.ts'
import { RaceCheck, type RaceFact } from './race.ts'
import { UndefinedCheck, type UndefinedFact } from './undefined.ts'

/** All that the checks of a run heard, as plain data. */
export interface CheckFacts {
  heap: HeapFacts
  faults: FaultFact[]
  undefined: UndefinedFact[]
  races: RaceFact[]
  locks: LockFact[]
  misuses: MisuseFact[]
}

/** The observers of a run that is checked. */
export class Checks {
  readonly observers: readonly Observer[]
  private readonly heap: HeapCheck
  private readonly faults: FaultCheck
  private readonly undefined: UndefinedCheck
  private readonly race: RaceCheck | null
  private readonly lock: LockCheck | null
  private readonly misuse: MisuseCheck | null

  /** `names`: `memory`, `leak`, `race`, `lock`. */
  constructor(names: readonly string[]) {
    this.heap = new HeapCheck(names)
    this.faults = new FaultCheck()
    this.undefined = new UndefinedCheck()
    this.race = names.includes('race') ? new RaceCheck() : null
    this.lock = names.includes('lock') ? new LockCheck() : null
    this.misuse = names.includes('lock') ? new MisuseCheck() : null
    this.observers = [
      this.heap,
      ...(names.includes('memory') ? [this.faults, this.undefined] : []),
      ...(this.race === null ? [] : [this.race]),
      ...(this.lock === null ? [] : [this.lock]),
      ...(this.misuse === null ? [] : [this.misuse]),
    ]
  }

  get facts(): CheckFacts {
    return {
      heap: this.heap.facts,
      faults: this.faults.facts,
      undefined: this.undefined.facts,
      races: this.race?.facts ?? [],
      locks: this.lock?.facts ?? [],
      misuses: this.misuse?.facts ?? [],
    }
  }
}

/** Could what was heard make the run of a hunt a failure? Most runs are spared a second execution by that: their blocks can still be reached, or may be. */
export function mayFail({ heap, faults, undefined: uses, races, locks, misuses }: CheckFacts): boolean {
  return (
    [heap.faults, faults, uses, races, locks, misuses].some((list) => list.length > 0) ||
    heap.leaks.some(({ blocks }) => blocks.some(({ state }) => state === 'definite'))
  )
}
