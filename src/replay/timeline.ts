/**
 * Exists to go to any moment of a recorded run, and back: it keeps checkpoints, which are only ever a cache, and executes the rest again. What looks on
 * (stops, traces) never changes what is executed.
 */
import { LemmingError } from '../base/errors.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { TracedAccess } from '../engine/processor.ts'
import { Checkpoints, isEqual, isUnchanged, ownPages, type Checkpoint } from '../linux/checkpoint.ts'
import type { Kernel } from '../linux/kernel.ts'
import { Machine } from '../linux/machine.ts'
import type { Change, Task } from '../linux/state.ts'
import type { Traps } from '../linux/traps.ts'
import type { Observer, TaskInfo } from '../tool/observer.ts'
import type { PowerLoss } from '../tool/power-loss.ts'
import { signalName } from '../linux/signal-names.ts'
import type { RunEnd } from './recording.ts'
import type { Hit, Reached, Search, Written } from './search.ts'
import type { Subject } from './subject.ts'

export interface TimelineOptions {
  /** Bytes that checkpoints may take. */
  budget?: number
  /** Asked now and then: true ends what is under way. */
  interrupted?: () => boolean
}

/** A machine as a timeline holds it. */
interface Holder extends Subject {
  machine: Machine
}

export type { Hit, Reached, Search, Written }

const PAGE = 4096
const DEFAULT_BUDGET = 2 ** 30
/** Checkpoints that a run has at first, and how close together they may be. */
const CHECKPOINTS = 256
const CLOSEST = 2 ** 16
/** What a checkpoint takes besides pages, about. */
const STATE_BYTES = 2 ** 18
/** Going forwards less than this is not worth another start. */
const FAR = 200_000
/** Going to a moment further than ten times this from a checkpoint leaves one this close before it: who goes back often goes back again. */
const NEAR = [20_000, 500]
const NEAR_KEPT = 12
/** Accesses within one interval beyond which the last one is looked for from the end, in windows. */
const MANY = 1000

export class Timeline {
  readonly subject: Subject
  /** Where the run ended; moments lie in [0, end.count]. */
  readonly end: RunEnd
  /** What the program has written so far, as far as it was ever executed. */
  readonly output: Written[] = []
  private readonly holder: Holder
  private readonly keeper = new Checkpoints()
  private readonly budget: number
  private readonly interrupted: () => boolean
  /** Ascending. */
  private checkpoints: Checkpoint[] = []
  private readonly outputAt = new WeakMap<Checkpoint, number>()
  /** Near ones, the oldest first: they go before others do. */
  private readonly near: Checkpoint[] = []
  private bytes = 0
  private distance: number
  private written = 0
  /** A branch is being executed: its output is not that of the run. */
  private isAside = false
  private aside: ((bytes: Uint8Array) => void) | null = null
  /** Whether the machine is as `advance` to the moment leaves it, and nothing of what comes then has happened. */
  private exact = true
  /** What the run's loss of power has left of files; known once it was executed to its end. */
  powerLoss: PowerLoss | null = null
  private search: Search | null = null
  private found: Hit | null = null
  private ranges: NonNullable<Search['traces']> | null = null
  private armed: Kernel | null = null
  private stops: ReadonlySet<number> = new Set()

  /** `holder` is the machine before its first instruction. */
  constructor(holder: Holder, end: RunEnd, options: TimelineOptions = {}) {
    this.holder = holder
    this.subject = holder
    this.end = end
    this.budget = options.budget ?? DEFAULT_BUDGET
    this.interrupted = options.interrupted ?? (() => false)
    this.distance = CLOSEST
    while (this.distance * CHECKPOINTS < end.count) this.distance *= 2
    this.take()
  }

  get moment(): number {
    return this.holder.machine.state.count
  }

  /** Bytes that checkpoints take, about, and their number. */
  cost(): { bytes: number; checkpoints: number } {
    return { bytes: this.bytes, checkpoints: this.checkpoints.length }
  }

  /** What the program writes goes here, in the order of execution. */
  wrote(fd: 1 | 2, bytes: Uint8Array): void {
    if (this.isAside) return this.aside?.(bytes.slice())
    if (this.written++ === this.output.length) this.output.push({ moment: this.moment, fd, bytes: bytes.slice() })
  }

  /** Gives up all checkpoints but the first: nothing changes but how long things take. */
  forget(): void {
    this.checkpoints = this.checkpoints.slice(0, 1)
    this.near.length = 0
    this.bytes = this.checkpoints[0]!.copied * PAGE + STATE_BYTES
  }

