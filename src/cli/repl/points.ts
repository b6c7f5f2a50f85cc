/** Exists for the commands about breakpoints and watchpoints. */
import type { RegisterSpot, WatchPoint } from '../../session/protocol.ts'
import { type FrameScope, inMemory, placesOf, type Point, refusal, type State, wholeNumberIn } from './state.ts'

/** Bytes below the caller's stack pointer that are surely the innermost frame's. */
const LARGEST_FRAME = 0x10000

/** `PLACE [thread N] [if CONDITION]`; without a place, the selected frame's instruction. */
export function breaker(temporary: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const { rest, ...more } = split(args)
    const what = rest === '' ? `*0x${(await state.frame()).pc.toString(16)}` : rest
    const found = await placesOf(state, what)
    if (found.length === 0) throw refusal(`nothing is found for '${what}'`)
    const places = found.map(({ address, function: f, file, line }) => {
      const where = file === undefined ? (f === undefined ? '' : ` in ${f}`) : `: file ${file}, line ${line ?? '?'}.`
      return { address, text: `0x${address.toString(16)}${where}` }
    })
    const point: Point = {
      number: state.nextNumber(),
      kind: 'breakpoint',
      what,
      enabled: true,
      temporary,
      hits: 0,
      places,
      ...more,
    }
    state.points.push(point)
    const name = temporary ? 'Temporary breakpoint' : 'Breakpoint'
    const text = places.length === 1 ? places[0]!.text : `${places[0]!.text} (${places.length} places)`
    state.say(`${name} ${point.number} at ${text}\n`)
  }
}

/** `[-l] EXPRESSION [if CONDITION]`, or an address and a size. */
export function watcher(kind: WatchPoint['kind']): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const { rest, ...more } = split(args)
    const [, location, text, size] = /^(-l(?:ocation)? +)?(.*?)(?: +(\d+))?$/s.exec(rest) as unknown as [
      string,
      string | undefined,
      string,
      string?,
    ]
    if (text === '') throw refusal('watch: an expression or an address is expected')
    const place = await state.remote.place(state.tid, state.level, text)
    const { spot } = place
    if (spot !== undefined && kind === 'write') return watchRegister(state, text, spot, more)
    if (place.kind === 'register') await inMemory(state, text)
    const bytes = size === undefined ? place.size || 8 : wholeNumberIn(size, 'watch')
    const scope = location === undefined && place.kind === 'memory' ? await scopeOf(state, place.address) : null
    const watch = { address: place.address, size: bytes, kind, pid: state.pid, type: place.type }
    const point: Point = {
      number: state.nextNumber(),
      kind: 'watchpoint',
      what: text,
      enabled: true,
      temporary: false,
      hits: 0,
      places: [],
      watch,
      ...(scope !== null && { scope }),
      ...more,
    }
    state.points.push(point)
    state.say(`Watchpoint ${point.number}: ${text} (${bytes} bytes at 0x${place.address.toString(16)})\n`)
  }
}

/** The selected frame, if the address is in it. */
async function scopeOf(state: State, address: number): Promise<FrameScope | null> {
  const { frames } = await state.remote.frames(state.tid, state.level + 32)
  const cfa = frames[state.level]?.cfa ?? null
  const callee = frames.slice(0, state.level).findLast((one) => one.cfa !== null && one.cfa !== cfa)
  const caller = frames.slice(state.level + 1).find((one) => one.cfa !== cfa)
  if (cfa === null || caller === undefined || address >= cfa || address < (callee?.cfa ?? cfa - LARGEST_FRAME))
    return null
  return { tid: state.tid, cfa, returnsTo: caller.pc }
}

/** A register, or a variable that is in one here: each instruction of the thread is looked at. */
function watchRegister(state: State, what: string, register: RegisterSpot, more: object): void {
  const watch = { address: 0, size: 8, kind: 'write' as const, pid: state.pid, type: '', register }
  const number = state.nextNumber()
  state.points.push({
    number,
    kind: 'watchpoint',
    what,
    enabled: true,
    temporary: false,
    hits: 0,
    places: [],
    watch,
    ...more,
  })
  const where = register.within === undefined ? '' : `, which is in a register here: while its function is executed`
  state.say(`Watchpoint ${number}: ${what} (thread ${register.tid}${where})\n`)
}

