/** Exists to step by source lines and functions, forwards and backwards, on a timeline that knows only instructions. */
import type { Reached, Search, Timeline } from '../replay/timeline.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Stack } from '../symbols/cfi/unwind.ts'

const RSP = 4
const RIP = 16
/** A line of more instructions than this is stepped through no further. */
const MOST_STEPS = 100_000
/** Instructions from an address that is looked up to the end of what it may jump through (linkage stubs). */
const MOST_STUB = 8

/** The largest frame that a function's prologue makes, in bytes. */
const FRAME_REACH = 0x10_0000

/** What stepping asks about code. */
export interface Lines {
  /** The piece of a line table that holds an address: its line, and the addresses it covers. */
  line(address: number): { file: string; line: number; start: number; end: number } | undefined
  /** The start of the symbol at an address. */
  functionAt(address: number): number | undefined
  unwind(task: TaskView, depth: number): Stack
}

/** Where a thread is. */
interface Spot {
  pc: number
  rsp: number
  /** `file:line`, or null without line information. */
  line: string | null
  /** A piece of the line begins here. */
  starts: boolean
  /** The start of the function's symbol, or the address itself. */
  function: number
}

/** Steps of one thread. */
export class Stepper {
  private readonly timeline: Timeline
  private readonly tid: number
  private readonly lines: () => Lines
  private readonly spots = new Map<number, Pick<Spot, 'line' | 'starts' | 'function'>>()
  /** Stops of the user's, which end a step early. */
  private readonly stops: Search

  constructor(timeline: Timeline, tid: number, lines: () => Lines, stops: Search) {
    this.timeline = timeline
    this.tid = tid
    this.lines = lines
    this.stops = stops
  }

  private get task(): TaskView | undefined {
    return this.timeline.subject.tasks().find(({ tid }) => tid === this.tid)
  }

  private spot(): Spot | null {
    const { task } = this
    if (task === undefined) return null
    const pc = Number(task.registers[RIP]!)
    let known = this.spots.get(pc)
    if (known === undefined) {
      const lines = this.lines()
      const row = lines.line(pc)
      known = {
        line: row === undefined ? null : `${row.file}:${row.line}`,
        starts: row?.start === pc,
        function: lines.functionAt(pc) ?? pc,
      }
      this.spots.set(pc, known)
    }
    return { pc, rsp: Number(task.registers[RSP]!), ...known }
  }

  /** One instruction of the thread. */
  instruction(): Reached {
    const { task } = this
    if (task === undefined) return { why: 'end' }
    return this.timeline.run({ ...this.stops, task: { tid: this.tid, count: task.count + 1 } })
  }

  /** Back to before the thread's last instruction. */
  instructionBack(): Reached {
    const { task, timeline } = this
    const count = task?.count ?? 0
    if (count === 0) return { why: 'start' }
    const { moment } = timeline
    timeline.seek(moment - 1)
    if (this.task?.count === count - 1) return { why: 'task' }
    // Others ran last.
    const at = timeline.momentOf(this.tid, count)
    timeline.seek(at! - 1)
    return { why: 'task' }
  }

  /** One instruction; a call is executed as a whole. */
  instructionOver(): Reached {
    const from = this.spot()
    const reached = this.instruction()
    const to = this.spot()
    return from !== null && to !== null && reached.why === 'task' && this.isCall(from, to) ? this.back(from) : reached
  }

  /** To the next line; `into` functions that have lines, else over all calls. */
  line(into: boolean): Reached {
    const first = this.spot()
    if (first === null) return { why: 'end' }
    // Without lines a function is left as a whole.
    if (first.line === null) return this.out()
    let line = first.line
    let from = first
    for (let i = 0; i < MOST_STEPS; i++) {
      let reached = this.instruction()
      let to = this.spot()
      if (reached.why !== 'task') return reached
      if (to === null) return { why: 'end' }
      if (this.isCall(from, to)) {
        const entered = into ? this.entered() : null
        if (entered !== null) return this.skipPrologue(entered)
        reached = this.back(from)
      } else if (to.line === null && to.function !== from.function) reached = this.out()
      if (reached.why !== 'task') return reached
      to = this.spot()
      if (to === null) return { why: 'end' }
      if (to.line !== null && to.line !== line) {
        if (to.starts) return reached
        // In the middle of another line, as behind a return: that one is finished first.
        line = to.line
      }
      from = to
    }
    return { why: 'task' }
  }

  /** Out of the function: to behind the call. */
  out(): Reached {
    const { task } = this
    if (task === undefined) return { why: 'end' }
    const { frames } = this.lines().unwind(task, 2)
    const [frame, caller] = frames
    if (frame?.cfa === undefined || caller === undefined) return this.timeline.run(this.stops)
    return this.until(caller.pc, frame.cfa)
  }

