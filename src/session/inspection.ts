/** Exists to look into the threads of a run with the eyes of its programmer: frames with arguments, expressions, types, instructions. */
import { LemmingError } from '../base/errors.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Timeline } from '../replay/timeline.ts'
import type { Caller } from '../symbols/expressions/calls.ts'
import {
  createInspector,
  type InspectedFrame,
  type InspectionScope,
  type Inspector,
  placeOf,
  type ThreadState,
} from '../symbols/inspector.ts'
import { friendlyName } from '../symbols/values/library.ts'
import type { FormatOptions } from '../symbols/values/options.ts'
import type { Value } from '../symbols/values/value.ts'
import { DECODED, Decoder } from '../x86/decode.ts'
import { disassemble } from '../x86/disassemble.ts'
import { BASELINE } from '../x86/features.ts'
import { Insn } from '../x86/insn.ts'
import { threadState } from './attributes.ts'
import { callInClone } from './calls.ts'
import { signalInfo } from './core.ts'
import { signalInfoValue } from './signal-value.ts'
import type { Ranges } from './accesses.ts'
import type {
  Change,
  Debuggee,
  FrameInfo,
  Instruction,
  NameInfo,
  PlaceInfo,
  PrintOptions,
  RegisterSpot,
  Stop,
  ValueInfo,
  VariableInfo,
} from './protocol.ts'
import { DWARF_OF, type Namer } from './stacks.ts'
import { OpenValues } from './values.ts'

/** Elements that `[*]` may stand for. */
const MOST_ELEMENTS = 4096
/** Bytes of the longest instruction. */
const LONGEST = 15

export class Inspection {
  private readonly timeline: Timeline
  private readonly namer: (pid: number) => Namer
  private readonly inspectors = new WeakMap<Namer, Inspector>()
  private first: Inspector | null = null
  private readonly variables = new Map<string, Value>()
  private results = 0
  private readonly open = new OpenValues()
  private decoder: Decoder | null = null
  /** Where a signal was caught. */
  caught: Stop | null = null

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

  task(tid: number): TaskView {
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
    return threadState(this.timeline.subject, task)
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
    // Values at entry are found in the caller.
    const { inspector, frames, end } = this.rawFrames(tid, limit + 1)
    return {
      end,
      frames: frames.slice(0, limit).map((frame) => ({
        level: frame.level,
        pc: frame.pc,
        cfa: frame.cfa ?? null,
        function: frame.function ?? null,
        file: frame.file ?? null,
        line: frame.line ?? null,
        text: inspector.describeFrame(frame, { library: true }),
      })),
    }
  }

  /** What expressions see: the frame, values with names, and functions that they may call; `heard` is what these have written. */
  private scope(tid: number, frame: InspectedFrame, text: string, heard: string[] = []): InspectionScope {
    if (text.includes('$_')) this.aboutRun(tid)
    const caller: Caller = (call) => this.called(tid, call, (bytes) => heard.push(new TextDecoder().decode(bytes)))
    return { frame, variables: this.variables, caller }
  }

  /** A signal that somebody sent and that ends the run would end each call, too: they are made right before it was sent. */
  private called(tid: number, call: Parameters<Caller>[0], wrote: (bytes: Uint8Array) => void): ReturnType<Caller> {
    const { timeline } = this
    const { moment, end } = timeline
    const isSent = end.ending.kind === 'signal' && end.ending.sent && moment === end.count
    try {
      if (isSent) timeline.seek(moment - 1)
      return callInClone(timeline, this.task(tid), call, wrote)
    } finally {
      if (isSent) timeline.seek(moment)
    }
  }

  /** `$_thread`, `$_inferior`, `$_exitcode` and `$_siginfo`. */
  private aboutRun(tid: number): void {
    const { ending } = this.timeline.end
    const { pid } = this.task(tid)
    const inspector = this.inspector(pid)
    const set = (name: string, value: number): void => {
      this.variables.set(name, inspector.evaluate(`${value}`, {}))
    }
    set('_thread', tid)
    set('_gthread', tid)
    set('_inferior', pid)
    if (ending.kind === 'exit') set('_exitcode', ending.code)
    const { moment, end } = this.timeline
    const atEnd = ending.kind === 'signal' && ending.tid === tid && moment === end.count ? ending : null
    if (atEnd !== null) set('_exitsignal', atEnd.signal)
    const { caught } = this
    const info =
      atEnd !== null
        ? signalInfo({ ...atEnd, address: BigInt(atEnd.address) })
        : caught?.tid === tid && caught.moment === moment
          ? caught.signal?.info
          : undefined
    if (info === undefined) this.variables.delete('_siginfo')
    else this.variables.set('_siginfo', signalInfoValue(inspector, info))
  }

