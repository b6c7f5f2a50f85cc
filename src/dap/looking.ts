/** Exists to show an editor the threads of a run: stacks, scopes, variables, sources. What it is given to hold ends when the run moves. */
import { readFileSync } from 'node:fs'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { LemmingError } from '../base/errors.ts'
import type { Remote, ValueInfo } from '../session/protocol.ts'
import { reference } from './code.ts'

/** A stack that is deeper is not shown whole. */
const DEEP = 10_000
/** Elements of an array that are shown to a client that asks for all. */
const MOST_ELEMENTS = 1000

/** What a reference opens. */
type Opened =
  | { kind: 'values'; tid: number; level: number; which: 'args' | 'locals' }
  | { kind: 'registers'; tid: number; level: number; names: readonly string[] | null }
  | { kind: 'parts'; handle: number; elements: number }

const GENERAL = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags fs_base gs_base'.split(' ')
const GROUPS: readonly [string, readonly string[]][] = [
  ['SSE', [...Array.from({ length: 16 }, (_, i) => `xmm${i}`), 'mxcsr']],
  ['x87', [...Array.from({ length: 8 }, (_, i) => `st${i}`), 'fctrl', 'fstat', 'ftag']],
]

export class Looking {
  private readonly remote: Remote
  private frames = new Map<number, { tid: number; level: number }>()
  private opened = new Map<number, Opened>()
  private next = 1
  /** Files that are not on this computer as they were recorded. */
  private readonly sources: string[] = []

  constructor(remote: Remote) {
    this.remote = remote
  }

  /** The run has moved. */
  forget(): void {
    this.frames = new Map()
    this.opened = new Map()
  }

  /** The frame that a client means; without one the innermost of a thread. */
  frame(id: number | undefined, tid: number): { tid: number; level: number } {
    if (id === undefined) return { tid, level: 0 }
    const frame = this.frames.get(id)
    if (frame === undefined) throw new LemmingError('dap-frame', 'the run has moved since this frame was shown')
    return frame
  }

  async stack({
    threadId,
    startFrame = 0,
    levels = 0,
  }: DebugProtocol.StackTraceArguments): Promise<DebugProtocol.StackTraceResponse['body']> {
    const most = levels === 0 ? DEEP : startFrame + levels
    const { frames } = await this.remote.frames(threadId, most + 1)
    const stackFrames: DebugProtocol.StackFrame[] = []
    for (const { level, pc, function: name, file, line } of frames.slice(startFrame, most)) {
      const id = this.next++
      this.frames.set(id, { tid: threadId, level })
      stackFrames.push({
        id,
        name: name ?? reference(pc),
        line: line ?? 0,
        column: 0,
        instructionPointerReference: reference(pc),
        ...(file !== null && { source: await this.source(file) }),
        ...(name === null && { presentationHint: 'subtle' }),
      })
    }
    return { stackFrames, totalFrames: frames.length }
  }

