/**
 * Exists to find locks that are taken in different orders (`--check lock`): a deadlock that has not happened yet. Mutexes, reader-writer locks and spin locks of the C library are
 * seen by the calls of its functions.
 */
import type { CallEvent, MachineView, Observer, TaskInfo } from '../tool/observer.ts'
import { muslRoomOf, roomOf } from './glibc.ts'

/** A thread took `lock` while it held `held`. */
export interface LockTaken {
  pid: number
  tid: number
  /** Instructions executed before the first one of the function that took it. */
  moment: number
  lock: number
  held: number
  /** What kind of lock `lock` is. */
  kind: 'mutex' | 'reader-writer lock' | 'spin lock'
}

/** Two orders of two mutexes, directly or by way of others: the first time for these two. */
export interface LockFact {
  /** Took what the later one holds. */
  earlier: LockTaken
  later: LockTaken
}

interface Thread {
  /** Locks held, in the order in which they were taken. */
  held: number[]
  /** When the function was entered that may take one. */
  moment: number
}

const MUTEX = ['destroy', 'lock', 'trylock', 'timedlock', 'clocklock', 'unlock']
const SPIN = ['destroy', 'lock', 'trylock', 'unlock']
const RWLOCK = [
  'destroy',
  'rdlock',
  'wrlock',
  'tryrdlock',
  'trywrlock',
  'timedrdlock',
  'timedwrlock',
  'clockrdlock',
  'clockwrlock',
  'unlock',
]

/** Locked, though whoever held it has died. */
const EOWNERDEAD = 130

const MAX_FACTS = 100

function kindOf(name: string): LockTaken['kind'] {
  if (name.includes('_spin_')) return 'spin lock'
  return name.includes('_rwlock_') ? 'reader-writer lock' : 'mutex'
}

/** Watches for inversions of the order of mutexes. */
export class LockCheck implements Observer {
  readonly name = 'lock'
  readonly functionsOfMusl = true
  readonly functions = [
    'free',
    ...SPIN.map((verb) => `pthread_spin_${verb}`),
    ...MUTEX.map((verb) => `pthread_mutex_${verb}`),
    ...RWLOCK.map((verb) => `pthread_rwlock_${verb}`),
  ]
  facts: LockFact[] = []
  private threads = new Map<number, Thread>()
  /** By the mutex held, what was taken then: the first time. */
  private orders = new Map<number, Map<number, LockTaken>>()

  call({ task, name, args, moment, result, isMusl }: CallEvent, view: MachineView): void {
    const thread = this.thread(task)
    const lock = args[0]!
    if (name === 'free' || name.endsWith('_destroy')) {
      if (result === null && lock !== 0)
        this.gone(lock, name === 'free' ? (isMusl ? muslRoomOf : roomOf)(view, task, lock) : 1)
    } else if (name.endsWith('_unlock')) {
      const at = result === null ? thread.held.lastIndexOf(lock) : -1
      if (at >= 0) thread.held.splice(at, 1)
    } else if (result === null) thread.moment = moment
    else if ((result | 0) === 0 || (result | 0) === EOWNERDEAD) {
      // Who only tries does not wait for anybody.
      if (!/_try/.test(name) && !thread.held.includes(lock)) this.taken(task, thread, lock, name)
      thread.held.push(lock)
    }
  }

  /** What will be there later are other locks. */
  private gone(start: number, length: number): void {
    const isGone = (lock: number): boolean => lock >= start && lock < start + length
    for (const [held, taken] of this.orders) {
      if (isGone(held)) this.orders.delete(held)
      for (const lock of taken.keys()) if (isGone(lock)) taken.delete(lock)
    }
  }

  private taken({ pid, tid }: TaskInfo, thread: Thread, lock: number, name: string): void {
    const kind = kindOf(name)
    for (const held of new Set(thread.held)) {
      const later = { pid, tid, moment: thread.moment, lock, held, kind }
      const known = this.orders.get(held)
      if (known?.has(lock) === true) continue
      const earlier = this.wayFrom(lock, held)
      if (earlier !== null && this.facts.length < MAX_FACTS) this.facts.push({ earlier, later })
      if (known === undefined) this.orders.set(held, new Map([[lock, later]]))
      else known.set(lock, later)
    }
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
    if (thread === undefined) this.threads.set(tid, (thread = { held: [], moment: 0 }))
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
