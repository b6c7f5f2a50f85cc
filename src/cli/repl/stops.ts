/** Exists to tell where the run has come to, as gdb does: why, which frame, which line. */
import type { Stop } from '../../session/protocol.ts'
import { showDisplays } from './display.ts'
import { at, type Owners, type Point, pointOf, type State } from './state.ts'

/** The frame of the selected thread and its source line. */
export async function tellFrame(state: State, how: 'whole' | 'step' | 'unnumbered' = 'whole'): Promise<void> {
  if (state.tid === 0) return
  const frame = await state.frame()
  const { file, line } = frame
  const source = file === null || line === null ? undefined : (await state.remote.source(file))?.[line - 1]
  const key = `${state.tid} ${frame.function} ${frame.cfa}`
  // Who steps within a function knows where it is.
  const isKnown = how === 'step' && key === state.told && source !== undefined
  if (!isKnown) state.say(`${how === 'whole' ? frame.text : frame.text.replace(/^#\d+ +/, '')}\n`)
  state.told = key
  if (source !== undefined) state.say(`${line}\t${source}\n`)
  else if (file === null) {
    const [instruction] = await state.remote.instructions(state.pid, frame.pc, 1)
    if (instruction !== undefined) state.say(`=> 0x${frame.pc.toString(16)}:\t${instruction.text}\n`)
  }
  if (file !== null && line !== null) state.listed = { file, next: line, first: line }
}

/** Takes over where the run stands now, and tells it. `owners`: whose the stops and watches of the request are. */
export async function arrive(state: State, stop: Stop, owners: Owners): Promise<void> {
  const switched = stop.tid !== 0 && stop.tid !== state.tid
  state.stop = stop
  state.select(stop.pid, stop.tid)
  if (switched) state.say(`[Switching to thread ${stop.tid} "${await state.threadName(stop.tid)}"]\n`)
  const point = pointOf(stop, owners)
  if (point !== undefined) point.hits++
  state.hit = point ?? null
  if (point?.temporary === true) state.points.splice(state.points.indexOf(point), 1)
  if (stop.trouble !== undefined && point !== undefined)
    state.say(`\nError in testing condition for ${headOf(point).toLowerCase()}:\n${stop.trouble}\n`)
  if (point?.commands?.[0] === 'silent') return
  switch (stop.why) {
    case 'stop':
      state.say(`\n${headOf(point!)} at ${at(stop.moment)}${point!.kind === 'catchpoint' ? ` (${point!.what})` : ''}, `)
      break
    case 'watch':
      tellWatch(state, stop, point!)
      break
    case 'end':
      tellEnd(state, stop)
      break
    case 'start':
      state.say(`\nNo more reverse-execution history: this is ${at(stop.moment)}, the start of the run.\n`)
      break
    case 'interrupted':
      state.say(`\nInterrupted at ${at(stop.moment)}.\n`)
      break
    case 'call':
    case 'signal': {
      const what = stop.why === 'call' ? `returned from ${stop.text?.replace(/\) +=/, ') =')}` : `signal ${stop.text}`
      state.say(
        point === undefined
          ? `${at(stop.moment)} ${stop.text ?? ''}\n`
          : `\n${headOf(point)} at ${at(stop.moment)} (${what})\n`,
      )
      break
    }
    case 'switch':
    case 'moment':
      state.say(`${at(stop.moment)} thread ${stop.tid}\n`)
      break
    case 'step':
      break
  }
  await tellFrame(state, stop.why === 'step' ? 'step' : stop.why === 'stop' ? 'unnumbered' : 'whole')
  if (state.tid !== 0) await showDisplays(state)
}

/** `Temporary catchpoint 3`. */
function headOf({ kind, temporary, number }: Point): string {
  const name = temporary ? `Temporary ${kind}` : kind[0]!.toUpperCase() + kind.slice(1)
  return `${name} ${number}`
}

function tellWatch(state: State, { moment, before, after, byKernel }: Stop, point: Point): void {
  const who = byKernel === true ? ', by a system call' : ''
  state.say(`\nWatchpoint ${point.number} at ${at(moment)}: ${point.what}${who}\n\n`)
  if (point.watch!.kind === 'read') return state.say(`Value = ${valueText(after)}\n`)
  state.say(`Old value = ${valueText(before)}\nNew value = ${valueText(after)}\n`)
}

/** Bytes as a number where they are few. */
export function valueText(bytes: Uint8Array | null | undefined): string {
  if (bytes === null || bytes === undefined) return '<unreadable>'
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'))
  if (bytes.length > 8) return hex.join(' ')
  const value = BigInt(`0x${hex.toReversed().join('') || '0'}`)
  return `${BigInt.asIntN(8 * bytes.length, value)} (0x${value.toString(16)})`
}

function tellEnd(state: State, { ending, moment }: Stop): void {
  if (ending === undefined) return
  const where = `${at(moment)}, the end of the run`
  switch (ending.kind) {
    case 'exit':
      return state.say(`\nThe program is about to exit with code ${ending.code}: this is ${where}.\n`)
    case 'signal':
      return state.say(
        `\nThread ${ending.tid} received signal ${ending.name} (${ending.codeName}, address ${ending.address}) at ${where}.\n`,
      )
    case 'deadlock':
      return state.say(`\nEvery thread waits for ever: this is ${where}.\n`)
    case 'instruction-limit':
      return state.say(`\nThe limit of instructions was reached: this is ${where}.\n`)
    case 'time-limit':
      return state.say(`\nThe time limit was reached: this is ${where}.\n`)
  }
}
