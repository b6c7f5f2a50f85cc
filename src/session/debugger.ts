/** Exists to answer the questions of front ends (protocol.ts) about a run that can be walked both ways. */
import { LemmingError } from '../base/errors.ts'
import type { ReportWorld } from '../replay/recording-world.ts'
import type { RunInputs } from '../replay/recording.ts'
import type { Hit, Reached, Search, Timeline } from '../replay/timeline.ts'
import type { TaskView } from '../replay/subject.ts'
import { accessesOf } from './accesses.ts'
import { coreOf } from './core.ts'
import { classify, firstMatches } from './find.ts'
import { heapOf } from './heap-profile.ts'
import { Inspection } from './inspection.ts'
import { countLines } from './lines.ts'
import { throughLinks } from './links.ts'
import { blocksAt, mappingsAt, withCalls } from './owners.ts'
import type {
  AccessesInfo,
  AddressInfo,
  Change,
  CodePlace,
  Debuggee,
  Fate,
  FoundInfo,
  FrameInfo,
  HeapInfo,
  Instruction,
  LibraryInfo,
  LinesInfo,
  MappedRange,
  NameInfo,
  OutputInfo,
  OwnerInfo,
  PlaceInfo,
  Position,
  PrintOptions,
  ProcessDetails,
  Register,
  StackInfo,
  StepUnit,
  Stop,
  ThreadInfo,
  TurnInfo,
  ValueInfo,
  VariableInfo,
  WatchPoint,
  WhyStep,
  Writer,
} from './protocol.ts'
import { lastChangeOf, runToChange } from './register-watch.ts'
import { registersOf } from './registers.ts'
import { type Points, Searching } from './searching.ts'
import { Namer, type Inflate } from './stacks.ts'
import { Stepper, type Lines } from './stepping.ts'
import { Why } from './why.ts'
import { modulesOf } from '../replay/modules.ts'

const RSP = 4
const RIP = 16
const PAGE = 4096
/** Instructions that are executed in search of writes that changed nothing. */
const MOST_EXECUTED = 40_000_000
/** Bytes above a stack pointer that are surely a stack's, if anything is known to be one. */
const STACK_REACH = 0x80_0000

export class Debugger implements Debuggee {
  readonly timeline: Timeline
  private readonly inputs: RunInputs
  private readonly world: ReportWorld
  private readonly inflate: Inflate
  private readonly namers = new Map<string, Namer>()
  private readonly inspection: Inspection

  constructor(timeline: Timeline, inputs: RunInputs, world: ReportWorld, inflate: Inflate) {
    this.timeline = timeline
    this.inputs = inputs
    this.world = world
    this.inflate = inflate
    this.inspection = new Inspection(timeline, (pid) => this.namer(pid))
  }

  position(): Position {
    const { timeline } = this
    const { end, subject, moment } = timeline
    return {
      moment,
      end: this.lastMoment(),
      ending: end.ending,
      elapsed: subject.elapsed,
      tid: this.runner(),
      seed: this.inputs.seed,
      powerLoss: timeline.powerLoss,
    }
  }

  /** The last moment at which there is something to see: a process that has exited has no threads. */
  private lastMoment(): number {
    const { ending, count } = this.timeline.end
    return ending.kind === 'exit' ? Math.max(0, count - 1) : count
  }

  /** The thread that has the turn, or had it last, if it is still there; else any. */
  private runner(): number {
    const tasks = this.timeline.subject.tasks()
    const { currentTid } = this.timeline.subject
    return (tasks.find(({ tid }) => tid === currentTid) ?? tasks[0])?.tid ?? 0
  }

  seek(moment: number): Stop {
    this.timeline.seek(Math.min(moment, this.lastMoment()))
    return this.stopped('moment', this.nextRunner())
  }

  /** The thread that executes the next instruction: a turn may be over and nobody chosen yet. */
  private nextRunner(): number {
    const { timeline } = this
    const { moment, end } = timeline
    if (moment >= this.lastMoment()) {
      const { ending } = end
      return ending.kind === 'signal' && this.task(ending.tid) !== undefined ? ending.tid : this.runner()
    }
    const counts = new Map(timeline.subject.tasks().map(({ tid, count }) => [tid, count]))
    timeline.seek(moment + 1)
    const next = timeline.subject.tasks().find(({ tid, count }) => counts.get(tid) !== count && counts.has(tid))
    timeline.seek(moment)
    return next?.tid ?? this.runner()
  }

  hash(): string {
    return this.timeline.subject.hash()
  }

  // Going on.

