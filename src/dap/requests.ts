/** Exists to say what each request of an editor means for a run that can be walked both ways. */
import type { DebugProtocol } from '@vscode/debugprotocol'
import { LemmingError } from '../base/errors.ts'
import type { Remote, StepUnit, Stop } from '../session/protocol.ts'
import { disassemble, readMemory, reference } from './code.ts'
import { Looking } from './looking.ts'
import { EXCEPTION_FILTERS, Points, type Point } from './points.ts'

/** A run that was opened for a client. */
export interface Run {
  remote: Remote
  /** Where it stands. */
  stop: Stop
  /** Ends what is being executed. */
  interrupt: () => void
}

/** What a client says when it comes. */
export interface LaunchArguments {
  /** A failure such as F1, its directory, or a recording; the one of the command line, else. */
  failure?: string
  /** Directory of failures. */
  out?: string
  /** Where to begin; the end of the run, else. */
  moment?: number | 'start' | 'end'
  /** False: go on at once to the first breakpoint. */
  stopOnEntry?: boolean
}

/** What the adapter does not know by itself. */
export interface Outside {
  open(failure: string | undefined, out: string | undefined): Promise<Run>
  /** A command of the conversation of `lemming replay`: what it says, and where the run stands behind it. Throws for what is none. */
  command(run: Run, frame: { tid: number; level: number }, text: string): Promise<{ said: string; stop: Stop }>
  /** The words of that conversation with which a line can go on. */
  words(line: string): string[]
}

/** An answer, and what is to be done when it was sent. */
export interface Answer {
  body?: unknown
  after?: () => Promise<void>
}

/** Events to the client. */
export type Tell = (event: string, body: object) => void

const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsEvaluateForHovers: true,
  supportsValueFormattingOptions: true,
  supportsStepBack: true,
  supportsSteppingGranularity: true,
  supportsRestartRequest: true,
  supportsDelayedStackTraceLoading: true,
  supportsCompletionsRequest: true,
  supportsModulesRequest: true,
  supportsExceptionInfoRequest: true,
  supportsReadMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsClipboardContext: true,
  supportsExceptionFilterOptions: true,
  exceptionBreakpointFilters: EXCEPTION_FILTERS,
  completionTriggerCharacters: ['.', '>'],
}

/** Requests that would make another run of this one. */
const CHANGES = new Set([
  'setVariable',
  'setExpression',
  'writeMemory',
  'goto',
  'gotoTargets',
  'restartFrame',
  'terminateThreads',
])

/** One client's view of one run. */
export class Requests {
  private readonly outside: Outside
  private readonly tell: Tell
  private run: Run = null!
  private looking: Looking = null!
  private readonly points = new Points()
  private stop: Stop = null!
  private goesOn = false
  /** Pieces of output that the client has seen. */
  private told = 0

  constructor(outside: Outside, tell: Tell) {
    this.outside = outside
    this.tell = tell
  }

  /** Ends what is being executed. */
  interrupt(): void {
    this.run?.interrupt()
  }

  async answer(command: string, args: unknown): Promise<Answer> {
    const early: Record<string, () => Answer | Promise<Answer>> = {
      initialize: () => ({ body: CAPABILITIES }),
      launch: () => this.launch(args as LaunchArguments),
      attach: () => this.launch(args as LaunchArguments),
      disconnect: () => ({}),
      cancel: () => ({}),
    }
    if (command in early) return early[command]!()
    if (this.run === null) throw new LemmingError('dap-order', `${command}: launch or attach comes first`)
    const looked = await this.look(command, args)
    if (looked !== null) return looked
    const set = await this.set(command, args)
    if (set !== null) return set
    const moved = this.move(command, args)
    if (moved !== null) return moved
    if (CHANGES.has(command))
      throw new LemmingError(
        'dap-change',
        `${command}: what has happened cannot be changed`,
        `lemming branch FAILURE@${this.stop.moment} --set changes a clone`,
      )
    throw new LemmingError('dap-unsupported', `${command}: lemming does not know this request`)
  }

