/**
 * Exists to find wrong uses of the C library's synchronisation objects (`--check lock`): what is unlocked, destroyed, initialised or waited for as it must not be. Seen at
 * the calls themselves; whether and by whom a mutex is held is read from its memory, as glibc and musl have it.
 */
import type { CallEvent, MachineView, Observer, TaskInfo } from '../tool/observer.ts'
import { muslRoomOf, roomOf, wordAt } from './glibc.ts'

/** What was done wrong. */
export type MisuseKind =
  | 'relock'
  | 'unlock-free'
  | 'unlock-other'
  | 'destroy-locked'
  | 'init-locked'
  | 'free-locked'
  | 'exit-holding'
  | 'wait-unheld'
  | 'wait-mutexes'
  | 'destroy-waited'
  | 'init-again'
  | 'init-zero'
  | 'not-initialised'
  | 'other-kind'
  | 'failed'

/** A wrong use; the first time at this place. */
export interface MisuseFact {
  kind: MisuseKind
  pid: number
  tid: number
  /** Of the instruction at which the thread is shown. */
  moment: number
  /** The function that was called; '' for a thread's end. */
  call: string
  /** What the object is, and where; for the end of a thread and memory that is freed the first lock held. */
  object: ObjectKind
  address: number
  /** Thread that holds or waits, another object's address, or an error number: as the kind has it. */
  other: number
  times: number
}

type ObjectKind = 'mutex' | 'rwlock' | 'condition' | 'barrier' | 'semaphore'

interface Known {
  kind: ObjectKind
  /** Who holds it: tids, one for each time. */
  holders: number[]
  /** Of a condition: mutex and thread of each that waits, and how many of them have been woken. */
  waits: { tid: number; mutex: number }[]
  woken: number
  /** Made by its function for it, and not destroyed. */
  initialised: boolean
}

const PREFIXES: readonly [string, ObjectKind][] = [
  ['pthread_mutex_', 'mutex'],
  ['pthread_rwlock_', 'rwlock'],
  ['pthread_cond_', 'condition'],
  ['pthread_barrier_', 'barrier'],
  ['sem_', 'semaphore'],
]

const FUNCTIONS = [
  ...'init destroy lock trylock timedlock clocklock unlock'.split(' ').map((name) => `pthread_mutex_${name}`),
  ...'init destroy rdlock tryrdlock timedrdlock clockrdlock wrlock trywrlock timedwrlock clockwrlock unlock'
    .split(' ')
    .map((name) => `pthread_rwlock_${name}`),
  ...'init destroy wait timedwait clockwait signal broadcast'.split(' ').map((name) => `pthread_cond_${name}`),
  ...'init destroy wait'.split(' ').map((name) => `pthread_barrier_${name}`),
  ...'init destroy'.split(' ').map((name) => `sem_${name}`),
  ...'free exit _exit _Exit quick_exit abort'.split(' '),
]

const ENDS = /^(_?exit|_Exit|quick_exit|abort)$/

/** Type of a glibc mutex: the lowest bits of its kind. */
const RECURSIVE = 1
const ERROR_CHECKING = 2
const TYPE = 3
const NOBODY = -1
/** Bits of a kind that are in use: a destroyed mutex has all. */
const KINDS = 0x3ff

/** The word of a musl lock without the bits that say that others wait or that its holder has died. */
const MUSL_LOCK = 0x3fff_ffff

/** What functions return that is no mistake: EINTR, EAGAIN, EBUSY, ETIMEDOUT, EOWNERDEAD, PTHREAD_BARRIER_SERIAL_THREAD. */
const FINE = [0, 4, 11, 16, 110, 130, -1]

/** An address this far above the stack pointer may be on the caller's stack, where objects come and go without being destroyed. */
const STACK = 0x80_0000

const MAX_FACTS = 100

/** Watches for wrong uses of mutexes, conditions and the like. */
export class MisuseCheck implements Observer {
  readonly name = 'misuse'
  readonly functions = FUNCTIONS
  readonly functionsOfMusl = true
  facts: MisuseFact[] = []
  private objects = new Map<string, Known>()
  private places = new Map<string, number>()
  /** Processes that are about to end, whatever their threads hold. */
  private ending = new Set<number>()
  private newest: MisuseFact | null = null
  /** Stack pointers of the functions that threads are in: what these call themselves is no use by the program. */
  private inside = new Map<number, number>()

  call(event: CallEvent, view: MachineView): void {
    const { name, args, task, result, stack } = event
    const address = args[0]!
    if (ENDS.test(name)) this.ending.add(task.pid)
    else if (name === 'free') {
      if (result === null && address !== 0) this.freed(event, view)
    } else {
      const [prefix, kind] = PREFIXES.find(([prefix]) => name.startsWith(prefix))!
      const verb = name.slice(prefix.length)
      const outer = this.inside.get(task.tid)
      if (outer !== undefined && stack < outer) return
      if (result === null) this.inside.set(task.tid, stack)
      else this.inside.delete(task.tid)
      if (result === null) this.entered(event, view, kind, verb)
      else this.left(event, kind, verb, result | 0)
    }
  }