  go({ back, pid, tid, stops, watches, catches = [] }: Parameters<Debuggee['go']>[0]): Stop {
    const searching = this.searching(pid, { stops, watches, catches })
    if (watches.some(({ register }) => register !== undefined)) return this.toChange(back, tid, watches, searching)
    const { timeline } = this
    const { search } = searching
    const reached = back ? timeline.runBack(search) : timeline.run({ ...search, limit: this.lastMoment() })
    return this.stopOf(reached, tid, searching)
  }

  step({ tid, unit, back, stops = [] }: Parameters<Debuggee['step']>[0]): Stop {
    const task = this.task(tid)
    if (task === undefined) return this.stopped(back ? 'start' : 'end')
    const searching = this.searching(task.pid, { stops })
    const search = stops.length === 0 ? {} : searching.search
    return this.stopOf(this.stepped(task, unit, back, search), tid, searching, 'step')
  }

  private stepped(task: TaskView, unit: StepUnit, back: boolean, stops: Search): Reached {
    const { timeline } = this
    const { tid, pid } = task
    if (unit === 'call' || unit === 'switch') {
      const search = unit === 'call' ? { calls: true } : { switches: true }
      return back ? timeline.runBack(search) : timeline.run({ ...search, limit: this.lastMoment() })
    }
    const lines = (): Lines => ({
      ...this.inspectorOf(pid),
      unwind: (one, depth) => this.namer(pid).unwind(one, depth),
    })
    const stepper = new Stepper(timeline, tid, lines, { ...stops, limit: this.lastMoment() })
    switch (unit) {
      case 'instruction':
        return back ? stepper.instructionBack() : stepper.instruction()
      case 'instruction-over':
        return back ? stepper.instructionBack() : stepper.instructionOver()
      case 'line':
        return back ? stepper.lineBack(true) : stepper.line(true)
      case 'line-over':
        return back ? stepper.lineBack(false) : stepper.line(false)
      case 'out':
        return back ? stepper.outBack() : stepper.out()
    }
  }

  private searching(pid: number, points: Partial<Omit<Points, 'pid'>>): Searching {
    const holds = (condition: string, tid: number): boolean => this.inspection.holds(tid, condition)
    return new Searching({ pid, stops: [], watches: [], catches: [], ...points }, holds)
  }

  private holds(condition: string | undefined, tid: number): boolean {
    return condition === undefined || this.inspection.holds(tid, condition)
  }

  /** With watches of registers; those of another thread than the first one's wait for their turn. */
  private toChange(back: boolean, tid: number, watches: readonly WatchPoint[], searching: Searching): Stop {
    const { timeline } = this
    const all = watches.filter(({ register }) => register !== undefined)
    const own = all.filter(({ register }) => register!.tid === all[0]!.register!.tid)
    const spots = own.map(({ register }) => register!)
    const here = timeline.moment
    const search = { ...searching.search, limit: this.lastMoment() }
    const found = back ? lastChangeOf(timeline, spots) : runToChange(timeline, spots, search)
    if (found.why === 'tired') {
      if (back) timeline.seek(here)
      throw new LemmingError(
        'expression-register',
        `no register that is watched changes within ${(2e6).toLocaleString('en')} instructions of thread ${spots[0]!.tid}`,
        back ? 'the run stands where it stood' : 'continue goes on from here',
      )
    }
    if (back) {
      // Something else may have been met since.
      const changed = found.why === 'changed' ? found.change.from : 0
      timeline.seek(here)
      const reached = timeline.runBack(searching.search)
      if (found.why !== 'changed' || timeline.moment >= changed) return this.stopOf(reached, tid, searching)
      timeline.seek(changed)
    } else if (found.why !== 'changed')
      return this.stopOf(found.why === 'other' ? found.reached : { why: 'interrupted' }, tid, searching)
    const { index, before, after } = found.change
    const watch = own[index]!
    if (!this.holds(watch.condition, spots[0]!.tid)) return this.toChange(back, tid, watches, searching)
    return {
      ...this.stopped('watch', spots[0]!.tid),
      index: watches.indexOf(watch),
      before: bytesOf(before),
      after: bytesOf(after),
    }
  }

