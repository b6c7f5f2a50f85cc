/** Exists for the commands that move the run: steps, continue, both directions, and going to a moment. */
import { LemmingError } from '../../base/errors.ts'
import type { PowerLoss } from '../../tool/power-loss.ts'
import type { Position, StepUnit, Stop, StopPoint } from '../../session/protocol.ts'
import { type FrameScope, placesOf, type Point, pointOf, type State, wholeNumberIn, refusal } from './state.ts'
import { arrive } from './stops.ts'

/** Steps of one kind, as often as the argument says. */
export function stepper(unit: StepUnit, back: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const times = args === '' ? 1 : wholeNumberIn(args, 'step')
    const { stops, stopsOf } = state.active()
    for (let i = 0; i < times; i++) {
      if (unit === 'out') state.say(`Run back to call of ${(await state.frame()).text}\n`)
      const stop = await state.remote.step({ tid: state.tid, unit, back, stops: back ? [] : stops })
      if (i < times - 1 && stop.why === 'step') continue
      await arrive(state, stop, { stopsOf, watchesOf: [] })
      break
    }
  }
}

/** Instructions by which an inlined call is left; it is rarely longer. */
const MOST_INLINED = 20_000

/** `finish`: out of the selected frame, with what its function returns. */
export async function finish(state: State): Promise<void> {
  const { remote, tid, level } = state
  const frame = await state.frame()
  const { stops, stopsOf } = state.active()
  const { frames } = await remote.frames(tid, level + 2)
  const caller = frames[level + 1]
  state.say(`Run till exit from ${frame.text}\n`)
  const owners = { stopsOf, watchesOf: [] }
  if (caller === undefined || frame.cfa === null) return arrive(state, await out(), owners)
  if (caller.cfa === frame.cfa) {
    // An inlined call: as long as its frame, or one inside of it, is there.
    for (let i = 0; i < MOST_INLINED; i++) {
      const stop = await remote.step({ tid, unit: 'instruction-over', back: false, stops })
      const now = stop.why === 'step' ? (await remote.frames(tid, level + 2)).frames : []
      const isInside = now.some((one) => one.cfa === frame.cfa && one.function === frame.function)
      if (!isInside) return arrive(state, stop, owners)
    }
    throw refusal('finish: the inlined call goes on', 'until LINE or advance LINE go to a line')
  }
  const type = await returned(state, frame.function)
  const stop = level === 0 ? await out() : await leave(frame.cfa, caller.pc)
  await arrive(state, stop, owners)
  if (type === null || stop.why !== 'step') return
  const value = /^(double|float)$/.test(type)
    ? `$xmm0.${type === 'float' ? 'v4_float' : 'v2_double'}[0]`
    : `(${type}) $rax`
  try {
    state.say(`Value returned is ${await remote.print(state.tid, 0, value, state.how)}\n`)
  } catch (error) {
    // A structure is returned elsewhere.
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
  }

  function out(): Promise<Stop> {
    return remote.step({ tid, unit: 'out', back: false, stops })
  }

  /** Goes on to the caller of an outer frame. */
  async function leave(cfa: number, address: number): Promise<Stop> {
    const own = returnOf({ tid, cfa, returnsTo: address })
    const request = { back: false, pid: state.pid, tid, stops: [...stops, own], watches: [] }
    const reached = await remote.go(request)
    return reached.why === 'stop' && reached.index! >= stops.length ? { ...reached, why: 'step' } : reached
  }
}