  private async launch({ failure, out, moment, stopOnEntry }: LaunchArguments): Promise<Answer> {
    this.run = await this.outside.open(failure, out)
    this.looking = new Looking(this.run.remote)
    this.stop = this.run.stop
    this.goesOn = stopOnEntry === false
    const target = moment === 'start' ? 0 : moment === 'end' ? undefined : moment
    if (target !== undefined) this.stop = await this.run.remote.seek(target)
    return { after: async () => this.tell('initialized', {}) }
  }

  // Looking.

  private async look(command: string, args: unknown): Promise<Answer | null> {
    const { looking, run } = this
    const { remote } = run
    const { pid, tid } = this.stop
    switch (command) {
      case 'threads':
        return { body: { threads: await this.threads() } }
      case 'stackTrace':
        return { body: await looking.stack(args as DebugProtocol.StackTraceArguments) }
      case 'scopes':
        return { body: { scopes: looking.scopes((args as DebugProtocol.ScopesArguments).frameId) } }
      case 'variables':
        return { body: { variables: await looking.variables(args as DebugProtocol.VariablesArguments) } }
      case 'source': {
        const { source, sourceReference } = args as DebugProtocol.SourceArguments
        return { body: { content: await looking.content(looking.path({ ...source, sourceReference })) } }
      }
      case 'evaluate':
        return this.evaluate(args as DebugProtocol.EvaluateArguments)
      case 'completions': {
        const { text, column, frameId } = args as DebugProtocol.CompletionsArguments
        const line = text.slice(0, column - 1)
        const frame = looking.frame(frameId, tid)
        const name = /[A-Za-z_]\w*$/.exec(line)?.[0] ?? ''
        const names = name === '' ? [] : await remote.complete(frame.tid, frame.level, name)
        // A command may begin where an expression may; some have a minus in their name.
        const typed = /\S*$/.exec(line)![0]
        const commands = typed === '' ? [] : this.outside.words(line)
        const targets = (labels: string[], length: number): DebugProtocol.CompletionItem[] =>
          labels.map((label) => ({ label, start: column - 1 - length, length }))
        return { body: { targets: [...targets(commands, typed.length), ...targets(names, name.length)] } }
      }
      case 'modules': {
        const modules = (await remote.libraries(pid)).map(({ path, start, end }) => ({
          id: reference(start),
          name: path.slice(path.lastIndexOf('/') + 1),
          path,
          addressRange: `${reference(start)}-${reference(end)}`,
        }))
        return { body: { modules, totalModules: modules.length } }
      }
      case 'exceptionInfo': {
        const { ending } = await remote.position()
        const exceptionId = ending.kind === 'signal' ? ending.name : ending.kind
        return { body: { exceptionId, description: reasonOf(this.stop).text, breakMode: 'always' } }
      }
      case 'readMemory':
        return { body: await readMemory(remote, pid, args as DebugProtocol.ReadMemoryArguments) }
      case 'disassemble':
        return { body: { instructions: await disassemble(remote, pid, args as DebugProtocol.DisassembleArguments) } }
      default:
        return null
    }
  }

  private async threads(): Promise<DebugProtocol.Thread[]> {
    const threads = await this.run.remote.threads()
    const several = new Set(threads.map(({ pid }) => pid)).size > 1
    return threads.map(({ pid, tid, name, waiting }) => ({
      id: tid,
      name: `${tid} "${name}"${several ? ` of process ${pid}` : ''}${waiting === null ? '' : ` waits in ${waiting}`}`,
    }))
  }

  private async evaluate({ expression, frameId, context, format }: DebugProtocol.EvaluateArguments): Promise<Answer> {
    const frame = this.looking.frame(frameId, this.stop.tid)
    const { tid, level } = frame
    try {
      const value = await this.run.remote.value(tid, level, expression, format?.hex === true)
      const { value: result, evaluateName: _, name: __, ...more } = this.looking.variable(value)
      return { body: { result, ...more } }
    } catch (error) {
      if (context !== 'repl' || !(error instanceof LemmingError) || error.code === 'internal') throw error
      return this.command(frame, expression, error)
    }
  }