  private stopOf(reached: Reached, tid: number, searching: Searching, otherwise: Stop['why'] = 'moment'): Stop {
    if (reached.why !== 'hit') {
      const { why } = reached
      const end = why === 'limit' || why === 'end'
      return this.stopped(end ? 'end' : why === 'task' ? otherwise : why, why === 'task' ? tid : undefined)
    }
    const { hit } = reached
    const index = searching.indexOf(hit)
    const trouble = searching.troubleAt(hit)
    const told = trouble === undefined ? {} : { trouble }
    if (hit.kind === 'call' || hit.kind === 'switch' || hit.kind === 'signal') {
      const { text, call, signal } = hit
      const more = {
        ...(text !== '' && { text, call }),
        ...(signal !== undefined && { signal }),
        ...(index >= 0 && { index }),
        ...told,
      }
      return (this.inspection.caught = { ...this.stopped(hit.kind, hit.tid), ...more })
    }
    if (hit.kind === 'stop') return { ...this.stopped('stop', hit.tid), index, ...told }
    const { address, size } = searching.watchAt(index)
    const { before, after } = this.around(hit, address, size)
    const stop = this.stopped('watch', hit.tid === 0 ? tid : hit.tid)
    return {
      ...stop,
      ...told,
      index,
      byKernel: hit.byKernel,
      ...(before !== null && { before }),
      ...(after !== null && { after }),
    }
  }

  /** Bytes before and after an access; the timeline is then where it was. */
  private around(hit: Hit, address: number, size: number): { before: Uint8Array | null; after: Uint8Array | null } {
    const { timeline } = this
    const here = timeline.moment
    const { pid } = hit.pid === 0 ? timeline.subject.tasks()[0]! : hit
    timeline.seek(hit.moment)
    const before = timeline.subject.read(pid, address, size)
    timeline.seek(hit.moment + 1)
    const after = timeline.subject.read(pid, address, size)
    timeline.seek(here)
    return { before, after }
  }

  private stopped(why: Stop['why'], wanted = this.runner()): Stop {
    const task = this.task(wanted) ?? this.task(this.runner())
    const stop: Stop = { why, moment: this.timeline.moment, pid: task?.pid ?? 0, tid: task?.tid ?? 0 }
    if (why === 'end') stop.ending = this.timeline.end.ending
    const { ending } = this.timeline.end
    if (why === 'end' && ending.kind === 'signal' && this.task(ending.tid) !== undefined) {
      stop.tid = ending.tid
      stop.pid = this.task(ending.tid)!.pid
    }
    return stop
  }

  private inspectorOf(pid: number): Pick<Lines, 'line' | 'functionAt'> {
    const inspector = this.inspection.inspector(pid)
    return {
      line: (address) => inspector.line(address),
      functionAt: (address) => inspector.symbolizer.symbolAt(address)?.start,
    }
  }

  change(tid: number, level: number, text: string): Change {
    return this.inspection.change(tid, level, text)
  }

  branch(seed: number | null, limit: number, set: Change[] = []): Fate {
    const { subject } = this.timeline
    const look = (error: string | null): Fate => {
      const ending = subject.ending()
      const task = this.task(ending?.kind === 'signal' ? ending.tid : this.runner())
      const [place] = task === undefined ? [] : this.namer(task.pid).places(Number(task.registers[RIP]!))
      return { seed, moment: subject.count, ending, error, hash: subject.hash(), place: place ?? null }
    }
    return this.timeline.branch(seed, limit, look, set)
  }

  // Looking.

  frames(tid: number, limit: number): { frames: FrameInfo[]; end: string } {
    return this.inspection.frames(tid, limit)
  }

  print(tid: number, level: number, text: string, how: PrintOptions = {}): string {
    return this.inspection.print(tid, level, text, how)
  }

  whatis(tid: number, level: number, text: string, whole: boolean): string {
    return this.inspection.whatis(tid, level, text, whole)
  }

  place(tid: number, level: number, text: string): PlaceInfo {
    return this.inspection.place(tid, level, text)
  }

  variables(...[tid, level, which, how]: Parameters<Debuggee['variables']>): VariableInfo[] {
    return this.inspection.variablesOf(tid, level, which, how)
  }

  value(tid: number, level: number, text: string, hex: boolean): ValueInfo {
    return this.inspection.value(tid, level, text, hex)
  }

  values(tid: number, level: number, which: 'locals' | 'args', hex: boolean): ValueInfo[] {
    return this.inspection.values(tid, level, which, hex)
  }

  parts(handle: number, start: number, count: number, hex: boolean): ValueInfo[] {
    return this.inspection.parts(handle, start, count, hex)
  }

  code(tid: number, level: number, text: string): CodePlace[] {
    return this.inspection.breakpoint(tid, level, text)
  }

  scope(tid: number, level: number, text: string): ReturnType<Debuggee['scope']> {
    return this.inspection.scopeOf(tid, level, text)
  }

  declare(pid: number, text: string): string[] {
    return this.inspection.declare(pid, text)
  }

  complete(tid: number, level: number, prefix: string): string[] {
    return this.inspection.complete(tid, level, prefix)
  }

