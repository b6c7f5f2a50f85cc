/**
 * Exists to find mutexes that are taken in different orders (`--check lock`): a deadlock that has not happened yet. A mutex of the C library is seen by what its
 * functions do to memory: an atomic instruction on the word, and a plain store of the owner eight bytes behind it, after the one that takes it and before the one that
 * gives it back.
 */
import { SHARED, type Observer, type SharedLog, type TaskInfo } from '../tool/observer.ts'

/** A thread took `lock` while it held `held`. */
export interface LockTaken {
  pid: number
  tid: number
  /** Instructions executed before the atomic instruction. */
  moment: number
  lock: number
  held: number
}

/** Two orders of two mutexes, directly or by way of others: the first time for these two. */
export interface LockFact {
  /** Took what the later one holds. */
  earlier: LockTaken
  later: LockTaken
}

interface Thread {
  /** Mutexes held, in the order in which they were taken. */
  held: { lock: number; leaving: boolean }[]
  /** The word on which the last atomic instruction worked, and when. */
  word: number
  moment: number
}

/** From the lock word of glibc's pthread_mutex_t to its owner. */
const OWNER = 8

const MAX_FACTS = 100

/** Watches for inversions of the order of mutexes. */
export class LockCheck implements Observer {
  readonly name = 'lock'
  facts: LockFact[] = []
  private threads = new Map<number, Thread>()
  /** By the mutex held, what was taken then: the first time. */
  private orders = new Map<number, Map<number, LockTaken>>()

  shared({ task, entries, origin }: SharedLog): void {
    const thread = this.thread(task)
    for (let i = 0; i < entries.length; i += 4) {
      const kind = entries[i + 1]!
      const address = entries[i]!
      if ((kind & SHARED.atomic) !== 0) {
        thread.word = address
        thread.moment = origin - entries[i + 3]!
        if ((kind & SHARED.store) !== 0)
          thread.held = thread.held.filter(({ lock, leaving }) => lock !== address || !leaving)
      } else if ((kind & SHARED.quiet) !== 0 && (kind & SHARED.store) !== 0 && (kind & 255) === 4)
        this.ownerStored(task, thread, address - OWNER)
    }
  }

  private ownerStored(task: TaskInfo, thread: Thread, lock: number): void {
    const held = thread.held.find((one) => one.lock === lock)
    if (held !== undefined) held.leaving = true
    else if (thread.word === lock) this.taken(task, thread, lock)
  }

  private taken({ pid, tid }: TaskInfo, thread: Thread, lock: number): void {
    for (const { lock: held } of thread.held) {
      const later = { pid, tid, moment: thread.moment, lock, held }
      const known = this.orders.get(held)
      if (known?.has(lock) === true) continue
      const earlier = this.wayFrom(lock, held)
      if (earlier !== null && this.facts.length < MAX_FACTS) this.facts.push({ earlier, later })
      if (known === undefined) this.orders.set(held, new Map([[lock, later]]))
      else known.set(lock, later)
    }
    thread.held.push({ lock, leaving: false })
  }

  /** The last step of a way on which `to` was taken, in the end, by one who held `from`; null when there is none. */
  private wayFrom(from: number, to: number): LockTaken | null {
    const seen = new Set([from])
    for (const at of seen) {
      for (const [next, taken] of this.orders.get(at) ?? []) {
        if (next === to) return taken
        seen.add(next)
      }
    }
    return null
  }

  private thread({ tid }: TaskInfo): Thread {
    let thread = this.threads.get(tid)
    if (thread === undefined) this.threads.set(tid, (thread = { held: [], word: 0, moment: 0 }))
    return thread
  }

  save(): unknown {
    const { facts, threads, orders } = this
    return structuredClone({ facts, threads, orders })
  }

  restore(data: unknown): void {
    Object.assign(this, structuredClone(data))
  }
}