  // Going somewhere.

  /** Goes to a moment, exactly: as the first execution of so many instructions left the machine. */
  seek(moment: number): void {
    const target = Math.max(0, Math.min(moment, this.end.count))
    this.disarm()
    const base = this.before(target)
    if (!this.exact || target < this.moment || base.moment > this.moment + FAR) this.restore(base)
    for (const near of NEAR) {
      if (target - this.moment <= 10 * near) continue
      this.forward(target - near)
      this.take(true)
    }
    this.forward(target)
  }

  /** Executes the run to its end, past the last moment: what it is verified by. */
  finish(): RunEnd {
    this.seek(this.end.count)
    const { machine } = this.holder
    const copy = this.end.ending.kind.endsWith('-limit') ? null : machine.advance(this.end.count + 1)
    const ending = this.subject.ending() ?? this.end.ending
    this.powerLoss = this.subject.powerLoss()
    this.exact = copy === null
    return { count: this.moment, hash: this.subject.hash(), ending }
  }

  /** Goes forwards to the first thing that is looked for. At a stop the machine stands before it, otherwise behind it. */
  run(search: Search): Reached {
    const from = this.moment
    const passed = this.holder.machine.state.turn.tid
    if (!this.exact) this.seek(from)
    const accept = search.accept ?? (() => true)
    // Who stands at a stop goes on from it.
    const fresh = (hit: Hit): boolean =>
      hit.moment !== from || (hit.kind === 'stop' ? hit.tid !== passed : hit.kind !== 'signal')
    const first = { ...search, accept: (hit: Hit) => this.found === null && fresh(hit) && accept(hit) }
    const limit = Math.min(search.limit ?? Infinity, this.end.count)
    for (;;) {
      if (this.moment >= limit) return this.reached(limit === this.end.count ? 'end' : 'limit')
      if (this.interrupted()) return this.reached('interrupted')
      this.arm(first)
      this.stretch(Math.min(limit, this.due()))
      const { found } = this
      if (found !== null) {
        this.goTo(found)
        return { why: 'hit', hit: found }
      }
      const { task } = search
      if (task !== undefined && (this.holder.machine.state.tasks.get(task.tid)?.count ?? 0) >= task.count)
        return this.reached('task')
      this.takeIfDue()
    }
  }

  /** Goes backwards to the last thing before this moment that is looked for; the machine stands before it. */
  runBack(search: Search): Reached {
    const hit = this.last(search, this.moment)
    if (hit === 'interrupted') return { why: 'interrupted' }
    this.seek(hit === null ? 0 : hit.moment)
    return hit === null ? { why: 'start' } : { why: 'hit', hit }
  }

  /** The last thing before a moment that is looked for; where the machine is afterwards is not said. */
  last(search: Search, before: number): Hit | 'interrupted' | null {
    let end = before
    while (end > 0) {
      if (this.interrupted()) return 'interrupted'
      let base = this.before(end - 1)
      // Where nothing was executed yet, checkpoints come on the way.
      if (end - base.moment > this.distance) {
        this.seek(end - 1)
        base = this.before(end - 1)
      }
      if (!this.isQuiet(search, base)) {
        const hit = this.lastWithin(search, base, end)
        if (hit !== null) return hit
      }
      end = base.moment
    }
    return null
  }

  /**
   * As `last` for stores, but it executes no more than about `most` instructions where the bytes came out as they had been: then `unseen` is the range of moments in which
   * stores that left them so were not looked for.
   */
  lastChange(
    search: Search & Required<Pick<Search, 'traces'>>,
    before: number,
    most: number,
  ): { hit: Hit | 'interrupted' | null; unseen: { from: number; to: number } | null } {
    const { pid, ranges } = search.traces
    this.seek(before)
    this.take(true)
    // The last interval whose ends differ: what was stored last is not before it.
    let at = this.position(before) - 1
    let dirty = 0
    const differs = (i: number): boolean => {
      const [a, b] = [this.checkpoints[i - 1]!, this.checkpoints[i]!]
      if (!this.isQuiet(search, a)) dirty += b.moment - a.moment
      return ranges.some(({ start, end }) => !isEqual(a, b, pid, start, end))
    }
    const last = at
    while (at > 0 && !differs(at)) at--
    // Where nothing ever changed, only looking helps.
    if (dirty <= most) return { hit: this.last(search, before), unseen: null }
    if (at === 0) return this.lastRecent(search, before, most)
    const [base, end] = [this.checkpoints[at - 1]!, this.checkpoints[at]!.moment]
    const hit = this.lastWithin(search, base, end)
    // What the kernel mapped anew differs, and nobody stored it.
    if (hit === null) return this.lastRecent(search, before, most)
    return { hit, unseen: at === last ? null : { from: end, to: before } }
  }