  names(...[pid, pattern, kind, most]: Parameters<Debuggee['names']>): NameInfo[] {
    return this.inspection.names(pid, pattern, kind, most)
  }

  symbolic(pid: number, address: number): string | null {
    return this.inspection.symbolic(pid, address)
  }

  instructions(pid: number, address: number, count: number): Instruction[] {
    return this.inspection.instructions(pid, address, count)
  }

  private task(tid: number): TaskView | undefined {
    return this.timeline.subject.tasks().find((task) => task.tid === tid)
  }

  /** Names addresses of a process as its mappings are now. */
  namer(pid: number): Namer {
    const { subject } = this.timeline
    const key = `${pid} ${JSON.stringify(subject.mappedFiles(pid))}`
    let namer = this.namers.get(key)
    if (namer === undefined) this.namers.set(key, (namer = new Namer(subject, pid, this.world, this.inflate)))
    return namer
  }

  threads(): ThreadInfo[] {
    return this.timeline.subject.tasks().map(({ pid, tid, name, count, waiting, registers }) => ({
      pid,
      tid,
      name,
      count,
      waiting,
      places: this.namer(pid).places(Number(registers[RIP]!)),
    }))
  }

  stack(tid: number, limit: number): StackInfo {
    const task = this.task(tid)
    if (task === undefined) return { frames: [], cfa: [], end: 'outermost' }
    const namer = this.namer(task.pid)
    const { stack } = namer.thread(task)
    const unwound = namer.unwind(task, limit).frames
    let at = 0
    const cfa = stack.frames.map(({ inlined }) => {
      const one = unwound[at]?.cfa ?? null
      if (!inlined) at++
      return one
    })
    return { frames: stack.frames.slice(0, limit), cfa: cfa.slice(0, limit), end: stack.end }
  }

  registers(tid: number): Register[] {
    const task = this.task(tid)
    const floating = this.timeline.subject.floatingPoint(tid)
    return task === undefined || floating === null ? [] : registersOf(task, floating)
  }

  memory(pid: number, address: number, length: number): Uint8Array {
    const { subject } = this.timeline
    const whole = subject.read(pid, address, length)
    if (whole !== null) return whole
    const parts: Uint8Array[] = []
    for (let at = address; at < address + length;) {
      const end = Math.min(address + length, (Math.floor(at / PAGE) + 1) * PAGE)
      const part = subject.read(pid, at, end - at)
      if (part === null) break
      parts.push(part)
      at = end
    }
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }

  mappings(pid: number): MappedRange[] {
    return this.timeline.subject.mappings(pid)
  }

  process(pid: number): ProcessDetails | null {
    return this.timeline.subject.details(pid)
  }

  libraries(pid: number): LibraryInfo[] {
    const { subject } = this.timeline
    return modulesOf(subject.mappedFiles(pid), (path) => this.world.look(path)).map(({ path, bias, start, end }) => ({
      path,
      bias,
      start,
      end,
    }))
  }

  who(pid: number, address: number): AddressInfo {
    const mapping = this.mappings(pid).find(({ start, end }) => address >= start && address < end) ?? null
    const [place] = this.namer(pid).places(address)
    const block = this.timeline.subject.block(pid, address)
    const stackOf = this.timeline.subject
      .tasks()
      .filter((task) => {
        const rsp = Number(task.registers[RSP]!)
        // Memory of other kinds may lie in the same mapping.
        const isNear = rsp <= address && address - rsp < STACK_REACH && block === null
        return task.pid === pid && mapping !== null && rsp >= mapping.start && isNear
      })
      .map(({ tid }) => tid)
    return { mapping, place: place?.module === undefined ? null : place, stackOf, block }
  }

  find(pid: number, pattern: Uint8Array, most: number): FoundInfo[] {
    const ranges = this.mappings(pid).filter(({ prot }) => prot !== 0)
    const found = firstMatches(ranges, (address, length) => this.memory(pid, address, length), pattern, most)
    return found.map((address) => classify(this, pid, address, pattern.length))
  }

  file(path: string): Uint8Array | null {
    return this.world.look(path) ?? this.world.look(throughLinks(this.world, path)) ?? null
  }

  source(file: string): string[] | null {
    const bytes = this.file(file)
    return bytes === null ? null : new TextDecoder().decode(bytes).split('\n')
  }

  core(pid: number): Uint8Array {
    return coreOf(this.timeline, pid)
  }

  // The past.