  /** What is no expression may be a command. */
  private async command(frame: { tid: number; level: number }, text: string, otherwise: LemmingError): Promise<Answer> {
    let answer: { said: string; stop: Stop }
    try {
      answer = await this.outside.command({ ...this.run, stop: this.stop }, frame, text)
    } catch (error) {
      if (error instanceof LemmingError && error.message.startsWith('Undefined command')) throw otherwise
      throw error
    }
    const { said, stop } = answer
    const moved = stop.moment !== this.stop.moment || stop.tid !== this.stop.tid
    const body = { result: said.replace(/\n$/, ''), variablesReference: 0 }
    return moved ? { body, after: () => this.arrive(stop, null) } : { body }
  }

  // Breakpoints.

  private async set(command: string, args: unknown): Promise<Answer | null> {
    const { points, looking } = this
    const where = { remote: this.run.remote, pid: this.stop.pid, tid: this.stop.tid }
    switch (command) {
      case 'setBreakpoints': {
        const { source, breakpoints = [] } = args as DebugProtocol.SetBreakpointsArguments
        return { body: { breakpoints: await points.setLines(where, looking.path(source), breakpoints) } }
      }
      case 'setFunctionBreakpoints': {
        const { breakpoints } = args as DebugProtocol.SetFunctionBreakpointsArguments
        return { body: { breakpoints: await points.setFunctions(where, breakpoints) } }
      }
      case 'setInstructionBreakpoints': {
        const { breakpoints } = args as DebugProtocol.SetInstructionBreakpointsArguments
        return { body: { breakpoints: await points.setInstructions(where, breakpoints) } }
      }
      case 'setDataBreakpoints': {
        const { breakpoints } = args as DebugProtocol.SetDataBreakpointsArguments
        return { body: { breakpoints: points.setData(breakpoints) } }
      }
      case 'dataBreakpointInfo':
        return { body: await this.dataInfo(args as DebugProtocol.DataBreakpointInfoArguments) }
      case 'setExceptionBreakpoints': {
        const { filters, filterOptions = [] } = args as DebugProtocol.SetExceptionBreakpointsArguments
        const asked = [...filters.map((filterId) => ({ filterId })), ...filterOptions]
        return { body: { breakpoints: await points.setExceptions(where, asked) } }
      }
      default:
        return null
    }
  }

  private async dataInfo({
    variablesReference = 0,
    name,
    frameId,
    bytes,
    asAddress,
  }: DebugProtocol.DataBreakpointInfoArguments): Promise<DebugProtocol.DataBreakpointInfoResponse['body']> {
    const { pid, tid } = this.stop
    const frame = this.looking.frame(frameId, tid)
    const value =
      asAddress === true
        ? { address: Number(name), size: bytes ?? 8, text: '' }
        : variablesReference > 0
          ? await this.looking.named(variablesReference, name, tid)
          : await this.run.remote.value(frame.tid, frame.level, name, false)
    if (value === undefined || value.address === null || value.size === 0)
      return { dataId: null, description: `${name} is not in memory` }
    const size = bytes ?? value.size
    return {
      dataId: `${pid} ${value.address} ${size}`,
      description: `${name} (${size} bytes at ${reference(value.address)})`,
      accessTypes: ['read', 'write', 'readWrite'],
      canPersist: false,
    }
  }

  // Moving.

  private move(command: string, args: unknown): Answer | null {
    const { threadId = this.stop.tid, granularity } = args as Partial<DebugProtocol.NextArguments>
    const single = granularity === 'instruction'
    const step = (unit: StepUnit, back: boolean): Answer => ({ after: () => this.step(threadId, unit, back) })
    switch (command) {
      case 'configurationDone':
        return { after: () => (this.goesOn ? this.go(false) : this.arrive(this.stop, null, true)) }
      case 'continue':
        return { body: { allThreadsContinued: true }, after: () => this.go(false) }
      case 'reverseContinue':
        return { after: () => this.go(true) }
      case 'next':
        return step(single ? 'instruction-over' : 'line-over', false)
      case 'stepIn':
        return step(single ? 'instruction' : 'line', false)
      case 'stepOut':
        return step('out', false)
      case 'stepBack':
        return step(single ? 'instruction-over' : 'line-over', true)
      case 'restart':
        return { after: async () => this.arrive(await this.run.remote.seek(0), null, true) }
      case 'pause':
        return {}
      default:
        return null
    }
  }