  /** As `last`, but it gives up when it has executed about `most` instructions; `unseen` is what it has not looked at. */
  private lastRecent(search: Search, before: number, most: number): ReturnType<Timeline['lastChange']> {
    let end = before
    for (let executed = 0; end > 0 && executed <= most;) {
      if (this.interrupted()) return { hit: 'interrupted', unseen: null }
      const base = this.before(end - 1)
      if (!this.isQuiet(search, base)) {
        executed += end - base.moment
        const hit = this.lastWithin(search, base, end)
        if (hit !== null) return { hit, unseen: null }
      }
      end = base.moment
    }
    return { hit: null, unseen: end === 0 ? null : { from: 0, to: end } }
  }

  /** Shows every hit of [from, to), in order; where the machine is afterwards is not said. False when somebody asked to stop. */
  each(search: Search, from: number, to: number, see: (hit: Hit) => void): boolean {
    const accept = search.accept ?? (() => true)
    const arrived = new Map<number, number>()
    for (let at = from; at < to && this.end.count > at;) {
      if (this.interrupted()) return false
      const base = this.before(at)
      const next = this.checkpoints[this.checkpoints.indexOf(base) + 1]?.moment ?? Infinity
      const end = Math.min(to, next, (Math.floor(at / this.distance) + 1) * this.distance)
      if (!this.isQuiet(search, base)) {
        this.seek(at)
        const show = (hit: Hit): boolean => {
          if (hit.moment >= end) return false
          // Who loses its turn at a stop comes to it again.
          const isNew = hit.kind !== 'stop' || arrived.get(hit.tid) !== hit.count
          if (hit.kind === 'stop') arrived.set(hit.tid, hit.count)
          if (isNew && accept(hit)) see(hit)
          return false
        }
        this.arm({ ...search, accept: show })
        this.stretch(end)
        this.disarm()
        this.takeIfDue()
      }
      if (this.subject.ending() !== null && this.moment <= at) break
      at = end
    }
    return true
  }

  /** The first moment at which a thread had executed so many instructions; null when it never had. The machine is there. */
  momentOf(tid: number, count: number): number | null {
    const counts = this.checkpoints.map(({ state }) => state.tasks.get(tid)?.count)
    const born = counts.findIndex((one) => one !== undefined)
    let base = born < 0 ? this.checkpoints.at(-1)! : this.checkpoints[Math.max(0, born - 1)]!
    counts.forEach((one, i) => {
      if (one !== undefined && one < count) base = this.checkpoints[i]!
    })
    this.disarm()
    this.restore(base)
    return this.run({ task: { tid, count } }).why === 'task' ? this.moment : null
  }

  /**
   * Sends a clone on from this moment, with a schedule of its own (null: with that of the run) and with changes, until it ends or has executed `limit` instructions in all; `look` is called
   * there, with the error that kept it from going on. The machine is then where it was. `until` ends it early; `wrote` gets its output.
   */
  branch<T>(
    seed: number | null,
    limit: number,
    look: (error: string | null, found: Hit | null) => T,
    set: Change[] = [],
    until: Search | null = null,
    wrote: ((bytes: Uint8Array) => void) | null = null,
  ): T {
    this.seek(this.moment)
    const { moment, holder } = this
    this.take(true)
    const from = this.before(moment)
    this.isAside = true
    this.aside = wrote
    try {
      holder.machine.state.branches = [{ moment, seed, set }]
      let error: string | null = null
      try {
        if (until !== null) this.arm({ accept: () => true, ...until })
        holder.machine.advance(limit)
      } catch (thrown) {
        if (!(thrown instanceof LemmingError) || thrown.code === 'internal') throw thrown
        error = thrown.message
      }
      return look(error, this.found)
    } finally {
      this.isAside = false
      this.aside = null
      this.disarm()
      this.restore(from)
    }
  }

  // Searching.