  private entered(event: CallEvent, view: MachineView, kind: ObjectKind, verb: string): void {
    const { args, task } = event
    const address = args[0]!
    const known = this.known(task, address, kind)
    if (known.kind !== kind && verb !== 'init' && (known.initialised || known.holders.length > 0))
      return this.tell(event, 'other-kind', known.kind, address, 0)
    if (verb === 'init') return this.initialised(event, view, kind)
    if (verb === 'destroy') return this.destroyed(event, view, known)
    if (kind === 'mutex') {
      const mutex = mutexOf(event, view, known, address)
      if (mutex === null) return
      const { owner, type } = mutex
      if (verb === 'unlock') {
        if (owner === 0) this.tell(event, 'unlock-free', kind, address, 0)
        else if (owner !== task.tid && owner !== NOBODY) this.tell(event, 'unlock-other', kind, address, owner)
        release(known, task.tid)
      } else if (verb === 'lock' && owner === task.tid && type !== RECURSIVE && type !== ERROR_CHECKING)
        this.tell(event, 'relock', kind, address, 0)
    } else if (kind === 'rwlock') this.otherLock(event, view, known, verb)
    else if (kind === 'condition') this.condition(event, view, known, verb)
    else if (kind === 'barrier' && !known.initialised) this.tell(event, 'not-initialised', kind, address, 0)
    else if (kind === 'barrier') known.waits.push({ tid: task.tid, mutex: 0 })
  }

  private otherLock(event: CallEvent, view: MachineView, known: Known, verb: string): void {
    const { task, args } = event
    const { kind, holders } = known
    if (verb === 'unlock') {
      const free = holders.length === 0 && isFree(event, view)
      if (free) this.tell(event, 'unlock-free', kind, args[0]!, 0)
      else if (holders.length > 0 && !holders.includes(task.tid))
        this.tell(event, 'unlock-other', kind, args[0]!, holders[0]!)
      release(known, task.tid)
    } else if (verb === 'wrlock' && holders.includes(task.tid)) this.tell(event, 'relock', kind, args[0]!, 0)
  }

  private condition(event: CallEvent, view: MachineView, known: Known, verb: string): void {
    const { args, task } = event
    const waiting = known.waits.length - known.woken
    if (verb === 'signal') known.woken += Math.min(1, waiting)
    else if (verb === 'broadcast') known.woken += waiting
    else {
      const mutex = args[1]!
      const other = this.objects.get(key(task, mutex))
      const state = mutexOf(event, view, other, mutex)
      if (other !== undefined && other.kind !== 'mutex') this.tell(event, 'other-kind', other.kind, mutex, 0)
      else if (state !== null && state.owner !== task.tid && state.owner !== NOBODY)
        this.tell(event, 'wait-unheld', 'mutex', mutex, state.owner)
      const [first] = known.waits
      if (first !== undefined && waiting > 0 && first.mutex !== mutex)
        this.tell(event, 'wait-mutexes', 'condition', args[0]!, first.mutex)
      known.waits.push({ tid: task.tid, mutex })
      const held = this.objects.get(key(task, mutex))
      if (held !== undefined) release(held, task.tid)
    }
  }

  private initialised(event: CallEvent, view: MachineView, kind: ObjectKind): void {
    const { args, task, stack } = event
    const address = args[0]!
    const known = this.known(task, address, kind)
    const { holders, waits, initialised } = known
    const mayBeOnStack = address > stack && address < stack + STACK
    const owner =
      initialised && kind === 'mutex' ? (mutexOf(event, view, known, address)?.owner ?? 0) : (holders[0] ?? 0)
    if (kind === 'barrier' && args[2]! % 2 ** 32 === 0) this.tell(event, 'init-zero', kind, address, 0)
    else if (!mayBeOnStack && owner !== 0) this.tell(event, 'init-locked', kind, address, owner)
    else if (!mayBeOnStack && initialised && known.kind === kind)
      this.tell(event, 'init-again', kind, address, waits[0]?.tid ?? 0)
    this.objects.set(key(task, address), { ...fresh(kind), initialised: true })
  }

  private destroyed(event: CallEvent, view: MachineView, known: Known): void {
    const { args, task } = event
    const address = args[0]!
    const { kind, holders, waits, woken } = known
    const owner = kind === 'mutex' ? (mutexOf(event, view, known, address)?.owner ?? 0) : (holders[0] ?? 0)
    if (owner !== 0) this.tell(event, 'destroy-locked', kind, address, owner)
    else if (waits.length > woken && kind !== 'barrier')
      this.tell(event, 'destroy-waited', kind, address, waits[0]!.tid)
    else if (kind === 'barrier' && !known.initialised) this.tell(event, 'not-initialised', kind, address, 0)
    this.objects.set(key(task, address), fresh(kind))
  }