  private async step(tid: number, unit: StepUnit, back: boolean): Promise<void> {
    const { stops, stopsOf } = this.points.active(this.stop.pid)
    const stop = await this.run.remote.step({ tid, unit, back, stops: back ? [] : stops })
    const point = stop.why === 'stop' ? stopsOf[stop.index!]! : null
    if (point !== null) point.hits++
    await this.arrive(stop, point)
  }

  private async go(back: boolean): Promise<void> {
    for (;;) {
      const { pid, tid } = this.stop
      const { stops, stopsOf, watches, watchesOf, catches, catchesOf } = this.points.active(pid)
      const stop = await this.run.remote.go({ back, pid, tid, stops, watches, catches })
      const owners = { stop: stopsOf, watch: watchesOf, signal: catchesOf }[stop.why as string]
      const point = owners?.[stop.index!] ?? null
      if (point === null || (this.points.isMet(point) && point.log === undefined)) return this.arrive(stop, point)
      this.stop = stop
      if (point.log !== undefined) await this.log(point.log, stop)
    }
  }

  /** Writes the message of a log point: `{x}` is the value of x. */
  private async log(message: string, { tid, moment }: Stop): Promise<void> {
    let text = ''
    for (const [, plain, expression] of message.matchAll(/([^{]*)(?:\{([^}]*)\})?/g)) {
      text += plain
      if (expression === undefined) continue
      try {
        text += (await this.run.remote.value(tid, 0, expression, false)).text
      } catch (error) {
        if (!(error instanceof LemmingError) || error.code === 'internal') throw error
        text += `<${error.message}>`
      }
    }
    this.tell('output', { category: 'console', output: `@${moment} ${text}\n` })
  }

  /** Tells the client where the run stands. */
  private async arrive(stop: Stop, point: Point | null, isEntry = false): Promise<void> {
    this.stop = stop
    this.looking.forget()
    await this.tellOutput()
    if (stop.trouble !== undefined)
      this.tell('output', { category: 'important', output: `the condition of this breakpoint: ${stop.trouble}\n` })
    const { reason, text } = reasonOf(stop)
    this.tell('stopped', {
      reason: point?.reason ?? (isEntry && reason === 'goto' ? 'entry' : reason),
      description: text,
      text,
      threadId: stop.tid,
      allThreadsStopped: true,
      ...(point !== null && { hitBreakpointIds: [point.id] }),
    })
  }

  /** What the program has written up to here and the client has not seen. */
  private async tellOutput(): Promise<void> {
    const output = await this.run.remote.output()
    for (const { fd, bytes } of output.slice(this.told))
      this.tell('output', { category: fd === 1 ? 'stdout' : 'stderr', output: Buffer.from(bytes).toString() })
    this.told = Math.max(this.told, output.length)
  }
}

/** Why the run stands where it stands, in the protocol's word and in ours. */
function reasonOf({ why, moment, ending, text }: Stop): { reason: string; text: string } {
  const at = `@${moment}`
  switch (why) {
    case 'step':
    case 'call':
    case 'switch':
      return { reason: 'step', text: text === undefined ? at : `${at} ${text}` }
    case 'stop':
      return { reason: 'breakpoint', text: at }
    case 'watch':
      return { reason: 'data breakpoint', text: at }
    case 'interrupted':
      return { reason: 'pause', text: at }
    case 'signal':
      return { reason: 'exception', text: `${text} at ${at}` }
    case 'start':
      return { reason: 'entry', text: `${at}, the start of the run` }
    case 'moment':
      return { reason: 'goto', text: at }
    case 'end':
      return ending?.kind === 'signal'
        ? { reason: 'exception', text: `${ending.name} (${ending.codeName}, address ${ending.address}) at ${at}` }
        : {
            reason: 'pause',
            text: `${at}, the end of the run: ${ending?.kind === 'exit' ? `exit ${ending.code}` : ending?.kind}`,
          }
  }
}
