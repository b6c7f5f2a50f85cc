/** Exists to keep the breakpoints of an editor, of all kinds, and to give them to the run in its words. */
import type { DebugProtocol } from '@vscode/debugprotocol'
import { LemmingError } from '../base/errors.ts'
import { type Armed, armed } from '../session/armed.ts'
import type { CatchPoint, CodePlace, Remote, WatchPoint } from '../session/protocol.ts'
import { addressOf, reference } from './code.ts'

/** A breakpoint that the client has set. */
export interface Point {
  id: number
  reason: 'breakpoint' | 'function breakpoint' | 'instruction breakpoint' | 'data breakpoint' | 'exception'
  places: CodePlace[]
  watch?: { pid: number; address: number; size: number; kind: WatchPoint['kind'] }
  catches?: CatchPoint
  condition?: string
  /** Stops only when this many hits were met, from this one on, or at each so-manieth. */
  hitCondition?: string
  /** Is written instead of stopping: `{x}` stands for a value. */
  log?: string
  hits: number
}

type Asked = { condition?: string; hitCondition?: string; logMessage?: string }

/** Where names are looked up. */
interface Where {
  remote: Remote
  pid: number
  tid: number
}

/** What `setExceptionBreakpoints` offers; functions that stand for what happens to exceptions are those of the Itanium C++ ABI. */
export const EXCEPTION_FILTERS: DebugProtocol.ExceptionBreakpointsFilter[] = [
  { filter: 'signal', label: 'Signals', description: 'Stops before a signal is delivered', supportsCondition: true },
  { filter: 'throw', label: 'C++: throw', supportsCondition: true },
  { filter: 'catch', label: 'C++: catch', supportsCondition: true },
]
const EXCEPTION_PLACES: Record<string, string | null> = {
  signal: null,
  throw: '__cxa_throw',
  catch: '__cxa_begin_catch',
}

export class Points {
  private next = 1
  /** By what one request replaces: a file, all functions, all instructions, all data. */
  private readonly groups = new Map<string, Point[]>();

  private *all(): Generator<Point> {
    for (const group of this.groups.values()) yield* group
  }

  /** Those that are on, as the run takes them, and whose they are. */
  active(pid: number): Armed<Point> {
    return armed(this.all(), pid)
  }

  /** Notes a hit; true when the run is to stop. */
  isMet(point: Point): boolean {
    point.hits++
    const [, operator, number] = /^(%|>=?|==?)? *(\d+)$/.exec(point.hitCondition?.trim() ?? '>= 1') ?? []
    const wanted = Number(number)
    switch (operator) {
      case '%':
        return point.hits % wanted === 0
      case '>':
        return point.hits > wanted
      case '=':
      case '==':
        return point.hits === wanted
      default:
        return point.hits >= wanted
    }
  }

  async setLines(
    where: Where,
    path: string,
    asked: readonly DebugProtocol.SourceBreakpoint[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    return this.set(`file ${path}`, where, asked, 'breakpoint', ({ line }) => `${path}:${line}`)
  }

  async setFunctions(
    where: Where,
    asked: readonly DebugProtocol.FunctionBreakpoint[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    return this.set('functions', where, asked, 'function breakpoint', ({ name }) => name)
  }

  async setInstructions(
    where: Where,
    asked: readonly DebugProtocol.InstructionBreakpoint[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    return this.set(
      'instructions',
      where,
      asked,
      'instruction breakpoint',
      ({ instructionReference, offset }) => `*${reference(addressOf(instructionReference, offset))}`,
    )
  }

  setData(asked: readonly DebugProtocol.DataBreakpoint[]): DebugProtocol.Breakpoint[] {
    const points: Point[] = asked.map(({ dataId, accessType = 'write', ...one }) => {
      const [pid, address, size] = dataId.split(' ').map(Number) as [number, number, number]
      const kind = accessType === 'readWrite' ? 'access' : accessType
      return this.point('data breakpoint', [], one, { pid, address, size, kind })
    })
    this.groups.set('data', points)
    return points.map(({ id, hitCondition }) => answer(id, hitCondition))
  }

  /** Signals, and exceptions of C++. */
  async setExceptions(
    { remote, tid }: Where,
    asked: readonly DebugProtocol.ExceptionFilterOptions[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    const points: Point[] = []
    const answers: DebugProtocol.Breakpoint[] = []
    for (const { filterId, condition } of asked) {
      const place = EXCEPTION_PLACES[filterId]
      try {
        if (place === undefined) throw new LemmingError('dap-filter', `${filterId}: there is no such filter`)
        const places = place === null ? [] : await remote.code(tid, 0, `*${place}`)
        const point = this.point('exception', places, { condition })
        if (place === null) point.catches = { kind: 'signal', pattern: '' }
        points.push(point)
        answers.push(answer(point.id, undefined))
      } catch (error) {
        if (!(error instanceof LemmingError) || error.code === 'internal') throw error
        answers.push({ verified: false, message: error.message })
      }
    }
    this.groups.set('exceptions', points)
    return answers
  }

  private point(reason: Point['reason'], places: CodePlace[], asked: Asked, watch?: Point['watch']): Point {
    const { condition, hitCondition, logMessage } = asked
    return {
      id: this.next++,
      reason,
      places,
      hits: 0,
      ...(condition !== undefined && condition !== '' && { condition }),
      ...(hitCondition !== undefined && hitCondition !== '' && { hitCondition }),
      ...(logMessage !== undefined && logMessage !== '' && { log: logMessage }),
      ...(watch !== undefined && { watch }),
    }
  }

  private async set<A extends Asked>(
    group: string,
    { remote, tid }: Where,
    asked: readonly A[],
    reason: Point['reason'],
    text: (one: A) => string,
  ): Promise<DebugProtocol.Breakpoint[]> {
    const points: Point[] = []
    const answers: DebugProtocol.Breakpoint[] = []
    for (const one of asked) {
      try {
        const places = await remote.code(tid, 0, text(one))
        const point = this.point(reason, places, one)
        const { address, file, line } = places[0]!
        points.push(point)
        answers.push({
          ...answer(point.id, point.hitCondition),
          instructionReference: reference(address),
          ...(line !== undefined && { line }),
          ...(file !== undefined && { source: { name: file.slice(file.lastIndexOf('/') + 1), path: file } }),
        })
      } catch (error) {
        if (!(error instanceof LemmingError) || error.code === 'internal') throw error
        answers.push({ verified: false, message: error.message })
      }
    }
    this.groups.set(group, points)
    return answers
  }
}

function answer(id: number, hitCondition: string | undefined): DebugProtocol.Breakpoint {
  const isGood = hitCondition === undefined || /^(%|>=?|==?)? *[1-9]\d*$/.test(hitCondition.trim())
  return isGood
    ? { id, verified: true }
    : { id, verified: true, message: `'${hitCondition}' is no number of hits: N, > N, == N or % N` }
}