  private left(event: CallEvent, kind: ObjectKind, verb: string, result: number): void {
    const { args, task } = event
    const known = this.known(task, args[0]!, kind)
    const got = result === 0 || result === 130
    if (kind === 'condition' && args[1] !== undefined && verb.endsWith('wait')) {
      const at = known.waits.findIndex(({ tid }) => tid === task.tid)
      if (at >= 0) known.waits.splice(at, 1)
      known.woken = Math.max(0, Math.min(known.waits.length, known.woken - 1))
      this.known(task, args[1], 'mutex').holders.push(task.tid)
    } else if (verb.endsWith('lock') && verb !== 'unlock' && got) known.holders.push(task.tid)
    else if (kind === 'barrier' && verb === 'wait') known.waits = known.waits.filter(({ tid }) => tid !== task.tid)
    if (!FINE.includes(result) && kind !== 'semaphore' && !this.isTold(event))
      this.tell(event, 'failed', kind, args[0]!, result)
  }

  /** Has the call been told of when it was entered? */
  private isTold({ task, name, args }: CallEvent): boolean {
    const last = this.newest
    return last !== null && last.tid === task.tid && last.call === name && last.address === args[0]
  }

  private freed(event: CallEvent, view: MachineView): void {
    const { args, task, isMusl } = event
    const start = args[0]!
    const end = start + (isMusl ? muslRoomOf : roomOf)(view, task, start)
    for (const [name, { kind, holders }] of this.objects) {
      const [pid, address] = name.split(' ').map(Number) as [number, number]
      if (pid !== task.pid || address < start || address >= end) continue
      this.objects.delete(name)
      if (holders.length > 0) this.tell(event, 'free-locked', kind, address, holders[0]!)
    }
  }

  threadEnd(task: TaskInfo, _word: number, view: MachineView): void {
    const held = [...this.objects].filter(
      ([name, { holders }]) => name.startsWith(`${task.pid} `) && holders.includes(task.tid),
    )
    this.inside.delete(task.tid)
    for (const [, known] of this.objects) known.waits = known.waits.filter(({ tid }) => tid !== task.tid)
    if (held.length === 0 || this.ending.has(task.pid)) return
    const [name, { kind }] = held[0]!
    const address = Number(name.split(' ')[1])
    this.add(
      {
        kind: 'exit-holding',
        pid: task.pid,
        tid: task.tid,
        moment: view.moment - 1,
        call: '',
        object: kind,
        address,
        other: held.length,
        times: 1,
      },
      `exit ${address}`,
    )
  }

  private tell(event: CallEvent, kind: MisuseKind, object: ObjectKind, address: number, other: number): void {
    const { task, moment, name, site } = event
    const { pid, tid } = task
    this.add({ kind, pid, tid, moment, call: name, object, address, other, times: 1 }, `${kind} ${site}`)
  }

  private add(fact: MisuseFact, place: string): void {
    this.newest = fact
    const known = this.places.get(place)
    if (known !== undefined) this.facts[known]!.times++
    else if (this.facts.length < MAX_FACTS) {
      this.places.set(place, this.facts.length)
      this.facts.push(fact)
    }
  }

  private known(task: TaskInfo, address: number, kind: ObjectKind): Known {
    const name = key(task, address)
    let known = this.objects.get(name)
    if (known === undefined) this.objects.set(name, (known = fresh(kind)))
    return known
  }

  save(): unknown {
    const { facts, objects, places, ending, newest, inside } = this
    return structuredClone({ facts, objects, places, ending, newest, inside })
  }

  restore(data: unknown): void {
    Object.assign(this, structuredClone(data))
  }
}

const key = ({ pid }: TaskInfo, address: number): string => `${pid} ${address}`

const fresh = (kind: ObjectKind): Known => ({ kind, holders: [], waits: [], woken: 0, initialised: false })

function release({ holders }: Known, tid: number): void {
  const at = holders.lastIndexOf(tid)
  if (at >= 0 || holders.length > 0) holders.splice(Math.max(at, 0), 1)
}

/** Who holds a mutex (0: nobody), and its type; null for what is none. */
function mutexOf(
  { task, isMusl }: CallEvent,
  view: MachineView,
  known: Known | undefined,
  address: number,
): { owner: number; type: number } | null {
  const bytes = view.readMemory(task, address, 20)
  if (bytes === null) return null
  const words = new DataView(bytes.buffer, bytes.byteOffset)
  if (isMusl) {
    const [type, lock] = [words.getUint32(0, true), words.getUint32(4, true) & MUSL_LOCK]
    if (type > KINDS) return null
    // An ordinary one does not say who holds it.
    const holder = known?.holders[0] ?? NOBODY
    return { owner: lock === 0 ? 0 : (type & TYPE) === 0 ? holder : lock, type: type & TYPE }
  }
  const [lock, owner, kind] = [words.getUint32(0, true), words.getUint32(8, true), words.getUint32(16, true)]
  // Between the two stores of whoever takes it nobody can be named.
  return kind > KINDS ? null : { owner: lock === 0 ? 0 : owner === 0 ? NOBODY : owner, type: kind & TYPE }
}

/** Is a reader-writer lock free, by its count of readers and the bit of a writer? */
function isFree({ task, args, isMusl }: CallEvent, view: MachineView): boolean {
  const word = wordAt(view, task, args[0]!)
  return isMusl ? (word & MUSL_LOCK) === 0 : word >>> 3 === 0 && (word & 2) === 0
}
