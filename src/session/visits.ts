/**
 * Exists to look at a run at moments that were found out when it was executed before: it is executed again, stopped right before the instructions in question,
 * and unwound there. So stacks cost the run itself nothing.
 */
import type { Finding, Frame, Stack, ThreadState } from '../tool/finding.ts'
import type { ReportWorld } from '../replay/recording-world.ts'
import type { Subject, TaskView } from '../replay/subject.ts'
import { Namer, type Inflate } from './stacks.ts'
import { dataAt, onStack } from './variables.ts'

/** What is to be looked at: an instruction, in this task. */
export interface Stop {
  /** The instruction itself included; one that never was executed counts all the same. */
  moment: number
  pid: number
  tid: number
}

/** What is seen at a stop. */
export interface Seen {
  thread: ThreadState
  source: Finding['source']
  /** What the address of an event is, in words, where it is no block of the heap. */
  what: string
  /** Memory around the address of an event, where that can be read. */
  memory: Memory | null
  /** What each `look` has returned, by who wanted it. */
  looked: ReadonlyMap<Wanting, unknown>
}

/** Those who find out something at a stop besides. */
export type Wanting = 'fault' | 'undefined' | 'race' | 'lock' | 'misuse'

/** Finds out something else at a stop. */
export type Look = (subject: Subject, namer: Namer) => unknown

/** Bytes of a process. */
export interface Memory {
  start: number
  bytes: Uint8Array
}

/** Bytes read around an address for a dump. */
const AROUND = 64

const PAGE = 4096

/** Stops of the second run, and what was seen there. */
export class Visits {
  private subject: Subject = null!
  private readonly world: ReportWorld
  private readonly inflate: Inflate
  private readonly stops = new Map<string, { stop: Stop; address: number; looks: Map<Wanting, Look> }>()
  private readonly followed: { from: number; end: number; tid: number; step: (subject: Subject) => void }[] = []
  private readonly seen = new Map<string, Seen>()
  private namer: Namer | null = null
  private namedMappings = ''

  constructor(world: ReportWorld, inflate: Inflate) {
    this.world = world
    this.inflate = inflate
  }

  /** `address`: what is to be described and dumped; 0 for nothing. */
  want(stop: Stop, address: number, by?: Wanting, look?: Look): void {
    const key = keyOf(stop)
    const known = this.stops.get(key)
    const looks = known?.looks ?? new Map<Wanting, Look>()
    if (by !== undefined && look !== undefined && !looks.has(by)) looks.set(by, look)
    this.stops.set(key, {
      stop,
      address: known === undefined || known.address === 0 ? address : known.address,
      looks,
    })
  }

  /** `step` is to be called before each of the last `count` instructions that the task may execute before the stop. */
  follow(stop: Stop, count: number, step: (subject: Subject) => void): void {
    const end = stop.moment - 1
    this.followed.push({ from: Math.max(0, end - count), end, tid: stop.tid, step })
  }

  private advance(target: number): void {
    const { subject, followed } = this
    while (subject.count < target && subject.ending() === null) {
      const { count } = subject
      const active = followed.filter(({ from, end }) => from <= count && count < end)
      for (const { tid, step } of active) if (subject.currentTid === tid) step(subject)
      const next =
        active.length > 0 ? count + 1 : Math.min(target, ...followed.map(({ from }) => (from > count ? from : target)))
      subject.advance(next)
    }
  }

  /** Is there nothing to look at? */
  get isIdle(): boolean {
    return this.stops.size === 0
  }

