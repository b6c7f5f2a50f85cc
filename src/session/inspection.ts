/** Exists to look into the threads of a run with the eyes of its programmer: frames with arguments, expressions, types, instructions. */
import { LemmingError } from '../base/errors.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Timeline } from '../replay/timeline.ts'
import { createInspector, type InspectedFrame, type Inspector, type ThreadState } from '../symbols/inspector.ts'
import type { Value } from '../symbols/values/value.ts'
import { DECODED, Decoder } from '../x86/decode.ts'
import { disassemble } from '../x86/disassemble.ts'
import { BASELINE } from '../x86/features.ts'
import { Insn } from '../x86/insn.ts'
import type { FrameInfo, Instruction, PlaceInfo, VariableInfo } from './protocol.ts'
import { registersOf } from './registers.ts'
import { dwarfRegisters, type Namer } from './stacks.ts'

/** Bytes of the longest instruction. */
const LONGEST = 15

export class Inspection {
  private readonly timeline: Timeline
  private readonly namer: (pid: number) => Namer
  private readonly inspectors = new WeakMap<Namer, Inspector>()
  private first: Inspector | null = null
  private readonly variables = new Map<string, Value>()
  private results = 0
  private decoder: Decoder | null = null

  constructor(timeline: Timeline, namer: (pid: number) => Namer) {
    this.timeline = timeline
    this.namer = namer
  }

  inspector(pid: number): Inspector {
    const namer = this.namer(pid)
    let inspector = this.inspectors.get(namer)
    if (inspector === undefined) {
      // Types that were declared are those of the whole session.
      inspector = this.first?.withSymbolizer(namer.symbolizer) ?? createInspector(namer.symbolizer)
      this.first ??= inspector
      this.inspectors.set(namer, inspector)
    }
    return inspector
  }

  private task(tid: number): TaskView {
    const task = this.timeline.subject.tasks().find((one) => one.tid === tid)
    if (task === undefined)
      throw new LemmingError(
        'expression-thread',
        `there is no thread ${tid} at this moment`,
        'info threads shows those there are',
      )
    return task
  }

  private state(task: TaskView): ThreadState {
    const { subject } = this.timeline
    let named: Map<string, Uint8Array> | null = null
    return {
      registers: dwarfRegisters(task),
      readMemory: (address, size) => subject.read(task.pid, address, size) ?? undefined,
      otherRegister: (name) => {
        named ??= new Map(registersOf(task, subject.floatingPoint(task.tid)!).map((one) => [one.name, one.bytes]))
        return named.get(name)
      },
    }
  }

  private rawFrames(tid: number, limit: number): { inspector: Inspector; frames: InspectedFrame[]; end: string } {
    const task = this.task(tid)
    const inspector = this.inspector(task.pid)
    return { inspector, ...inspector.frames(this.state(task), limit) }
  }

  private frame(tid: number, level: number): { inspector: Inspector; frame: InspectedFrame } {
    const { inspector, frames } = this.rawFrames(tid, level + 2)
    const frame = frames[level]
    if (frame === undefined)
      throw new LemmingError('expression-frame', `No frame at level ${level}.`, 'bt shows the frames')
    return { inspector, frame }
  }

  frames(tid: number, limit: number): { frames: FrameInfo[]; end: string } {
    const { inspector, frames, end } = this.rawFrames(tid, limit)
    return {
      end,
      frames: frames.slice(0, limit).map((frame) => ({
        level: frame.level,
        pc: frame.pc,
        cfa: frame.cfa ?? null,
        function: frame.function ?? null,
        file: frame.file ?? null,
        line: frame.line ?? null,
        text: inspector.describeFrame(frame),
      })),
    }
  }

  /** `value` in the form of `print`, which is remembered as `$n`. */
  print(tid: number, level: number, text: string): string {
    const { inspector, frame } = this.frame(tid, level)
    const scope = { frame, variables: this.variables }
    const shown = inspector.print(text, scope)
    const value = inspector.evaluate(text.replace(/^\s*\/\S*\s*/, ''), scope)
    try {
      value.contents()
    } catch (error) {
      if (!(error instanceof LemmingError)) throw error
    }
    this.variables.set(String(++this.results), value)
    return `$${this.results} = ${shown}`
  }

  whatis(tid: number, level: number, text: string, whole: boolean): string {
    const { inspector, frame } = this.frame(tid, level)
    const scope = { frame, variables: this.variables }
    return whole ? inspector.ptype(text, scope) : inspector.whatis(text, scope)
  }

  /** Where the value of an expression is; a plain number is an address. */
  place(tid: number, level: number, text: string): PlaceInfo {
    const { inspector, frame } = this.frame(tid, level)
    const scope = { frame, variables: this.variables }
    const place = inspector.place(text, scope)
    const { type } = place
    if (place.kind === 'memory') return { kind: 'memory', address: place.address, size: place.size, type }
    if (place.kind === 'value' || place.kind === 'register') {
      const value = inspector.evaluate(text, scope).integer()
      return { kind: place.kind, address: Number(BigInt.asUintN(64, value)), size: 0, type }
    }
    throw new LemmingError('expression-place', `${text} is not in memory`, 'give something that is, or an address')
  }

  variablesOf(tid: number, level: number, which: 'locals' | 'args'): VariableInfo[] {
    const { inspector, frame } = this.frame(tid, level)
    const all = which === 'locals' ? inspector.locals(frame) : inspector.args(frame)
    return all.map(({ name, text }) => ({ name, text }))
  }

  /** Is an expression not 0 in the innermost frame? What cannot be told counts as it is, so that nothing is passed by. */
  holds(tid: number, condition: string): boolean {
    const { inspector, frame } = this.frame(tid, 0)
    return inspector.evaluate(condition, { frame, variables: this.variables }).integer() !== 0n
  }

  breakpoint(
    tid: number,
    level: number,
    text: string,
  ): { address: number; function?: string; file?: string; line?: number }[] {
    const task = this.task(tid)
    const inspector = this.inspector(task.pid)
    const { frames } = inspector.frames(this.state(task), level + 2)
    return inspector.breakpoint(text, { frame: frames[level], variables: this.variables })
  }

  declare(pid: number, text: string): string[] {
    return this.inspector(pid).declare(text)
  }

  complete(tid: number, level: number, prefix: string): string[] {
    const { inspector, frame } = this.frame(tid, level)
    return inspector.complete(prefix, { frame })
  }

  symbolic(pid: number, address: number): string | null {
    return this.inspector(pid).symbolic(address) ?? null
  }

  /** Instructions from an address on, as many as there are in what can be read. */
  instructions(pid: number, address: number, count: number): Instruction[] {
    this.decoder ??= new Decoder(BASELINE)
    const { subject } = this.timeline
    const out: Instruction[] = []
    const insn = new Insn()
    for (let at = address; out.length < count;) {
      let bytes = subject.read(pid, at, LONGEST)
      // The end of what is mapped may be nearer.
      for (let length = LONGEST - 1; bytes === null && length > 0; length--) bytes = subject.read(pid, at, length)
      if (bytes === null) break
      const decoded = this.decoder.decode(bytes, 0, bytes.length, at, insn) === DECODED.ok
      out.push({ address: at, text: decoded ? disassemble(insn) : '(bad)', symbol: this.symbolic(pid, at) })
      at += decoded ? insn.length : 1
    }
    return out
  }
}
