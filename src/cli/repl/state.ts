/** Exists to hold what the commands of `lemming replay` share: where the run stands, what is selected, which points are set. */
import { LemmingError } from '../../base/errors.ts'
import { type Armed, armed } from '../../session/armed.ts'
import type {
  CatchPoint,
  CodePlace,
  FrameInfo,
  PlaceInfo,
  PrintOptions,
  Remote,
  Stop,
  WatchPoint,
} from '../../session/protocol.ts'

/** A frame, by the stack pointer of its caller at the call, and where it returns to. */
export interface FrameScope {
  tid: number
  cfa: number
  returnsTo: number
}

/** A breakpoint or watchpoint, by the number that it was given. */
export interface Point {
  number: number
  kind: 'breakpoint' | 'watchpoint' | 'catchpoint'
  /** What was asked for, as it was written. */
  what: string
  /** The same, as its command takes it. */
  set?: string
  enabled: boolean
  /** Deleted when it is hit. */
  temporary: boolean
  condition?: string
  tid?: number
  hits: number
  /** So many hits are passed over first. */
  ignore?: number
  /** Commands that are done when it is hit; `silent` first keeps it from being told. */
  commands?: string[]
  /** Of a breakpoint. */
  places: { address: number; text: string }[]
  /** Of a watchpoint. */
  watch?: WatchPoint & { pid: number; type: string }
  /** Of a watchpoint on a variable of a frame: it ends with it. */
  scope?: FrameScope
  /** Of a catchpoint, if it is none that has places. */
  catches?: CatchPoint
}

/** Whose points a stop may be at. */
export type Owners = Pick<Armed<Point>, 'stopsOf' | 'watchesOf'> & { catchesOf?: Point[] }

/** The point that a stop is at. */
export function pointOf(stop: Stop, { stopsOf, watchesOf, catchesOf = [] }: Owners): Point | undefined {
  if (stop.why === 'stop') return stopsOf[stop.index!]
  if (stop.why === 'watch') return watchesOf[stop.index!]
  return (stop.why === 'call' || stop.why === 'signal') && stop.index !== undefined ? catchesOf[stop.index] : undefined
}

/** What commands see and change. */
export class State {
  readonly remote: Remote
  say: (text: string) => void
  /** Where the run stands. */
  stop: Stop
  pid: number
  tid: number
  level = 0
  readonly points: Point[] = []
  private numbers = 0
  /** The frame that was shown last: thread, function, place on the stack. */
  told = ''
  /** Where `list` goes on. */
  listed: { file: string; next: number; first: number } | null = null
  /** Expressions that are shown at each stop. */
  readonly displays: { number: number; letters: string; text: string }[] = []
  /** How values are written. */
  how: PrintOptions = {}
  /** Lines of `list`. */
  listSize = 10
  /** The point that was hit last, until its commands are done. */
  hit: Point | null = null
  /** Does another command. */
  execute: (command: string) => Promise<void> = async () => {}
  /** Where `x` goes on, and in which form. */
  examined = { next: 0, format: 'x', size: 'w' }

  constructor(remote: Remote, stop: Stop, say: (text: string) => void) {
    this.remote = remote
    this.stop = stop
    this.say = say
    this.pid = stop.pid
    this.tid = stop.tid
  }

  nextNumber(): number {
    return ++this.numbers
  }

  select(pid: number, tid: number): void {
    this.pid = pid
    this.tid = tid
    this.level = 0
    this.listed = null
  }

  /** The selected frame. Throws when there is no thread. */
  async frame(): Promise<FrameInfo> {
    const { frames } = await this.remote.frames(this.tid, this.level + 1)
    const frame = frames[this.level]
    if (frame === undefined) throw refusal('No frame selected.')
    return frame
  }

  /** Points that are on, as the run takes them, and whose they are. */
  active(): Armed<Point> {
    return armed(
      this.points.filter(({ enabled }) => enabled),
      this.pid,
    )
  }

  async threadName(tid: number): Promise<string> {
    return (await this.remote.threads()).find((thread) => thread.tid === tid)?.name ?? ''
  }
}

/** Where an expression is, for questions about its bytes; a plain number is an address. */
export async function inMemory(state: State, text: string): Promise<PlaceInfo> {
  const place = await state.remote.place(state.tid, state.level, text)
  if (place.kind === 'register')
    throw refusal(`${text} is in a register here, and not in memory`, 'give something that is, or an address')
  return place
}

/** Places in the code; a library that is not loaded yet is looked into where the run ends. */
export async function placesOf(state: State, text: string): Promise<CodePlace[]> {
  const { remote, tid, level } = state
  try {
    return await remote.code(tid, level, text)
  } catch (error) {
    const { moment, end } = await remote.position()
    if (!(error instanceof LemmingError) || error.code === 'internal' || moment >= end) throw error
    try {
      return await remote.code((await remote.seek(end)).tid, 0, text)
    } catch {
      throw error
    } finally {
      await remote.seek(moment)
    }
  }
}

/** What a command cannot do, in words. */
export function refusal(message: string, next?: string): LemmingError {
  return new LemmingError('repl', message, next)
}

/** `@182415`. */
export function at(moment: number): string {
  return `@${moment}`
}

/** A whole number, decimal or hexadecimal; throws for anything else. */
export function wholeNumberIn(text: string, what: string): number {
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(number)) throw refusal(`${what}: a number is expected, not '${text}'`)
  return number
}
