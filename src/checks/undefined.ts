/** Exists to collect uses of undefined values: each place once, with how often it was met. */
import type { MachineView, Observer, UndefinedEvent } from '../tool/observer.ts'
import { callerOf } from './callers.ts'

/** Places that are kept. */
const MAX_PLACES = 1000

/** Callers of one place that are told apart. */
const MAX_CALLERS = 16

/** What was used at one place: the first time, and how often. */
export interface UndefinedFact {
  first: UndefinedEvent
  times: number
}

/** Watches for what depends on undefined bits (`--check memory`). */
export class UndefinedCheck implements Observer {
  readonly name = 'undefined'
  facts: UndefinedFact[] = []
  private places = new Map<string, number>()
  /** By place without caller: how many callers are told apart. */
  private callers = new Map<string, number>()

  undefined(event: UndefinedEvent, view: MachineView): void {
    const { task, kind, by, argument, pc, stack } = event
    const where = `${task.pid} ${kind} ${by} ${argument} ${pc} ${stack}`
    const top = callerOf(view, task, stack)
    const known = this.places.get(`${where} ${top}`) ?? (this.isCrowded(where) ? this.places.get(where) : undefined)
    if (known !== undefined) this.facts[known]!.times++
    else if (this.facts.length < MAX_PLACES) {
      this.callers.set(where, (this.callers.get(where) ?? 0) + 1)
      this.places.set(this.isCrowded(where) ? where : `${where} ${top}`, this.facts.length)
      this.facts.push({ first: event, times: 1 })
    }
  }

  private isCrowded(where: string): boolean {
    return (this.callers.get(where) ?? 0) >= MAX_CALLERS
  }

  save(): unknown {
    return structuredClone({ facts: this.facts, places: this.places, callers: this.callers })
  }

  restore(data: unknown): void {
    const { facts, places, callers } = structuredClone(data) as {
      facts: UndefinedFact[]
      places: Map<string, number>
      callers: Map<string, number>
    }
    this.facts = facts
    this.places = places
    this.callers = callers
  }
}
