/** Exists to collect accesses that the processor refused: each place once, whether the program handles the signal or ends by it. */
import type { FaultAccess, Observer, SignalEvent, TaskInfo } from '../tool/observer.ts'

/** Places that are kept. */
const MAX_PLACES = 1000

const SIGBUS = 7

/** An access that raised SIGSEGV or SIGBUS. */
export interface FaultEvent extends FaultAccess {
  task: TaskInfo
  /** Instructions executed before it. */
  moment: number
  address: bigint
  /** SIGBUS. */
  bus: boolean
  signal: string
  /** The process ends by it. */
  fatal: boolean
}

/** What was wrong at one place: the first time, and how often. */
export interface FaultFact {
  first: FaultEvent
  times: number
}

/** Watches for accesses that the processor refuses (`--check memory`). */
export class FaultCheck implements Observer {
  readonly name = 'faults'
  facts: FaultFact[] = []
  private places = new Map<string, number>()

  signal({ task, moment, signal, address, disposition, fault }: SignalEvent): void {
    if (fault === null) return
    const { access, pc, stack } = fault
    const place = `${task.pid} ${access} ${pc} ${stack}`
    const known = this.places.get(place)
    if (known !== undefined) this.facts[known]!.times++
    else if (this.facts.length < MAX_PLACES) {
      const bus = signal === SIGBUS
      this.places.set(place, this.facts.length)
      const event = {
        ...fault,
        task,
        moment,
        address: fault.refused ?? address,
        bus,
        signal: bus ? 'SIGBUS' : 'SIGSEGV',
      }
      this.facts.push({ first: { ...event, fatal: disposition === 'terminate' }, times: 1 })
    }
  }

  save(): unknown {
    return structuredClone({ facts: this.facts, places: this.places })
  }

  restore(data: unknown): void {
    const { facts, places } = structuredClone(data) as { facts: FaultFact[]; places: Map<string, number> }
    this.facts = facts
    this.places = places
  }
}
