/**
 * Exists to find data races (`--check race`): two accesses to the same bytes by two threads, one of them a write, that nothing orders. Happens-before with vector
 * clocks after FastTrack (Flanagan, Freund: PLDI 2009), over the machine's accesses.
 */
import {
  SHARED,
  type CallEvent,
  type MachineView,
  type MappingEvent,
  type Observer,
  type SharedLog,
  type SyscallEvent,
  type TaskInfo,
} from '../tool/observer.ts'
import { join, knows, type Clock } from './clocks.ts'
import { roomOf, wordAt } from './glibc.ts'
import { TASK_BODY, TASK_FUNCTIONS, Tasks } from './tasks.ts'

/** One of the two accesses. */
export interface RaceAccess {
  pid: number
  tid: number
  /** Instructions executed before it. */
  moment: number
  pc: number
  address: number
  bytes: number
  write: boolean
  atomic: boolean
  /** The system call by which the kernel did it, whose number is `pc`; '' for an instruction. */
  by: string
}

/** Two accesses that nothing orders, the first time at these two places. */
export interface RaceFact {
  earlier: RaceAccess
  later: RaceAccess
  times: number
  /** Words on which atomic instructions have worked so far: where locks may be. */
  locks: number[]
  /** Were there atomic instructions of the program's own among them? */
  lockFree: boolean
}

/** What is remembered of a thread's last read or write of some of eight bytes. */
interface Shadow {
  thread: number
  time: number
  /** Bit n for byte n. */
  mask: number
  write: boolean
  atomic: boolean
  pc: number
  moment: number
  bytes: number
  offset: number
}

/** Eight bytes of memory. */
interface Cell {
  shadows: Shadow[]
  /** Bytes that atomic instructions work on: who reads them learns what those know who wrote there. */
  atomic: number
  released: Clock | null
  /** What those know who wrote here as a runtime does (RUNTIME). */
  handed: Clock | null
}

interface Thread {
  number: number
  task: TaskInfo
  clock: Clock
  /** Stack pointers of the functions of MEETINGS that it is in, the innermost last. */
  meets: number[]
  /** The same of ALLOCATION. */
  allocates: number[]
  /** Bytes of the block that it last gave to realloc. */
  room: number
}

/** Places that are kept, and shadows of a cell. */
const MAX_PLACES = 1000
const MAX_SHADOWS = 32

/** Bytes of stack that a task has used at most. */
const DEEPEST = 0x10000

/** Most bytes of a block that are looked at when it is freed. */
const LARGEST = 0x10000

/** System calls by which what one thread did becomes known to others, and those by which it is heard of. */
const TELLS =
  /^(p?write(v|64)?|sendto|sendmsg|sendmmsg|close|shutdown|eventfd2?|kill|tkill|tgkill|rt_(tg)?sigqueueinfo|connect|msgsnd|semop|mq_timedsend|splice|exit_group)$/
const HEARS =
  /^(p?read(v|64)?|recvfrom|recvmsg|recvmmsg|p?poll|p?select6?|epoll_(p?)wait2?|accept4?|rt_sigtimedwait|wait4|waitid|msgrcv|semop|mq_timedreceive|splice|rt_sigsuspend|pause)$/

/** Libraries whose threads meet by plain loads and stores as well: whoever reads there what another wrote comes after it. */
const RUNTIME = /\/lib(gomp|i?omp5?|atomic|stdc\+\+)[-.\d]*\.so[.\d]*$/

/** System calls by which the kernel accesses memory that threads pass to it, and share. */
const TRANSFERS =
  /^(p?(read|write)(v|64|v2)?|recv(from|msg|mmsg)|send(to|msg|mmsg)|getrandom|getdents64|readlink(at)?|getcwd)$/

/** The C library's allocation functions, by which argument has the size, or two that are multiplied. */
const ALLOCATION: Record<string, readonly number[]> = {
  malloc: [0],
  calloc: [0, 1],
  realloc: [1],
  reallocarray: [1, 2],
  memalign: [1],
  aligned_alloc: [1],
  posix_memalign: [2],
  valloc: [0],
  pvalloc: [0],
  free: [],
}

/**
 * Functions of the C library by which threads meet. What others do atomically (allocate, print, end a thread) is for the library's own sake, and orders nothing:
 * it would hide races, by whoever happened to allocate in between.
 */