  /** Whether the pages in question are the same at both ends of an interval that is covered by checkpoints. */
  private isQuiet({ traces, stops, switches, calls, mappings, signals }: Search, base: Checkpoint): boolean {
    if (traces === undefined || traces.reads || stops !== undefined) return false
    if (switches || calls || mappings || signals) return false
    const next = this.checkpoints[this.checkpoints.indexOf(base) + 1]
    if (next === undefined) return false
    const spaceId = base.state.processes.get(traces.pid)?.spaceId
    if (spaceId === undefined || spaceId !== next.state.processes.get(traces.pid)?.spaceId) return false
    return traces.ranges.every(({ start, end: stop }) => {
      for (let page = start >>> 12; page <= (stop - 1) >>> 12; page++)
        if (!isUnchanged(base, next, spaceId, page)) return false
      return true
    })
  }

  /** The last hit in [base, end). Of many accesses the last is looked for from the end. */
  private lastWithin(search: Search, base: Checkpoint, end: number): Hit | null {
    const whole = this.note(search, base, base.moment, end, search.traces === undefined ? Infinity : MANY)
    if (whole.times <= MANY || search.traces === undefined) return whole.hit
    const from = whole.hit!.moment
    for (let window = 64, stop = end; ; window *= 16) {
      const start = Math.max(from, end - window)
      const { hit } = this.note(search, base, start, stop, Infinity)
      if (hit !== null || start === from) return hit ?? whole.hit
      stop = start
    }
  }

  /** Executes [from, end) and notes the last hit; gives up after `most` of them. */
  private note(
    search: Search,
    base: Checkpoint,
    from: number,
    end: number,
    most: number,
  ): { hit: Hit | null; times: number } {
    let hit: Hit | null = null
    let times = 0
    this.disarm()
    this.restore(base)
    this.forward(from)
    const accept = search.accept ?? (() => true)
    this.arm({
      ...search,
      accept: (one) => {
        if (one.moment >= end || !accept(one)) return false
        hit = one
        return ++times > most
      },
    })
    while (this.moment < end && this.found === null) {
      this.stretch(Math.min(end, this.due()))
      this.takeIfDue()
    }
    this.disarm()
    return { hit, times }
  }

  private arm(search: Search): void {
    const { kernel } = this.holder.machine
    this.search = search
    this.found = null
    kernel.goal = search.task ?? null
    kernel.traps = this.traps
    const stops = search.stops ?? NOTHING
    const sameStops = stops === this.stops || (stops.size === 0 && this.stops.size === 0)
    this.stops = stops
    const traces = search.traces ?? null
    const sameTraces = traces === this.ranges
    this.ranges = traces
    if (!sameStops || !sameTraces || this.armed !== kernel)
      for (const [id, { space }] of kernel.memories) this.traps.space(space, id)
    if (search.switches || search.calls || search.mappings || search.signals) {
      if (!kernel.observers.includes(this.observer)) kernel.addObserver(this.observer)
    } else kernel.removeObserver(this.observer)
    this.armed = kernel
  }

  /** Nobody looks on. Stops stay where they are: they cost next to nothing, and often come again. */
  private disarm(): void {
    const { kernel } = this.holder.machine
    this.search = null
    this.found = null
    kernel.goal = null
    if (this.ranges !== null) for (const { space } of kernel.memories.values()) space.setTraces([], false)
    this.ranges = null
    kernel.traps = null
    kernel.removeObserver(this.observer)
  }

  private readonly traps: Traps = {
    space: (space: AddressSpace, id: number) => {
      space.setStops(this.stops)
      const { ranges } = this
      const process = ranges === null ? undefined : this.holder.machine.state.processes.get(ranges.pid)
      if (ranges !== null && process?.spaceId === id) {
        space.onKernelWrite = (address, length) => this.holder.machine.kernel.wroteTraced(address, length)
        space.setTraces(ranges.ranges, ranges.reads)
      } else space.setTraces([], false)
    },
    arrived: (t: Task, pc: number) => this.isFound({ ...this.hit('stop', t), pc, count: t.count }),
    accessed: (t: Task | null, moment: number, accesses: readonly TracedAccess[], byKernel: boolean) =>
      this.isFound({ ...this.hit('access', t ?? { pid: 0, tid: 0 }), moment, accesses, byKernel }),
  }

  private readonly observer: Observer = {
    name: 'timeline',
    taskSwitch: (_from, to) => {
      if (this.search?.switches) this.tell(this.hit('switch', to))
    },
    syscall: (event) => {
      if (this.search?.calls) this.tell({ ...this.hit('call', event.task), text: event.text(), call: event.nr })
    },
    signal: (event) => {
      const { task, moment, signal } = event
      if (!this.search?.signals) return
      // As with gdb, one stands before it is delivered.
      const more = { moment, text: signalName(signal), signal: { signal, info: event.info() } }
      this.tell({ ...this.hit('signal', task), ...more })
    },
    mapping: (event) => {
      if (this.search?.mappings) this.tell({ ...this.hit('mapping', event.task), mapping: event })
    },
  }