/** What a function returns, as C writes it; null for nothing, and for what nobody knows. */
async function returned(state: State, name: string | null): Promise<string | null> {
  try {
    const plain = name?.replace(/\(.*$/s, '') ?? ''
    const type = await state.remote.whatis(state.tid, state.level, plain, false)
    const [, result = 'void'] = /^([^(]*[^( ]) *\([^()]*\)$/.exec(type) ?? []
    return result === 'void' ? null : result
  } catch (error) {
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
    return null
  }
}

/** Where a frame has been left: a call of the same place deeper down does not count. */
function returnOf({ tid, cfa, returnsTo }: FrameScope): StopPoint {
  return { address: returnsTo, tid, condition: `(unsigned long) $sp >= ${cfa}` }
}

async function isThere(state: State, { tid, cfa }: FrameScope): Promise<boolean> {
  const { frames } = await state.remote.frames(tid, MOST_FRAMES)
  return frames.some((one) => one.cfa === cfa)
}

/** A variable is gone with its frame, and what watches it. */
async function leave(state: State, point: Point, stop: Stop): Promise<void> {
  state.points.splice(state.points.indexOf(point), 1)
  state.say(
    `\nWatchpoint ${point.number} deleted because the program has left the block in\nwhich its expression is valid.\n`,
  )
  await arrive(state, { ...stop, why: 'step' }, { stopsOf: [], watchesOf: [] })
}

/** Frames among which one is looked for. */
const MOST_FRAMES = 10_000

/** To the next point, or the one before. */
export function goer(back: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const times = args === '' ? 1 : wholeNumberIn(args, 'continue')
    for (let i = 0; i < times; i++) {
      const { stops, watches, catches, ...owners } = state.active()
      const scoped = back ? [] : owners.watchesOf.filter(({ scope }) => scope !== undefined)
      const ends = scoped.map(({ scope }) => returnOf(scope!))
      const request = { back, pid: state.pid, tid: state.tid, stops: [...stops, ...ends], watches, catches }
      const stop = await state.remote.go(request)
      const left = stop.why === 'stop' ? scoped[stop.index! - stops.length] : undefined
      if (left !== undefined) return leave(state, left, { ...stop, why: 'step' })
      const point = pointOf(stop, owners)
      if (point?.scope !== undefined && !(await isThere(state, point.scope))) return leave(state, point, stop)
      const isHit = point !== undefined
      if (point?.ignore !== undefined && point.ignore > 0) {
        point.ignore--
        point.hits++
        i--
        continue
      }
      if (isHit && i < times - 1) {
        if (point !== undefined) point.hits++
        continue
      }
      await arrive(state, stop, owners)
      break
    }
  }
}

/** The loss of power of a run that has one. */
export function lossOf({ powerLoss }: Position): PowerLoss {
  if (powerLoss === null) throw refusal('power was not lost in this run', 'lemming hunt --fault crash loses it')
  return powerLoss
}

/** The last moment before it at which there is a thread: one that ends with its process is none any more. */
export function beforeLoss({ moment, ended }: PowerLoss): number {
  return ended ? moment - 1 : moment
}

/** `seek power`, `seek @N`, `seek start`, `seek end`, `seek -1000`, `seek +1000`. */
export async function seek(state: State, args: string): Promise<void> {
  const position = await state.remote.position()
  const text = args.replace(/^@/, '')
  const relative = /^([+-])(\d+)$/.exec(text)
  const moment =
    text === 'start'
      ? 0
      : text === 'end'
        ? position.end
        : text === 'power'
          ? beforeLoss(lossOf(position))
          : relative !== null
            ? Math.max(0, position.moment + Number(relative[1] + relative[2]!))
            : wholeNumberIn(text, 'seek')
  if (moment > position.end) throw refusal(`@${moment} is behind the end of the run, which is @${position.end}`)
  await arrive(state, await state.remote.seek(moment), { stopsOf: [], watchesOf: [] })
}

/** To a line of the selected frame's file, or another place: a breakpoint that is hit once, whatever others there are. */
export async function until(state: State, args: string): Promise<void> {
  if (args === '') return stepper('line-over', false)(state, '')
  const places = await placesOf(state, args)
  const { stops, watches, catches, ...owners } = state.active()
  const own = places.map(({ address }) => ({ address, tid: state.tid }))
  const request = { back: false, pid: state.pid, tid: state.tid, stops: [...stops, ...own], watches, catches }
  const stop = await state.remote.go(request)
  const reached = stop.why === 'stop' && stop.index! >= stops.length
  await arrive(state, reached ? { ...stop, why: 'step' } : stop, owners)
}

/** The run stands at its start, and nothing is said of it. */
export async function toStart(state: State): Promise<void> {
  const { pid, tid } = await state.remote.seek(0)
  state.select(pid, tid)
}

/** `start`: from the start to main. */
export async function starter(state: State): Promise<void> {
  await toStart(state)
  await until(state, 'main')
}