  /** Back to before the call of the function. */
  outBack(): Reached {
    const { task } = this
    if (task === undefined) return { why: 'start' }
    const [frame] = this.lines().unwind(task, 1).frames
    return frame?.cfa === undefined ? { why: 'start' } : this.toCall(task.pid, frame.cfa - 8)
  }

  /** To the start of the line that was executed before this place; `into` functions, else over calls. */
  lineBack(into: boolean): Reached {
    const { timeline } = this
    let here = this.spot()
    if (here === null) return { why: 'start' }
    let line: string | null = null
    let inside = here.function
    for (let i = 0; i < MOST_STEPS; i++) {
      const { moment } = timeline
      const reached = this.instructionBack()
      if (reached.why !== 'task') return reached
      let to = this.spot()
      if (to === null) return { why: 'start' }
      const isReturn = to.rsp === here.rsp - 8 && this.isReturn(to.pc)
      if (isReturn && !(into && to.line !== null)) {
        const call = this.toCall(this.task!.pid, to.rsp)
        if (call.why !== 'task') return call
        to = this.spot()
        if (to === null) return { why: 'start' }
      }
      const isOther = isReturn && to.rsp < here.rsp
      if (line === null || isOther) {
        // The line to whose start it goes is the first that is met, or the last one of a function that is entered from its end.
        line = to.line
        inside = to.function
      } else if (to.line !== line || to.function !== inside) {
        // Before its first instruction a function has not been entered: its caller's line is meant.
        if (here.pc !== here.function || to.rsp <= here.rsp || to.line === null) {
          timeline.seek(moment)
          break
        }
        line = to.line
        inside = to.function
      }
      here = to
    }
    return { why: 'task' }
  }

  private isReturn(pc: number): boolean {
    const bytes = this.timeline.subject.read(this.task!.pid, pc, 2)
    if (bytes === null) return false
    const at = bytes[0] === 0xf2 || bytes[0] === 0xf3 ? 1 : 0
    return bytes[at] === 0xc3 || (at === 0 && bytes[0] === 0xc2)
  }

  /** Is `to` where a call by the instruction at `from` leads? */
  private isCall(from: Spot, to: Spot): boolean {
    if (to.rsp !== from.rsp - 8) return false
    const back = this.returnAddress(to.rsp)
    return back !== null && back > from.pc && back - from.pc <= 15 && to.pc !== back
  }

  private returnAddress(rsp: number): number | null {
    const bytes = this.timeline.subject.read(this.task!.pid, rsp, 8)
    return bytes === null ? null : Number(new DataView(bytes.buffer).getBigUint64(0, true))
  }

  /** The function that was just called, beyond linkage stubs, if it has lines. */
  private entered(): Spot | null {
    const moment = this.timeline.moment
    for (let i = 0; i < MOST_STUB; i++) {
      const spot = this.spot()
      if (spot === null) break
      if (spot.line !== null) return spot
      if (this.instruction().why !== 'task') break
    }
    this.timeline.seek(moment)
    return null
  }

  /** Goes on to the second line entry of the function at hand, where its arguments are in their places. */
  private skipPrologue(entry: Spot): Reached {
    const lines = this.lines()
    const end = lines.line(entry.pc)?.end ?? entry.pc
    return end === entry.pc || lines.functionAt(end) !== entry.function
      ? { why: 'task' }
      : this.until(end, entry.rsp - FRAME_REACH)
  }

  /** The call that `from` makes is executed as a whole. */
  private back(from: Spot): Reached {
    const spot = this.spot()!
    const to = this.returnAddress(spot.rsp)
    return to === null ? { why: 'task' } : this.until(to, from.rsp)
  }

  /** Goes on until the thread is at an address with its stack pointer no lower than that, or at a stop of the user's. */
  private until(address: number, lowest: number): Reached {
    const { stops, timeline, tid } = this
    let own = false
    const reached = timeline.run({
      ...stops,
      stops: new Set([...(stops.stops ?? []), address]),
      accept: (hit) => {
        own =
          hit.kind === 'stop' && hit.pc === address && hit.tid === tid && Number(this.task!.registers[RSP]!) >= lowest
        return (
          own || (stops.accept !== undefined && (stops.stops?.has(hit.pc) || hit.kind !== 'stop') && stops.accept(hit))
        )
      },
    })
    return reached.why === 'hit' && own ? { why: 'task' } : reached
  }

  /** Goes back to the call that wrote the return address at `slot`. */
  private toCall(pid: number, slot: number): Reached {
    const { timeline } = this
    const hit = timeline.last(
      { traces: { pid, ranges: [{ start: slot, end: slot + 8 }], reads: false } },
      timeline.moment,
    )
    if (hit === null) return { why: 'start' }
    if (hit === 'interrupted') return { why: 'interrupted' }
    timeline.seek(hit.moment)
    return { why: 'task' }
  }
}
