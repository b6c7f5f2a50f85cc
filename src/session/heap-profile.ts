/** Exists to tell what a run allocates, and where: by stack what is live at a moment, at the peak, in all, and what was given back. */
import { LemmingError } from '../base/errors.ts'
import type { Hit, Search, Timeline } from '../replay/timeline.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Frame } from '../tool/finding.ts'
import { type Allocation, entriesOf, FUNCTIONS } from './owners.ts'
import type { HeapFrame, HeapInfo, HeapRequest, HeapSum } from './protocol.ts'
import type { Namer } from './stacks.ts'
import { named } from './visits.ts'

const RAX = 0
const RSP = 4
const RBP = 5
/** Registers of integer arguments: rdi, rsi, rdx, rcx, r8, r9 (System V ABI, 3.2.3), by number. */
const ARGUMENTS = [7, 6, 2, 1, 8, 9]
/** Frames that tell two stacks apart. */
const DEPTH = 256
/** Stacks of more bytes than this are unwound each time. */
const LARGEST_KEPT = 1 << 14
/** Stacks that are recognised by their words; of others the oldest are forgotten. */
const MOST_KEPT = 10_000

/** What is counted of a stack. */
interface Tally {
  by: string
  frames: HeapFrame[]
  live: HeapSum
  /** At the peak so far, and at the moment that is asked about. */
  peak: HeapSum
  asked: HeapSum
  total: HeapSum
  freed: HeapSum
}

/** A call that has not returned. */
interface Call {
  fn: Allocation
  /** Where the return address is. */
  stack: number
  size: number
  /** The block that is replaced or freed, or 0. */
  old: number
  /** Where the block's address will be, or 0. */
  out: number
  tally: Tally | null
}

const nothing = (): HeapSum => ({ bytes: 0, blocks: 0 })

function add(sum: HeapSum, bytes: number, blocks: number): void {
  sum.bytes += bytes
  sum.blocks += blocks
}

/** Counts blocks in the order of time. */
class Counter {
  readonly tallies = new Map<string, Tally>()
  readonly live = nothing()
  peak = { ...nothing(), moment: 0 }
  private blocks = new Map<number, { size: number; tally: Tally }>()
  /** Those that have changed since the peak. */
  private readonly changed = new Set<Tally>()
  private readonly until: number
  private isAsked = false

  constructor(until: number) {
    this.until = until
  }

  made(address: number, size: number, tally: Tally, moment: number): void {
    this.pass(moment)
    // A block that was left without a word, such as by a function that nobody knows.
    this.gone(address, moment)
    this.blocks.set(address, { size, tally })
    add(tally.total, size, 1)
    this.count(tally, size, 1)
    if (this.live.bytes <= this.peak.bytes) return
    this.peak = { ...this.live, moment }
    for (const one of this.changed) one.peak = { ...one.live }
    this.changed.clear()
  }

  gone(address: number, moment: number): void {
    const block = this.blocks.get(address)
    if (block === undefined) return
    this.pass(moment)
    this.blocks.delete(address)
    add(block.tally.freed, block.size, 1)
    this.count(block.tally, -block.size, -1)
  }

  private count(tally: Tally, bytes: number, blocks: number): void {
    add(tally.live, bytes, blocks)
    add(this.live, bytes, blocks)
    this.changed.add(tally)
  }

  /** Before the first change behind the moment that is asked about. */
  private pass(moment: number): void {
    if (moment > this.until) this.ask()
  }

  ask(): void {
    if (this.isAsked) return
    this.isAsked = true
    for (const tally of this.tallies.values()) tally.asked = { ...tally.live }
  }
}

function heapFrame({ text, inlined, ...frame }: Frame): HeapFrame {
  const { signal: _signal, guessed: _guessed, symbol: _symbol, ...place } = frame
  return { place, text: text ?? null, inlined }
}

/** Finds out on whose behalf a function is called: stacks that were seen before are known by their words. */
class Stacks {
  private readonly ways = new Map<string, Tally>()
  private readonly kept = new Map<string, { words: BigUint64Array; at: number[]; tally: Tally }>()
  private readonly timeline: Timeline
  private readonly namer: (pid: number) => Namer
  private readonly counter: Counter
  private readonly depth: number

  constructor(timeline: Timeline, namer: (pid: number) => Namer, counter: Counter, depth: number) {
    this.timeline = timeline
    this.namer = namer
    this.counter = counter
    this.depth = depth
  }