function split(args: string): { rest: string; condition?: string; tid?: number } {
  const [, place, condition] = /^(.*?)(?:(?:^| )if\b *(.*))?$/s.exec(args)!
  const [, rest, tid] = /^(.*?)(?: +thread (\d+))?$/s.exec(place!)!
  return {
    rest: rest!.trim(),
    ...(condition !== undefined && { condition }),
    ...(tid !== undefined && { tid: Number(tid) }),
  }
}

function named(state: State, args: string): Point[] {
  if (args === '') return [...state.points]
  return args.split(/\s+/).map((text) => {
    const wanted = text === '$bpnum' ? state.points.at(-1)?.number : wholeNumberIn(text, 'number')
    const point = state.points.find(({ number }) => number === wanted)
    if (point === undefined) throw refusal(`No breakpoint number ${text}.`)
    return point
  })
}

/** All of them, or those with these numbers. */
export async function remove(state: State, args: string): Promise<void> {
  for (const point of named(state, args)) state.points.splice(state.points.indexOf(point), 1)
}

export function enabler(enabled: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    for (const point of named(state, args)) point.enabled = enabled
  }
}

/** `N [EXPRESSION]`: sets a condition, or takes it away. */
export async function condition(state: State, args: string): Promise<void> {
  const [, number, text] = /^(\S+) *(.*)$/s.exec(args) ?? []
  if (number === undefined) throw refusal('condition: the number of a breakpoint is expected')
  const [point] = named(state, number)
  if (text === '') delete point!.condition
  else point!.condition = text!
}

/** `ignore N COUNT`: passes over so many hits. */
export async function ignore(state: State, args: string): Promise<void> {
  const [number = '', count = ''] = args.split(/\s+/)
  if (number === '') throw refusal('ignore: the number of a breakpoint and a count are expected')
  const [point] = named(state, number)
  point!.ignore = wholeNumberIn(count, 'ignore')
  state.say(`Will ignore next ${count} crossings of breakpoint ${number}.\n`)
}

/** `clear [PLACE]`: deletes the breakpoints there. */
export async function clear(state: State, args: string): Promise<void> {
  const text = args === '' ? `*0x${(await state.frame()).pc.toString(16)}` : args
  const places = await placesOf(state, text)
  const there = (point: Point): boolean =>
    point.places.some((one) => places.some(({ address }) => address === one.address))
  const gone = state.points.filter(there)
  if (gone.length === 0) throw refusal(`No breakpoint at ${args === '' ? 'this instruction' : args}.`)
  for (const point of gone) state.points.splice(state.points.indexOf(point), 1)
  state.say(`Deleted breakpoint${gone.length === 1 ? '' : 's'} ${gone.map(({ number }) => number).join(' ')}\n`)
}

/** The points that `commands` means: those with these numbers, or the last one. */
export function commanded(state: State, args: string): Point[] {
  const points = args === '' ? state.points.slice(-1) : named(state, args)
  if (points.length === 0) throw refusal('commands: there is no breakpoint')
  return points
}

/** `info breakpoints`. */
export async function infoPoints(state: State): Promise<void> {
  if (state.points.length === 0) return state.say('No breakpoints or watchpoints.\n')
  state.say('Num     Type           Disp Enb What\n')
  for (const point of state.points) {
    const {
      number,
      kind,
      temporary,
      enabled,
      what,
      condition: when,
      hits,
      places,
      tid,
      ignore: passed = 0,
      commands = [],
    } = point
    const head = `${String(number).padEnd(7)} ${kind.padEnd(14)} ${temporary ? 'del ' : 'keep'} ${enabled ? 'y  ' : 'n  '}`
    state.say(`${head} ${what}\n`)
    for (const { text } of places) state.say(`\tat ${text}\n`)
    if (tid !== undefined) state.say(`\tonly thread ${tid}\n`)
    if (when !== undefined) state.say(`\tonly if ${when}\n`)
    if (passed > 0) state.say(`\tignore next ${passed} hits\n`)
    for (const one of commands) state.say(`        ${one}\n`)
    if (hits > 0) state.say(`\thit ${hits} time${hits === 1 ? '' : 's'}\n`)
  }
}