  private tell(hit: Hit): void {
    if (this.isFound(hit)) this.holder.machine.kernel.halted = true
  }

  private hit(kind: Hit['kind'], { pid, tid }: Pick<TaskInfo, 'pid' | 'tid'>): Hit {
    const { before: moment } = this.holder.machine.kernel
    return { kind, moment, pid, tid, pc: 0, count: 0, accesses: [], byKernel: false, text: '' }
  }

  private isFound(hit: Hit): boolean {
    if (this.search === null || this.found !== null || !this.search.accept!(hit)) return false
    this.found = hit
    return true
  }

  /** The machine has stopped because of a hit: it goes to where that is looked at. */
  private goTo({ kind, moment }: Hit): void {
    const target = kind === 'stop' || kind === 'signal' ? moment : moment + 1
    // At the very start of a stretch of execution choices have been made that `advance` to the moment does not make yet.
    this.exact = kind !== 'signal' && this.holder.machine.kernel.countBefore < this.moment
    if (this.moment < target) {
      this.disarm()
      this.forward(target)
      this.exact = true
    } else if (this.exact && this.moment === target) this.disarm()
    else this.seek(target)
  }

  private reached(why: Exclude<Reached['why'], 'hit'>): Reached {
    this.disarm()
    return { why }
  }

  // Executing.

  private forward(target: number): void {
    while (this.moment < target && this.subject.ending() === null) {
      this.stretch(Math.min(target, this.due()))
      this.takeIfDue()
    }
  }

  private stretch(limit: number): void {
    this.holder.machine.advance(limit)
  }

  // Checkpoints.

  /** The last checkpoint that is not behind a moment. */
  private before(moment: number): Checkpoint {
    return this.checkpoints[this.position(moment) - 1]!
  }

  /** How many checkpoints are not behind a moment. */
  private position(moment: number): number {
    let low = 0
    let high = this.checkpoints.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.checkpoints[middle]!.moment <= moment) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The next moment at which there should be a checkpoint and is none. */
  private due(): number {
    let at = (Math.floor(this.moment / this.distance) + 1) * this.distance
    while (this.before(at).moment === at) at += this.distance
    return at
  }

  private takeIfDue(): void {
    const { moment } = this
    if (moment % this.distance !== 0 || this.found !== null || this.subject.ending() !== null) return
    if (this.before(moment).moment !== moment) this.take()
  }

  private take(near = false): void {
    const { kernel } = this.holder.machine
    const position = this.position(this.moment)
    if (this.checkpoints[position - 1]?.moment === this.moment) return
    const checkpoint = this.keeper.take(kernel)
    this.outputAt.set(checkpoint, this.written)
    this.checkpoints.splice(position, 0, checkpoint)
    this.bytes += checkpoint.copied * PAGE + STATE_BYTES
    if (near) {
      this.near.push(checkpoint)
      if (this.near.length > NEAR_KEPT) this.drop(this.near.shift()!)
    }
    while (this.bytes > this.budget && this.thin());
  }

  /** Makes room; false when there is nothing left to give up. */
  private thin(): boolean {
    if (this.near.length > 1) {
      this.drop(this.near.shift()!)
      return true
    }
    if (this.checkpoints.length < 3 || this.distance > this.end.count) return false
    this.distance *= 2
    const given = this.checkpoints.filter(
      (one) => one.moment % this.distance !== 0 && one.moment !== this.moment && !this.near.includes(one),
    )
    for (const checkpoint of given) this.drop(checkpoint)
    return true
  }

  private drop(checkpoint: Checkpoint): void {
    const at = this.checkpoints.indexOf(checkpoint)
    if (at <= 0) return
    const own = ownPages(checkpoint, this.checkpoints[at - 1], this.checkpoints[at + 1])
    this.bytes -= own * PAGE + STATE_BYTES
    this.checkpoints.splice(at, 1)
  }

  private restore(checkpoint: Checkpoint): void {
    const { machine } = this.holder
    machine.kernel.traps = null
    this.holder.machine = new Machine(this.keeper.restore(machine.kernel, checkpoint))
    this.written = this.outputAt.get(checkpoint)!
    this.exact = true
  }
}

const NOTHING: ReadonlySet<number> = new Set()