  of(task: TaskView, { fn: symbol, name: by = symbol }: Allocation): Tally {
    const rsp = Number(task.registers[RSP]!)
    const key = `${rsp} ${task.registers[RBP]!} ${task.tid} ${symbol}`
    const known = this.kept.get(key)
    if (known !== undefined) {
      const words = this.words(task.pid, rsp, known.words.length)
      if (words !== null && known.at.every((i) => words[i] === known.words[i])) return known.tally
    }
    const namer = this.namer(task.pid)
    const { frames } = namer.unwind(task, DEPTH)
    const way = `${by} ${frames.map(({ pc }) => pc).join(' ')}`
    let tally = this.ways.get(way)
    if (tally === undefined) this.ways.set(way, (tally = this.tallyOf(namer, task, by)))
    const ends = frames.flatMap(({ cfa }) => (cfa === undefined ? [] : [cfa]))
    this.keep(key, task.pid, rsp, ends, tally)
    return tally
  }

  /** By what is told of the stack: no more callers than were asked for, and nothing beyond main. */
  private tallyOf(namer: Namer, task: TaskView, by: string): Tally {
    const { frames } = named(namer.thread(task), null).stack
    const callers = frames.slice(frames.findIndex(({ inlined }) => !inlined) + 1).slice(0, this.depth)
    const id = `${by} ${callers.map(({ address, inlined, function: name }) => (inlined ? name : address)).join(' ')}`
    let tally = this.counter.tallies.get(id)
    if (tally === undefined) {
      tally = {
        by,
        frames: callers.map(heapFrame),
        live: nothing(),
        peak: nothing(),
        asked: nothing(),
        total: nothing(),
        freed: nothing(),
      }
      this.counter.tallies.set(id, tally)
    }
    return tally
  }

  /** A stack is the same where the return addresses of all its frames are, and what is below each: the caller's frame pointer, if there is one. */
  private keep(key: string, pid: number, rsp: number, ends: readonly number[], tally: Tally): void {
    const size = (ends.at(-1) ?? rsp) - rsp
    if (size <= 0 || size > LARGEST_KEPT || size % 8 !== 0 || ends.some((end) => end < rsp)) return
    const words = this.words(pid, rsp, size / 8)
    if (words === null) return
    const at = ends.flatMap((end) => [(end - rsp) / 8 - 1, (end - rsp) / 8 - 2]).filter((i) => i >= 0)
    if (this.kept.size >= MOST_KEPT) this.kept.delete(this.kept.keys().next().value!)
    this.kept.set(key, { words, at, tally })
  }

  private words(pid: number, address: number, count: number): BigUint64Array | null {
    const bytes = this.timeline.subject.read(pid, address, count * 8)
    return bytes === null ? null : new BigUint64Array(bytes.slice().buffer)
  }
}

/**
 * Executes the run again, to its end, twice: where allocation functions return to is not known before they were called. `last` is the last moment at which there
 * is something to see. The timeline is then where it was.
 */
export function heapOf(
  timeline: Timeline,
  namerOf: (pid: number) => Namer,
  request: HeapRequest & { pid: number },
  last: number,
): HeapInfo {
  const until = timeline.moment
  const { pid } = request
  const program = timeline.subject.details(pid)?.exe ?? ''
  try {
    // At its end a process has all its libraries.
    timeline.seek(last)
    if (!timeline.subject.processes().some((one) => one.pid === pid)) timeline.seek(until)
    const entries = entriesOf<Allocation>(namerOf(pid), [...(request.allocators ?? []), ...FUNCTIONS])
    if (![...entries.values()].some(({ frees }) => !frees))
      throw new LemmingError(
        'heap-unknown',
        `${program} (process ${pid}) has no allocation function that is known, such as malloc: this recording cannot tell what is allocated`,
        "for an allocator of the program's own: --alloc NAME:size=0 --free NAME:ptr=0",
      )
    const counter = counted(timeline, namerOf, entries, { pid, until, depth: request.depth })
    return infoOf(counter, { pid, program, until, by: request.by, most: request.most })
  } finally {
    timeline.seek(until)
  }
}

/** Executes the run from its start to its end. */
function each(timeline: Timeline, search: Search, see: (hit: Hit) => void): void {
  if (!timeline.each(search, 0, timeline.end.count + 1, see)) throw new LemmingError('interrupted', 'interrupted')
}