const MEETINGS = [
  ...names('pthread_mutex_', 'init destroy lock trylock timedlock clocklock unlock consistent'),
  ...names('pthread_cond_', 'init destroy wait timedwait clockwait signal broadcast'),
  ...names('pthread_rwlock_', 'init destroy rdlock tryrdlock timedrdlock clockrdlock wrlock trywrlock timedwrlock'),
  ...names('pthread_rwlock_', 'clockwrlock unlock'),
  ...names('pthread_spin_', 'init destroy lock trylock unlock'),
  ...names('pthread_barrier_', 'init destroy wait'),
  ...names('pthread_', 'create join tryjoin_np timedjoin_np clockjoin_np detach exit cancel once kill sigqueue atfork'),
  ...names('sem_', 'init destroy wait trywait timedwait clockwait post getvalue open close'),
  ...names('mtx_', 'init destroy lock trylock timedlock unlock'),
  ...names('cnd_', 'init destroy wait timedwait signal broadcast'),
  ...names('thrd_', 'create join detach exit'),
  ...names('', 'call_once flockfile ftrylockfile funlockfile exit quick_exit atexit at_quick_exit'),
  ...names('__cxa_', 'atexit finalize'),
  ...names('dl', 'open mopen close sym'),
]

const C_LIBRARY = /\/(libc|libpthread)[-.\d]*\.so[.\d]*$/

const FUTEX = 202
const FUTEX_COMMAND = 127
/** FUTEX_WAIT, WAIT_BITSET, LOCK_PI, WAIT_REQUEUE_PI. */
const FUTEX_WAITS = [0, 9, 6, 11]

/** Watches the accesses of threads. `atomicPlaces` are instructions that are plain for the processor and atomic for the program: release stores, acquire loads. */
export class RaceCheck implements Observer {
  readonly name = 'race'
  readonly functions = [...Object.keys(ALLOCATION), ...MEETINGS, ...TASK_FUNCTIONS]
  facts: RaceFact[] = []
  /** Races at other places than those kept. */
  dropped = 0
  private readonly atomicPlaces: ReadonlySet<number>
  private readonly threads = new Map<number, Thread>()
  /** Memory by process, eight bytes each. */
  private readonly spaces = new Map<number, Map<number, Cell>>()
  private cells = new Map<number, Cell>()
  private readonly futexes = new Map<number, Clock>()
  private readonly places = new Map<string, number>()
  private readonly locks = new Set<number>()
  private lockFree = false
  /** Where code of such a RUNTIME is mapped. */
  private readonly runtimes: { start: number; end: number }[] = []
  /** Where the C library and its variables are. */
  private readonly variables: { start: number; end: number }[] = []
  /** Where memory is mapped that is no file's. */
  private readonly nameless: { start: number; end: number }[] = []
  /** Names of functions by the places of calls, and of system calls by their numbers, counted from 1. */
  private readonly calls = new Map<number, string>()
  private messages: Clock = []
  /** Tasks of OpenMP, and the threads that execute the contexts that clocks are for. */
  private readonly tasks = new Tasks()
  private readonly owners: TaskInfo[] = []
  private current: Thread | null = null

  /** Watched for by functions that wait for others at a variable of their own. */
  readonly frames: boolean

  constructor(atomicPlaces: ReadonlySet<number> = new Set(), frames = false) {
    this.atomicPlaces = atomicPlaces
    this.frames = frames
  }

  taskSwitch(_from: TaskInfo | null, to: TaskInfo): void {
    this.current = this.thread(to)
  }

  taskStart(task: TaskInfo): void {
    const child = this.thread(task)
    const parent = this.current
    if (parent === null) return
    join(child.clock, parent.clock)
    child.clock[child.number] = 1
    this.tick(parent)
  }

  threadEnd(task: TaskInfo, word: number): void {
    const thread = this.enter(task)
    const cell = this.cell(word >>> 3)
    cell.atomic |= 0xf << (word & 7)
    cell.shadows = []
    join((cell.released ??= []), thread.clock)
    this.tell(this.futexes, word, thread)
  }