  /** Executes `subject`, the run at its start, as far as needed. */
  run(subject: Subject): void {
    this.subject = subject
    for (const [key, { stop, address, looks }] of [...this.stops].toSorted(
      ([, a], [, b]) => a.stop.moment - b.stop.moment,
    )) {
      this.advance(stop.moment - 1)
      const task = this.subject.tasks().find(({ tid }) => tid === stop.tid)
      if (task === undefined) continue
      // A block that a process was forked with was made in another one.
      const namer = this.namerOf(task.pid)
      const thread = namer.thread(task)
      const what = address === 0 ? '' : this.describe(namer, address, task)
      const memory = address < AROUND ? null : this.memoryAround(stop.pid, address)
      const source = namer.sources.excerpt(thread.stack.frames)
      const looked = new Map([...looks].map(([by, look]) => [by, look(this.subject, namer)]))
      this.seen.set(key, { thread, source, what, memory, looked })
    }
    // Those who listen want to see the last call, too.
    subject.advance(Math.max(0, ...[...this.stops.values()].map(({ stop }) => stop.moment)))
  }

  /** What lies in pages that cannot be read is 0: no block reaches into them. */
  private memoryAround(pid: number, address: number): Memory | null {
    const start = address - AROUND
    const whole = this.subject.read(pid, start, 2 * AROUND)
    if (whole !== null) return { start, bytes: whole }
    // Not by bits: an address that a program made up may have more than 32.
    const edge = (Math.floor(start / PAGE) + 1) * PAGE
    if (edge >= start + 2 * AROUND) return null
    const low = this.subject.read(pid, start, edge - start)
    const high = this.subject.read(pid, edge, start + 2 * AROUND - edge)
    if (low === null && high === null) return null
    const bytes = new Uint8Array(2 * AROUND)
    bytes.set(low ?? [])
    bytes.set(high ?? [], edge - start)
    return { start, bytes }
  }

  at(stop: Stop): Seen | undefined {
    return this.seen.get(keyOf(stop))
  }

  private namerOf(pid: number): Namer {
    const mappings = JSON.stringify([pid, this.subject.mappedFiles(pid)])
    if (this.namer === null || mappings !== this.namedMappings) {
      this.namer = new Namer(this.subject, pid, this.world, this.inflate)
      this.namedMappings = mappings
    }
    return this.namer
  }

  private describe(namer: Namer, address: number, task: TaskView): string {
    const stack = Number(task.registers[4]!)
    if (address >= stack && address < stack + 0x80_0000 && this.isMappedBetween(task.pid, stack, address)) {
      const where = onStack(namer, this.subject, task, address)
      return where === null ? 'an address on the stack' : `${where}, on the stack`
    }
    const [place] = namer.places(address)
    if (place?.module !== undefined) {
      const name = place.function ?? `${place.module}+${place.moduleOffset}`
      const offset = place.offset === undefined || place.offset === 0 ? '' : `+${place.offset}`
      const variable = place.function === undefined ? null : dataAt(namer.symbolizer, this.subject, task, name, address)
      return `an address in the program's own data (${variable ?? `${name}${offset}`})`
    }
    return this.subject.read(task.pid, address, 1) === null
      ? 'an address where nothing is mapped'
      : 'an address that no allocation function returned'
  }

  private isMappedBetween(pid: number, from: number, to: number): boolean {
    return this.subject.read(pid, from, to - from + 1) !== null
  }
}

function keyOf({ moment, pid, tid }: Stop): string {
  return `${moment} ${pid} ${tid}`
}

/** A stack as a key: the same code by the same way. */
export function placeOf(stack: Stack | undefined): string {
  return (stack?.frames ?? []).map(({ address, inlined }) => (inlined ? '' : address)).join(' ')
}

/** The innermost frame is the function that was called, whatever alias its symbol has. */
export function named(thread: ThreadState, by: string | null): ThreadState {
  const { stack } = thread
  const main = stack.frames.findIndex((frame) => frame.function === 'main')
  // What calls main is the same in every program.
  const [first, ...rest] = main < 0 ? stack.frames : stack.frames.slice(0, main + 1)
  if (first === undefined) return thread
  const frames: Frame[] = [
    by === null || by.startsWith('operator') ? first : { ...first, function: by, symbol: by },
    ...rest,
  ]
  return { ...thread, stack: { frames, end: main < 0 ? stack.end : 'outermost' } }
}