  /** `value` in the form of `print`, which is remembered as `$n`. */
  print(tid: number, level: number, text: string, how: PrintOptions = {}): string {
    const { inspector, frame } = this.frame(tid, level)
    const heard: string[] = []
    const scope = this.scope(tid, frame, text, heard)
    const { value, text: shown } = inspector.printed(text, scope, { ...how, library: true })
    try {
      value.contents()
    } catch (error) {
      if (!(error instanceof LemmingError)) throw error
    }
    this.variables.set(String(++this.results), value)
    return `${heard.join('')}$${this.results} = ${shown}`
  }

  whatis(tid: number, level: number, text: string, whole: boolean): string {
    const { inspector, frame } = this.frame(tid, level)
    const scope = this.scope(tid, frame, text)
    if (whole && /^\/\w*o/.test(text)) return inspector.offsets(text.replace(/^\/\w+ */, ''), scope)
    return whole ? inspector.ptype(text, scope) : friendlyName(inspector.whatis(text, scope))
  }

  /** Where the value of an expression is; a plain number is an address. */
  place(tid: number, level: number, text: string): PlaceInfo {
    const { inspector, frame } = this.frame(tid, level)
    const known = inspector.evaluate(text, this.scope(tid, frame, text))
    const place = placeOf(known)
    const { type } = place
    if (place.kind === 'memory') return { kind: 'memory', address: place.address, size: place.size, type }
    if (place.kind === 'value' || place.kind === 'register') {
      const value = known.integer()
      const spot = place.kind === 'register' ? this.spotOf(frame, place.register, tid, text) : undefined
      return { kind: place.kind, address: Number(BigInt.asUintN(64, value)), size: 0, type, ...(spot && { spot }) }
    }
    throw new LemmingError('expression-place', `${text} is not in memory`, 'give something that is, or an address')
  }

  /** A register itself is meant wherever the thread is, a variable in one only within its function. */
  private spotOf(frame: InspectedFrame, dwarf: number, tid: number, text: string): RegisterSpot | undefined {
    const register = DWARF_OF.indexOf(dwarf)
    if (register < 0 || frame.physical !== 0) return undefined
    const code = this.inspector(this.task(tid).pid).symbolizer.symbolAt(frame.pc)
    if (text.trim().startsWith('$') || code === undefined) return { tid, register }
    return { tid, register, within: { start: code.start, end: code.end } }
  }

  /** The general register in which an expression is, by its x86 number; null for what is elsewhere, and in outer frames. */
  registerOf(tid: number, level: number, text: string): number | null {
    const { inspector, frame } = this.frame(tid, level)
    const place = inspector.place(text, { frame, variables: this.variables })
    if (place.kind !== 'register' || frame.physical !== 0) return null
    const number = DWARF_OF.indexOf(place.register)
    return number < 0 ? null : number
  }