  syscall(event: SyscallEvent): void {
    const { task, nr, name, args, result } = event
    const thread = this.thread(task)
    if (nr === FUTEX) {
      if (this.tasks.isBusy(task.tid)) return
      const word = Number(args[0])
      if (!FUTEX_WAITS.includes(Number(args[1]) & FUTEX_COMMAND)) this.tell(this.futexes, word, thread)
      else if (result === 0) join(thread.clock, this.futexes.get(word) ?? [])
      return
    }
    if (HEARS.test(name)) join(thread.clock, this.messages)
    if (TRANSFERS.test(name)) this.transfer(event)
    if (TELLS.test(name)) {
      join(this.messages, thread.clock)
      this.tick(thread)
    }
  }

  /** What the kernel reads and writes for a thread, that does as the thread does. */
  private transfer({ task, nr, name, moment, touched }: SyscallEvent): void {
    const thread = this.enter(task)
    this.calls.set(nr + 1, name)
    const kinds = SHARED.quiet
    for (const written of [false, true])
      for (const { start, length } of touched(written))
        for (let at = start, end = start + length; at < end; at = (at | 7) + 1)
          this.access(
            thread,
            at,
            Math.min(end, (at | 7) + 1) - at,
            kinds | (written ? SHARED.store : 0),
            nr + 1,
            moment - 1,
          )
  }

  mapping({ task, start, length, name }: MappingEvent): void {
    const last = this.runtimes.at(-1)
    // What is not initialised comes right behind the rest, without a name.
    if (RUNTIME.test(name) || (name === '' && last?.end === start)) this.runtimes.push({ start, end: start + length })
    if (C_LIBRARY.test(name) || (name === '' && this.variables.at(-1)?.end === start))
      this.variables.push({ start, end: start + length })
    if (!name.startsWith('/')) this.nameless.push({ start, end: start + length })
    this.enter(task)
    this.forget(start, length)
  }

  call(event: CallEvent, view: MachineView): void {
    const { task, name, args, result, stack } = event
    const thread = this.enter(task)
    if (TASK_FUNCTIONS.includes(name)) {
      const fresh = (): number => this.owners.push(task) - 1
      this.tasks.call(event, view, thread, () => this.tick(thread), fresh)
      // The stack below belongs to nobody when a task begins, and when it has ended.
      if (name === TASK_BODY) this.forget(stack - DEEPEST, DEEPEST)
      return
    }
    const sizes = ALLOCATION[name]
    const list = sizes === undefined ? thread.meets : thread.allocates
    while (list.length > 0 && list.at(-1)! <= stack) list.pop()
    if (result === null && name === 'free') this.freed(thread, event, view)
    if (result === null && name.startsWith('realloc')) thread.room = roomOf(view, task, args[0]!)
    if (result === null) list.push(stack)
    else if (sizes !== undefined && name !== 'free') {
      const pointer = name === 'posix_memalign' && result === 0 ? wordAt(view, task, args[0]!) : result
      const asked = sizes.reduce((product, i) => product * args[i]!, 1)
      // Whoever had this memory before gave it back, whatever locks that took.
      const kept = pointer === args[0] && name.startsWith('realloc') ? thread.room : 0
      const room = Math.max(asked, roomOf(view, task, pointer))
      if (pointer !== 0) this.tasks.allocated(task.tid, pointer, room, thread)
      if (pointer !== 0 && room > kept) this.forget(pointer + kept, room - kept)
    }
  }

  /** Giving a block back is like writing to all of it. */
  private freed(thread: Thread, { args, site, moment, quiet }: CallEvent, view: MachineView): void {
    const start = args[0]!
    const length = start === 0 ? 0 : Math.min(LARGEST, roomOf(view, thread.task, start))
    if (length === 0) return
    const pc = site - 1
    this.calls.set(pc, 'free')
    for (let at = start; at < start + length; at += 8)
      this.access(thread, at, 8, SHARED.store | (quiet ? SHARED.quiet : 0), pc, moment - 1)
  }

  private forget(start: number, length: number): void {
    const [first, end] = [start >>> 3, Math.ceil((start + length) / 8)]
    if (end - first > this.cells.size) {
      for (const key of this.cells.keys()) if (key >= first && key < end) this.cells.delete(key)
    } else for (let key = first; key < end; key++) this.cells.delete(key)
  }

