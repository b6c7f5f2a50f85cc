/**
 * Exists to find data races (`--check race`): two accesses to the same bytes by two threads, one of them a write, that nothing orders. Happens-before with vector
 * clocks after FastTrack (Flanagan, Freund: PLDI 2009), over the machine's accesses.
 */
import {
  SHARED,
  type MappingEvent,
  type Observer,
  type SharedLog,
  type SyscallEvent,
  type TaskInfo,
} from '../tool/observer.ts'
import { join, knows, type Clock } from './clocks.ts'

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
}

/** Two accesses that nothing orders, the first time at these two places. */
export interface RaceFact {
  earlier: RaceAccess
  later: RaceAccess
  times: number
  /** Words on which atomic instructions have worked so far: where locks may be. */
  locks: number[]
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
}

interface Thread {
  number: number
  task: TaskInfo
  clock: Clock
}

/** Places that are kept, and shadows of a cell. */
const MAX_PLACES = 1000
const MAX_SHADOWS = 8

/** System calls by which what one thread did becomes known to others, and those by which it is heard of. */
const TELLS =
  /^(p?write(v|64)?|sendto|sendmsg|sendmmsg|close|shutdown|eventfd2?|kill|tkill|tgkill|rt_(tg)?sigqueueinfo|connect|msgsnd|semop|mq_timedsend|splice|exit_group)$/
const HEARS =
  /^(p?read(v|64)?|recvfrom|recvmsg|recvmmsg|p?poll|p?select6?|epoll_(p?)wait2?|accept4?|rt_sigtimedwait|wait4|waitid|msgrcv|semop|mq_timedreceive|splice|rt_sigsuspend|pause)$/

const FUTEX = 202
const FUTEX_COMMAND = 127
/** FUTEX_WAIT, WAIT_BITSET, LOCK_PI, WAIT_REQUEUE_PI. */
const FUTEX_WAITS = [0, 9, 6, 11]

/** Watches the accesses of threads. `atomicPlaces` are instructions that are plain for the processor and atomic for the program: release stores, acquire loads. */
export class RaceCheck implements Observer {
  readonly name = 'race'
  facts: RaceFact[] = []
  /** Races at other places than those kept. */
  dropped = 0
  private readonly atomicPlaces: ReadonlySet<number>
  private readonly threads = new Map<number, Thread>()
  private readonly cells = new Map<number, Cell>()
  private readonly futexes = new Map<number, Clock>()
  private readonly places = new Map<string, number>()
  private readonly locks = new Set<number>()
  private messages: Clock = []
  private current: Thread | null = null

  constructor(atomicPlaces: ReadonlySet<number> = new Set()) {
    this.atomicPlaces = atomicPlaces
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
    const thread = this.thread(task)
    const cell = this.cell(word >>> 3)
    cell.atomic |= 0xf << (word & 7)
    cell.shadows = []
    join((cell.released ??= []), thread.clock)
    this.tell(this.futexes, word, thread)
  }

  syscall({ task, nr, name, args, result }: SyscallEvent): void {
    const thread = this.thread(task)
    if (nr === FUTEX) {
      const word = Number(args[0])
      if (!FUTEX_WAITS.includes(Number(args[1]) & FUTEX_COMMAND)) this.tell(this.futexes, word, thread)
      else if (result === 0) join(thread.clock, this.futexes.get(word) ?? [])
      return
    }
    if (TELLS.test(name)) {
      join(this.messages, thread.clock)
      this.tick(thread)
    }
    if (HEARS.test(name)) join(thread.clock, this.messages)
  }

  mapping({ start, length }: MappingEvent): void {
    const [first, end] = [start >>> 3, (start + length) / 8]
    if (end - first > this.cells.size) {
      for (const key of this.cells.keys()) if (key >= first && key < end) this.cells.delete(key)
    } else for (let key = first; key < end; key++) this.cells.delete(key)
  }

  shared({ task, entries, origin }: SharedLog): void {
    const thread = this.thread(task)
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
    if (locked || this.atomicPlaces.has(pc)) {
      cell.atomic |= mask
      // Whatever was plain there is taken for atomic: x86 loads and stores are, and order what C calls acquire and release.
      if (locked) this.locks.add(address)
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
    // What libraries do to memory of their own is their business; to the program's it shows when the program looks.
    this.compare(cell, thread, mask, write, quiet, pc, moment, bytes, offset, address)
    this.remember(cell, thread, mask, write, false, quiet ? -pc : pc, moment, bytes, offset)
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
      const base = address - offset
      const later = { pid, tid, moment, pc, address, bytes, write, atomic: locked }
      this.tellRace(this.accessOf(shadow, pid, base), later)
    }
  }

  private accessOf(shadow: Shadow, pid: number, base: number): RaceAccess {
    const { moment, pc, bytes, offset, write, atomic } = shadow
    const other = [...this.threads.values()].find(({ number }) => number === shadow.thread)!
    return { pid, tid: other.task.tid, moment, pc: Math.abs(pc), address: base + offset, bytes, write, atomic }
  }

  private tellRace(earlier: RaceAccess, later: RaceAccess): void {
    const place = earlier.pc < later.pc ? `${earlier.pc} ${later.pc}` : `${later.pc} ${earlier.pc}`
    const known = this.places.get(place)
    if (known !== undefined) this.facts[known]!.times++
    else if (this.facts.length === MAX_PLACES) this.dropped++
    else {
      this.places.set(place, this.facts.length)
      this.facts.push({ earlier, later, times: 1, locks: [...this.locks] })
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
    // What this access covers entirely is not asked about any more.
    const rest = shadows.filter(
      (one) => one.thread !== thread.number || one.write !== write || (one.mask & ~mask) !== 0,
    )
    if (rest.length >= MAX_SHADOWS) rest.shift()
    rest.push({ thread: thread.number, time, mask, write, atomic, pc, moment, bytes, offset })
    cell.shadows = rest
  }

  private thread(task: TaskInfo): Thread {
    let thread = this.threads.get(task.tid)
    if (thread === undefined) {
      const number = this.threads.size
      thread = { number, task, clock: [] }
      thread.clock[number] = 1
      for (let i = 0; i < number; i++) thread.clock[i] = 0
      this.threads.set(task.tid, thread)
    }
    return thread
  }

  private cell(key: number): Cell {
    let cell = this.cells.get(key)
    if (cell === undefined) this.cells.set(key, (cell = { shadows: [], atomic: 0, released: null }))
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
    thread.clock[thread.number]!++
  }

  save(): unknown {
    const { facts, dropped, threads, cells, futexes, places, locks, messages, current } = this
    return structuredClone({ facts, dropped, threads, cells, futexes, places, locks, messages, tid: current?.task.tid })
  }

  restore(data: unknown): void {
    const { tid, ...rest } = structuredClone(data) as { tid: number | undefined }
    Object.assign(this, rest)
    this.current = tid === undefined ? null : this.threads.get(tid)!
  }
}