  lastWrite({ pid, address, size, exact = false }: Parameters<Debuggee['lastWrite']>[0]): Writer | null {
    const { timeline } = this
    const here = timeline.moment
    const search = { traces: { pid, ranges: [{ start: address, end: address + size }], reads: false } }
    const { hit, unseen } = timeline.lastChange(search, here, exact ? Infinity : MOST_EXECUTED)
    if (hit === null || hit === 'interrupted') {
      timeline.seek(here)
      if (hit === null && unseen !== null)
        throw new LemmingError(
          'expression-unwritten',
          `nobody has left another value there; whether somebody stored the same before @${unseen.to} was not looked for`,
          'last-write -x looks everywhere, which takes its time',
        )
      return null
    }
    timeline.seek(hit.moment)
    const before = timeline.subject.read(pid, address, size)
    const task = this.task(hit.tid)
    const stack = this.stack(hit.tid, 64)
    timeline.seek(hit.moment + 1)
    const after = timeline.subject.read(pid, address, size)
    timeline.seek(here)
    const { tid, byKernel, moment } = hit
    return { moment: moment + 1, pid: hit.pid, tid, name: task?.name ?? '', byKernel, before, after, stack, unseen }
  }

  lines({ tid, file, from, to, condition }: Parameters<Debuggee['lines']>[0]): LinesInfo {
    const { pid } = this.inspection.task(tid)
    const { timeline } = this
    const here = timeline.moment
    const accept = (one: number): boolean => this.holds(condition, one)
    const instruments = { timeline, inspector: this.inspection.inspector(pid), namer: this.namer(pid), pid, accept }
    try {
      return countLines(instruments, file, from, to, here)
    } finally {
      timeline.seek(here)
    }
  }

  extent(tid: number, name: string): { file: string; from: number; to: number } {
    const { pid } = this.inspection.task(tid)
    return this.inspection.inspector(pid).extent(name)
  }

  accesses({ tid, level, text, size, reads, most }: Parameters<Debuggee['accesses']>[0]): AccessesInfo {
    const { timeline } = this
    const ranges = this.inspection.ranges(tid, level, text, size)
    return accessesOf(timeline, (pid) => this.namer(pid), ranges, reads, timeline.moment, most)
  }

  owners({ pid, address, allocators = [], most }: Parameters<Debuggee['owners']>[0]): OwnerInfo[] {
    const { timeline } = this
    const here = timeline.moment
    const functions = [...allocators, ...(this.inputs.options.allocators ?? [])]
    try {
      const events = [
        ...mappingsAt(timeline, pid, address, here),
        ...blocksAt(timeline, this.namer(pid), pid, address, here, functions),
      ].toSorted((a, b) => a.moment - b.moment)
      return withCalls(timeline, (one) => this.namer(one), events, most)
    } finally {
      timeline.seek(here)
    }
  }

  heap(request: Parameters<Debuggee['heap']>[0]): HeapInfo {
    const allocators = [...(request.allocators ?? []), ...(this.inputs.options.allocators ?? [])]
    return heapOf(this.timeline, (pid) => this.namer(pid), { ...request, allocators }, this.lastMoment())
  }

  why(...[tid, level, text, finding]: Parameters<Debuggee['why']>): WhyStep[] {
    const { timeline } = this
    const why = new Why(timeline, (pid) => this.namer(pid))
    if (text === null) {
      const { ending } = timeline.end
      timeline.seek(finding?.moment ?? this.lastMoment())
      if (finding !== undefined) return why.chain({ kind: 'fault', tid, what: finding.what })
      return why.chain({ kind: 'fault', tid: ending.kind === 'signal' ? ending.tid : tid })
    }
    const { moment } = timeline
    const register = this.inspection.registerOf(tid, level, text)
    if (register !== null) return why.chain({ kind: 'register', tid, register, moment })
    const { pid, ranges } = this.inspection.ranges(tid, level, text, undefined)
    return why.chain({ kind: 'memory', pid, ...ranges[0]!, moment })
  }

  output(): OutputInfo[] {
    const { moment } = this.timeline
    return this.timeline.output.filter((one) => one.moment <= moment)
  }

  turns(most: number): TurnInfo[] {
    const { timeline } = this
    const here = timeline.moment
    const out: TurnInfo[] = []
    let to = here
    while (out.length < most && to > 0) {
      const hit = timeline.last({ switches: true }, to)
      if (hit === null || hit === 'interrupted') break
      timeline.seek(hit.moment)
      const task = this.task(hit.tid)
      const [place] = task === undefined ? [] : this.namer(task.pid).places(Number(task.registers[RIP]!))
      out.push({ from: hit.moment, to, tid: hit.tid, place: place ?? { address: '0x0' } })
      to = hit.moment
    }
    timeline.seek(here)
    return out.toReversed()
  }
}

/** As a register has it. */
function bytesOf(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer)
}
