/** Exists for the commands that move the run: steps, continue, both directions, and going to a moment. */
import type { StepUnit } from '../../session/protocol.ts'
import { pointOf, type State, wholeNumberIn, refusal } from './state.ts'
import { arrive } from './stops.ts'

/** Steps of one kind, as often as the argument says. */
export function stepper(unit: StepUnit, back: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const times = args === '' ? 1 : wholeNumberIn(args, 'step')
    const { stops, stopsOf } = state.active()
    for (let i = 0; i < times; i++) {
      if (unit === 'out')
        state.say(`Run ${back ? 'back to call of' : 'till exit from'} ${(await state.frame()).text}\n`)
      const stop = await state.remote.step({ tid: state.tid, unit, back, stops: back ? [] : stops })
      if (i < times - 1 && stop.why === 'step') continue
      await arrive(state, stop, { stopsOf, watchesOf: [] })
      break
    }
  }
}

/** To the next point, or the one before. */
export function goer(back: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const times = args === '' ? 1 : wholeNumberIn(args, 'continue')
    for (let i = 0; i < times; i++) {
      const { stops, watches, catches, ...owners } = state.active()
      const stop = await state.remote.go({ back, pid: state.pid, tid: state.tid, stops, watches, catches })
      const point = pointOf(stop, owners)
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

/** `seek @N`, `seek start`, `seek end`, `seek -1000`, `seek +1000`. */
export async function seek(state: State, args: string): Promise<void> {
  const position = await state.remote.position()
  const text = args.replace(/^@/, '')
  const relative = /^([+-])(\d+)$/.exec(text)
  const moment =
    text === 'start'
      ? 0
      : text === 'end'
        ? position.end
        : relative !== null
          ? Math.max(0, position.moment + Number(relative[1] + relative[2]!))
          : wholeNumberIn(text, 'seek')
  if (moment > position.end) throw refusal(`@${moment} is behind the end of the run, which is @${position.end}`)
  await arrive(state, await state.remote.seek(moment), { stopsOf: [], watchesOf: [] })
}

/** To a line of the selected frame's file, or another place: a breakpoint that is hit once, whatever others there are. */
export async function until(state: State, args: string): Promise<void> {
  if (args === '') return stepper('line-over', false)(state, '')
  const places = await state.remote.code(state.tid, state.level, args)
  const { stops, watches, catches, ...owners } = state.active()
  const own = places.map(({ address }) => ({ address, tid: state.tid }))
  const request = { back: false, pid: state.pid, tid: state.tid, stops: [...stops, ...own], watches, catches }
  const stop = await state.remote.go(request)
  const reached = stop.why === 'stop' && stop.index! >= stops.length
  await arrive(state, reached ? { ...stop, why: 'step' } : stop, owners)
}