  /** A file: the one on this computer if it is as it was recorded, else the recorded one. */
  private async source(path: string): Promise<DebugProtocol.Source> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const recorded = await this.remote.file(path)
    if (recorded === null || isHere(path, recorded)) return { name, path }
    let index = this.sources.indexOf(path)
    if (index < 0) index = this.sources.push(path) - 1
    return { name, path, sourceReference: index + 1, origin: 'as recorded' }
  }

  /** The path of a source that a client means. */
  path({ path, sourceReference }: DebugProtocol.Source): string {
    const known = sourceReference === undefined ? undefined : this.sources[sourceReference - 1]
    if (known === undefined && path === undefined) throw new LemmingError('dap-source', 'a source without a path')
    return known ?? path!
  }

  /** The text of a source. */
  async content(path: string): Promise<string> {
    const lines = await this.remote.source(path)
    if (lines === null) throw new LemmingError('dap-source', `${path} is not in the recording`)
    return lines.join('\n')
  }

  scopes(frameId: number): DebugProtocol.Scope[] {
    const frame = this.frame(frameId, 0)
    const scope = (
      name: string,
      hint: DebugProtocol.Scope['presentationHint'],
      opened: Opened,
    ): DebugProtocol.Scope => ({
      name,
      presentationHint: hint,
      variablesReference: this.hold(opened),
      expensive: hint === 'registers',
    })
    return [
      scope('Arguments', 'arguments', { kind: 'values', ...frame, which: 'args' }),
      scope('Locals', 'locals', { kind: 'values', ...frame, which: 'locals' }),
      scope('Registers', 'registers', { kind: 'registers', ...frame, names: null }),
    ]
  }

  private hold(opened: Opened): number {
    const id = this.next++
    this.opened.set(id, opened)
    return id
  }

  private held(id: number): Opened {
    const opened = this.opened.get(id)
    if (opened === undefined) throw new LemmingError('dap-variables', 'the run has moved since these values were shown')
    return opened
  }

  async variables({
    variablesReference,
    filter,
    start = 0,
    count = 0,
    format,
  }: DebugProtocol.VariablesArguments): Promise<DebugProtocol.Variable[]> {
    const opened = this.held(variablesReference)
    const hex = format?.hex === true
    switch (opened.kind) {
      case 'values':
        return (await this.remote.values(opened.tid, opened.level, opened.which, hex)).map((one) => this.variable(one))
      case 'registers':
        return this.registers(opened.tid, opened.level, opened.names)
      case 'parts': {
        if (filter !== undefined && (filter === 'indexed') !== opened.elements > 0) return []
        const most = count === 0 ? MOST_ELEMENTS : count
        return (await this.remote.parts(opened.handle, start, most, hex)).map((one) => this.variable(one))
      }
    }
  }

  private async registers(
    tid: number,
    level: number,
    names: readonly string[] | null,
  ): Promise<DebugProtocol.Variable[]> {
    const out: DebugProtocol.Variable[] = []
    for (const name of names ?? GENERAL) {
      const isVector = name.startsWith('xmm')
      const value = await this.remote.value(
        tid,
        level,
        isVector || name.startsWith('st') ? `$${name}` : `/x $${name}`,
        false,
      )
      out.push({ ...this.variable(value), name, evaluateName: `$${name}` })
    }
    if (names !== null) return out
    for (const [name, group] of GROUPS)
      out.push({ name, value: '', variablesReference: this.hold({ kind: 'registers', tid, level, names: group }) })
    return out
  }

  /** A value with the reference by which it is opened. */
  variable({ name, text, type, handle, elements, address, expression }: ValueInfo): DebugProtocol.Variable {
    return {
      name,
      value: text,
      ...(type !== '' && { type }),
      variablesReference: handle === 0 ? 0 : this.hold({ kind: 'parts', handle, elements }),
      ...(elements > 0 && handle !== 0 && { indexedVariables: elements }),
      ...(expression !== null && { evaluateName: expression }),
      ...(address !== null && { memoryReference: reference(address) }),
    }
  }

  /** The value of this name among those that a reference opens. */
  async named(id: number, name: string, tid: number): Promise<ValueInfo | undefined> {
    const opened = this.held(id)
    switch (opened.kind) {
      case 'values':
        return (await this.remote.values(opened.tid, opened.level, opened.which, false)).find(
          (one) => one.name === name,
        )
      case 'registers':
        return this.remote.value(tid, opened.level, `$${name}`, false)
      case 'parts': {
        const index = Number(/^\[(\d+)\]$/.exec(name)?.[1] ?? -1)
        const [start, count] = index < 0 ? [0, MOST_ELEMENTS] : [index, 1]
        return (await this.remote.parts(opened.handle, start, count, false)).find((one) => one.name === name)
      }
    }
  }
}

function isHere(path: string, recorded: Uint8Array): boolean {
  try {
    return Buffer.compare(readFileSync(path), recorded) === 0
  } catch {
    return false
  }
}