/** A process and those from which it was forked, the oldest first, with the moments of the forks: each begins with what the one before had by then. */
function lineOf(timeline: Timeline, pid: number): { pid: number; until: number }[] {
  const line = [{ pid, until: Infinity }]
  timeline.seek(0)
  if (timeline.subject.processes().some((one) => one.pid === pid)) return line
  const parents = new Map<number, { pid: number; until: number }>()
  each(timeline, { calls: true }, ({ text, pid: parent, moment }) => {
    const [, child] = /^v?(?:fork|clone|clone3)\(.* = (\d+)$/.exec(text) ?? []
    if (child !== undefined && !parents.has(Number(child))) parents.set(Number(child), { pid: parent, until: moment })
  })
  for (let one = parents.get(pid); one !== undefined; one = parents.get(one.pid)) line.unshift(one)
  return line
}

function counted(
  timeline: Timeline,
  namer: (pid: number) => Namer,
  entries: ReadonlyMap<number, Allocation>,
  { pid, until, depth }: { pid: number; until: number; depth: number },
): Counter {
  const { subject } = timeline
  const line = lineOf(timeline, pid)
  const slot = (of: number, address: number): number => {
    const bytes = subject.read(of, address, 8)
    return bytes === null ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  }
  const pass = (stops: ReadonlySet<number>, see: (hit: Hit) => void): void => {
    let at = 0
    each(timeline, { stops, mappings: true }, (hit) => {
      const index = line.findIndex((one) => one.pid === hit.pid)
      // A child that shares the memory begins before the call in its parent is over.
      if (index > at) at = index
      if (index === at && hit.moment < line[index]!.until) see(hit)
    })
  }
  const returns = new Set<number>()
  const times = new Map<number, number>()
  pass(new Set(entries.keys()), ({ kind, pid: of, tid, pc }) => {
    if (kind !== 'stop') return
    const back = slot(of, Number(subject.task(tid)!.registers[RSP]!))
    // A program that was there before exec may have other code at the same address.
    if (back > 0 && back < 2 ** 32) returns.add(back)
    times.set(pc, (times.get(pc) ?? 0) + 1)
  })
  // Where the allocator that is used most is mapped, a program begins.
  const [anchor] = [...times].toSorted(([, a], [, b]) => b - a)[0] ?? [0]

  let counter = new Counter(until)
  let stacks = new Stacks(timeline, namer, counter, depth)
  const open = new Map<number, Call>()
  pass(new Set([...entries.keys(), ...returns]), ({ kind, pid: of, tid, pc, moment, mapping }) => {
    if (kind === 'mapping') {
      const { start, length, prot } = mapping!
      if (prot < 0 || (prot & 4) === 0 || anchor < start || anchor >= start + length) return
      counter = new Counter(until)
      stacks = new Stacks(timeline, namer, counter, depth)
      open.clear()
      return
    }
    const task = subject.task(tid)!
    const { registers } = task
    const rsp = Number(registers[RSP]!)
    const call = open.get(tid)
    if (call !== undefined && rsp > call.stack) {
      open.delete(tid)
      if (rsp === call.stack + 8 && returns.has(pc))
        returned(counter, call, Number(BigInt.asUintN(53, registers[RAX]!)), moment, (address) => slot(of, address))
    }
    const fn = entries.get(pc)
    if (fn === undefined || open.has(tid)) return
    const argument = (number: number | undefined): number =>
      number === undefined ? 0 : Number(BigInt.asUintN(53, registers[ARGUMENTS[number]!]!))
    const size = fn.frees ? 0 : argument(fn.size) * (fn.count === undefined ? 1 : argument(fn.count))
    const tally = fn.frees ? null : stacks.of(task, fn)
    const entered = { fn, stack: rsp, size, old: argument(fn.ptr), out: argument(fn.out), tally }
    open.set(tid, entered)
    // Another thread may have the block before this one returns.
    if (fn.frees) counter.gone(entered.old, moment + 1)
  })
  counter.ask()
  return counter
}

function returned(
  counter: Counter,
  { fn, size, old, out, tally }: Call,
  result: number,
  moment: number,
  slot: (address: number) => number,
): void {
  if (tally === null) return
  const block = fn.out === undefined ? result : result === 0 ? slot(out) : 0
  // realloc(p, 0) frees.
  if (old !== 0 && (block !== 0 || size === 0)) counter.gone(old, moment)
  if (block !== 0) counter.made(block, size, tally, moment)
}

function infoOf(
  { tallies, peak }: Counter,
  { pid, program, until, by, most }: Pick<HeapInfo, 'pid' | 'program' | 'until' | 'by'> & { most: number },
): HeapInfo {
  const all = [...tallies.values()].filter(({ total }) => total.blocks > 0)
  const stacks = all.map(({ by: fn, frames, asked, peak: most_, total, freed }) => ({
    by: fn,
    frames,
    live: asked,
    peak: most_,
    total,
    freed,
  }))
  const rank = (one: (typeof stacks)[number]): number => (by === 'blocks' ? one.total.blocks : one[by].bytes)
  stacks.sort((a, b) => rank(b) - rank(a) || b.peak.bytes - a.peak.bytes || b.total.bytes - a.total.bytes)
  const sum = (of: 'live' | 'peak' | 'total' | 'freed'): HeapSum =>
    stacks.reduce(
      (all_, one) => ({ bytes: all_.bytes + one[of].bytes, blocks: all_.blocks + one[of].blocks }),
      nothing(),
    )
  const sums = { live: sum('live'), peak: sum('peak'), total: sum('total'), freed: sum('freed') }
  return {
    pid,
    program,
    until,
    peakAt: peak.moment,
    by,
    sums,
    left: Math.max(0, stacks.length - most),
    stacks: stacks.slice(0, most),
  }
}