  /** What an assignment would change. Of a bit-field the bytes around it are kept as they are. */
  change(tid: number, level: number, text: string): Change {
    const { inspector, frame } = this.frame(tid, level)
    const { place, bytes } = inspector.assignment(text, { frame, variables: this.variables })
    const { pid } = this.task(tid)
    if (place.kind === 'register') {
      const register = DWARF_OF.indexOf(place.register)
      if (register < 0 || frame.physical !== 0)
        throw new LemmingError(
          'expression-place',
          `${text}: this register cannot be set`,
          'general registers of the innermost frame can',
        )
      // Parts of a register leave the rest as it is; $ah is its second byte.
      const first = /^\s*\$[abcd]h\b/.test(text) ? 8n : 0n
      const mask = ((1n << BigInt(8 * Math.min(bytes.length, 8))) - 1n) << first
      const value = (this.task(tid).registers[register]! & ~mask) | ((numberOf(bytes) << first) & mask)
      return { tid, register, value: `0x${value.toString(16)}` }
    }
    if (place.kind !== 'memory') throw new LemmingError('expression-place', `${text}: the left side is not in memory`)
    const { address, size, bits } = place
    const now = this.timeline.subject.read(pid, address, size)
    if (now === null)
      throw new LemmingError('expression-memory', `Cannot access memory at address 0x${address.toString(16)}`)
    if (bits === undefined) return { pid, address, bytes: [...bytes.subarray(0, size)] }
    const mask = ((1n << BigInt(bits.size)) - 1n) << BigInt(bits.offset)
    const value = (numberOf(now) & ~mask) | ((numberOf(bytes) << BigInt(bits.offset)) & mask)
    return { pid, address, bytes: Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)) }
  }

  /** The bytes of an expression; `[*]` in it stands for all elements of an array. */
  ranges(tid: number, level: number, text: string, size: number | undefined): Ranges {
    const { inspector, frame } = this.frame(tid, level)
    const scope = { frame, variables: this.variables }
    const expand = (expression: string): string[] => {
      const at = expression.indexOf('[*]')
      if (at < 0) return [expression]
      const array = expression.slice(0, at)
      const count = Number(inspector.evaluate(`sizeof(${array}) / sizeof((${array})[0])`, scope).integer())
      if (count > MOST_ELEMENTS)
        throw new LemmingError(
          'expression-place',
          `${array} has ${count} elements`,
          `give at most ${MOST_ELEMENTS}: [3]`,
        )
      return Array.from({ length: count }, (_, i) => expand(`${array}[${i}]${expression.slice(at + 3)}`)).flat()
    }
    const places = expand(text).map((one) => this.place(tid, level, one))
    const { type } = places[0] ?? { type: '' }
    if (places.some(({ kind }) => kind === 'register'))
      throw new LemmingError('expression-place', `${text} is in a register here, and not in memory`)
    const ranges = places.map((place) => ({ address: place.address, size: size ?? (place.size || 8) }))
    return { pid: this.task(tid).pid, ranges, type: places[0]?.size === 0 ? '' : type }
  }

  variablesOf(tid: number, level: number, which: 'locals' | 'args', how: PrintOptions = {}): VariableInfo[] {
    const { inspector, frame } = this.frame(tid, level)
    const options = { ...how, library: true }
    const all = which === 'locals' ? inspector.locals(frame, options) : inspector.args(frame, options)
    return all.map(({ name, text }) => ({ name, text }))
  }

  value(tid: number, level: number, text: string, hex: boolean): ValueInfo {
    const { inspector, frame } = this.frame(tid, level)
    const heard: string[] = []
    const expression = text.replace(/^\s*\/\S*\s*/, '').trim()
    const { value, text: shown } = inspector.printed(text, this.scope(tid, frame, text, heard), shownAs(hex))
    return this.open.tell(this.timeline.moment, text, value, heard.join('') + shown, expression)
  }

  values(tid: number, level: number, which: 'locals' | 'args', hex: boolean): ValueInfo[] {
    const { inspector, frame } = this.frame(tid, level)
    const options = shownAs(hex)
    const all = which === 'locals' ? inspector.locals(frame, options) : inspector.args(frame, options)
    return all.map(({ name, value, text }) => this.open.tell(this.timeline.moment, name, value, text, name))
  }

  parts(handle: number, start: number, count: number, hex: boolean): ValueInfo[] {
    return this.open.parts(this.timeline.moment, handle, start, count, shownAs(hex))
  }

  /** Is an expression not 0 in the innermost frame? What cannot be told counts as it is, so that nothing is passed by. */
  holds(tid: number, condition: string): boolean {
    const { inspector, frame } = this.frame(tid, 0)
    if (condition.includes('$_')) this.aboutRun(tid)
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

  scopeOf(tid: number, level: number, text: string): ReturnType<Debuggee['scope']> {
    const [place] = this.breakpoint(tid, level, text)
    return place === undefined ? [] : this.inspector(this.task(tid).pid).scopeAt(place.address)
  }

  declare(pid: number, text: string): string[] {
    return this.inspector(pid).declare(text)
  }

  complete(tid: number, level: number, prefix: string): string[] {
    const { inspector, frame } = this.frame(tid, level)
    return inspector.complete(prefix, { frame })
  }

  names(...[pid, pattern, kind, most]: Parameters<Debuggee['names']>): NameInfo[] {
    let fits: RegExp
    try {
      fits = new RegExp(pattern)
    } catch {
      throw new LemmingError('expression-syntax', `${pattern} is no regular expression`)
    }
    return this.inspector(pid).names(fits, kind, most)
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
      const length = decoded ? insn.length : 1
      const text = decoded ? disassemble(insn) : '(bad)'
      const { file, line } = this.inspector(pid).line(at) ?? {}
      out.push({ address: at, length, text, symbol: this.symbolic(pid, at), ...(file !== undefined && { file, line }) })
      at += length
    }
    return out
  }
}

/** How the values of editors are written. */
function shownAs(hex: boolean): FormatOptions {
  return { library: true, ...(hex && { format: 'x' as const }) }
}

/** Little-endian bytes as a number. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}