  shared({ task, entries, origin }: SharedLog): void {
    const thread = this.enter(task)
    for (let i = 0; i < entries.length; i += 4) {
      const kind = entries[i + 1]!
      const bytes = kind & 255
      if (bytes === 0) continue
      const address = entries[i]!
      const moment = origin - entries[i + 3]!
      for (let at = address, end = address + bytes; at < end; at = (at | 7) + 1)
        this.access(thread, at, Math.min(end, (at | 7) + 1) - at, kind, entries[i + 2]!, moment)
    }
  }

  private access(thread: Thread, address: number, bytes: number, kind: number, pc: number, moment: number): void {
    const offset = address & 7
    const mask = ((1 << bytes) - 1) << offset
    const write = (kind & SHARED.store) !== 0
    const locked = (kind & SHARED.atomic) !== 0
    const quiet = (kind & SHARED.quiet) !== 0
    const cell = this.cell(address >>> 3)
    const { clock } = thread
    if (this.tasks.isBusy(thread.task.tid) && this.isRuntime(pc)) return
    if (thread.allocates.length > 0 && within(this.variables, pc)) return
    if ((locked || (quiet && (cell.atomic & mask) !== 0)) && thread.meets.length === 0 && within(this.variables, pc))
      return
    if (locked || this.atomicPlaces.has(pc)) {
      cell.atomic |= mask
      // Whatever was plain there is taken for atomic: x86 loads and stores are, and order what C calls acquire and release.
      if (locked) this.locks.add(address)
      if (locked && !quiet) this.lockFree = true
    }
    if ((cell.atomic & mask) !== 0) {
      // What a plain store has overwritten is lost to atomic operations that nothing orders with it.
      if (locked) this.compare(cell, thread, mask, true, quiet, pc, moment, bytes, offset, address, true)
      if (cell.released !== null && !write) join(clock, cell.released)
      if (locked && cell.released !== null) join(clock, cell.released)
      const suspicious = !locked && write && !quiet && !this.atomicPlaces.has(pc)
      if (suspicious) this.compare(cell, thread, mask, true, false, pc, moment, bytes, offset, address)
      if (write) {
        join((cell.released ??= []), clock)
        if (locked || suspicious) this.remember(cell, thread, mask, true, locked, pc, moment, bytes, offset)
        this.tick(thread)
      }
      return
    }
    const meets = quiet && this.isRuntime(pc)
    if (meets && !write) join(clock, cell.handed ?? [])
    // What libraries do to memory of their own is their business; to the program's it shows when the program looks.
    this.compare(cell, thread, mask, write, quiet, pc, moment, bytes, offset, address)
    this.remember(cell, thread, mask, write, false, quiet ? -pc : pc, moment, bytes, offset)
    if (meets && write) {
      join((cell.handed ??= []), clock)
      this.tick(thread)
    }
  }

  private compare(
    cell: Cell,
    thread: Thread,
    mask: number,
    write: boolean,
    quiet: boolean,
    pc: number,
    moment: number,
    bytes: number,
    offset: number,
    address: number,
    locked = false,
  ): void {
    for (const shadow of cell.shadows) {
      if (locked && (shadow.atomic || !shadow.write || shadow.pc < 0)) continue
      if (shadow.thread === thread.number || (shadow.mask & mask) === 0 || !(write || shadow.write)) continue
      if (knows(thread.clock, shadow.thread, shadow.time) || (quiet && shadow.pc < 0)) continue
      const { pid, tid } = thread.task
      // Tasks on one thread share its stack and its own variables, which lie in mappings without a name.
      if (this.owners[shadow.thread]!.tid === tid && within(this.nameless, address)) continue
      // Variables of a runtime are its own business, too, where its headers look at them.
      if ((quiet || shadow.pc < 0) && this.isRuntime(address)) continue
      const base = address - offset
      const later = { pid, tid, moment, pc, address, bytes, write, atomic: locked, by: this.calls.get(pc) ?? '' }
      this.tellRace(this.accessOf(shadow, pid, base), later)
    }
  }

  private accessOf(shadow: Shadow, pid: number, base: number): RaceAccess {
    const { moment, pc, bytes, offset, write, atomic } = shadow
    const { tid } = this.owners[shadow.thread]!
    const by = this.calls.get(pc) ?? ''
    return { pid, tid, moment, pc: Math.abs(pc), address: base + offset, bytes, write, atomic, by }
  }

  private tellRace(earlier: RaceAccess, later: RaceAccess): void {
    const place = earlier.pc < later.pc ? `${earlier.pc} ${later.pc}` : `${later.pc} ${earlier.pc}`
    const known = this.places.get(place)
    if (known !== undefined) this.facts[known]!.times++
    else if (this.facts.length === MAX_PLACES) this.dropped++
    else {
      this.places.set(place, this.facts.length)
      this.facts.push({ earlier, later, times: 1, locks: [...this.locks], lockFree: this.lockFree })
    }
  }

  private remember(
    cell: Cell,
    thread: Thread,
    mask: number,
    write: boolean,
    atomic: boolean,
    pc: number,
    moment: number,
    bytes: number,
    offset: number,
  ): void {
    const time = thread.clock[thread.number]!
    const { shadows } = cell
    const same = shadows.find((one) => one.thread === thread.number && one.write === write && one.mask === mask)
    if (same !== undefined) {
      if (same.time === time) return
      Object.assign(same, { time, atomic, pc, moment })
      return
    }
    // Who races with what this one covers and comes after, races with this one too.
    const quiet = pc < 0
    const rest = shadows.filter((one) => {
      if (one.write && !write) return true
      if (one.thread === thread.number ? quiet && one.pc >= 0 : quiet || !knows(thread.clock, one.thread, one.time))
        return true
      one.mask &= ~mask
      return one.mask !== 0
    })
    if (rest.length >= MAX_SHADOWS) rest.shift()
    rest.push({ thread: thread.number, time, mask, write, atomic, pc, moment, bytes, offset })
    cell.shadows = rest
  }

  private thread(task: TaskInfo): Thread {
    let thread = this.threads.get(task.tid)
    if (thread === undefined) {
      const number = this.owners.push(task) - 1
      thread = { number, task, clock: [], meets: [], allocates: [], room: 0 }
      thread.clock[number] = 1
      for (let i = 0; i < number; i++) thread.clock[i] = 0
      this.threads.set(task.tid, thread)
    }
    return thread
  }

  private isRuntime(address: number): boolean {
    return within(this.runtimes, address)
  }

  /** What follows is about memory of the task's process. */
  private enter(task: TaskInfo): Thread {
    const known = this.spaces.get(task.pid)
    if (known === undefined) this.spaces.set(task.pid, (this.cells = new Map()))
    else this.cells = known
    return this.thread(task)
  }

  private cell(key: number): Cell {
    let cell = this.cells.get(key)
    if (cell === undefined) this.cells.set(key, (cell = { shadows: [], atomic: 0, released: null, handed: null }))
    return cell
  }

  private tell(to: Map<number, Clock>, key: number, thread: Thread): void {
    let clock = to.get(key)
    if (clock === undefined) to.set(key, (clock = []))
    join(clock, thread.clock)
    this.tick(thread)
  }

  /** What the thread does from now on is later than all that others have heard of it. */
  private tick(thread: Thread): void {
    if (this.tasks.isBusy(thread.task.tid)) return
    thread.clock[thread.number]!++
  }

  save(): unknown {
    const { facts, dropped, threads, spaces, futexes, places, locks, lockFree, current } = this
    const { runtimes, variables, nameless, calls, messages, tasks, owners } = this
    const data = {
      facts,
      dropped,
      threads,
      spaces,
      futexes,
      places,
      locks,
      lockFree,
      runtimes,
      variables,
      nameless,
      calls,
      messages,
      owners,
      tasks,
    }
    return structuredClone({ ...data, tid: current?.task.tid })
  }

  restore(data: unknown): void {
    const { tid, tasks, ...rest } = structuredClone(data) as { tid: number | undefined; tasks: object }
    Object.assign(this, rest)
    Object.assign(this.tasks, tasks)
    this.current = tid === undefined ? null : this.threads.get(tid)!
  }
}

function within(ranges: readonly { start: number; end: number }[], address: number): boolean {
  return ranges.some(({ start, end }) => start <= address && address < end)
}

function names(prefix: string, list: string): string[] {
  return list.split(' ').map((name) => prefix + name)
}
