/** Exists for the commands that gdb does not have: moments, last writers, turns of threads, output. */
import { powerLines } from '../../report/power.ts'
import type { PowerLoss } from '../../tool/power-loss.ts'
import { placeText } from '../answers.ts'
import { heapText } from '../heap-text.ts'
import { beforeLoss, lossOf } from './going.ts'
import { interleaving } from './questions.ts'
import { at, inMemory, refusal, type State, wholeNumberIn } from './state.ts'
import { valueText } from './stops.ts'

export async function moment(state: State): Promise<void> {
  const { moment: now, end, elapsed, tid, seed, powerLoss } = await state.remote.position()
  const turn = tid === 0 ? '' : `; thread ${tid} has the turn`
  state.say(`${at(now)} of ${at(end)}, ${(elapsed / 1e9).toFixed(6)} s of the program's time, seed ${seed}${turn}\n`)
  if (powerLoss !== null) state.say(`${powerText(powerLoss)}\n`)
}

/** One line about a loss of power, with the command that tells more. */
export function powerText({ moment: lost, unsynced, kept }: PowerLoss): string {
  const gone = unsynced - kept
  const what =
    gone === 0 ? 'nothing was lost' : `${gone} of ${unsynced} unsynced changes of files did not reach the disk`
  return `power was lost at ${at(lost)}: ${what} (\`power\` lists them)`
}

/** `power`: when it was lost, and what was not on the disk then. */
export async function power(state: State): Promise<void> {
  const loss = lossOf(await state.remote.position())
  const missing = loss.missing.map((change) => ({ ...change, isNeeded: false }))
  const report = { ...loss, missing, anyway: null, reduced: false }
  state.say(
    `${powerLines(report)
      .map((line) => line.slice(2))
      .join('\n')}\n`,
  )
  state.say(
    `seek ${at(beforeLoss(loss))} goes to right before it, seek ${at(loss.moment + 1)} to the recovery (process ${loss.recoveryPid})\n`,
  )
}

/** `heap [live | peak | total | blocks] [N]`: what is allocated at this moment, at the peak and in all, by stack. */
export async function heap(state: State, args: string): Promise<void> {
  const found = /^(live|peak|total|blocks)? *(\d+)?$/.exec(args)
  if (found === null) throw refusal(`heap ${args}: live, peak, total or blocks is expected, and a number of stacks`)
  const [, by = 'live', count] = found
  const most = count === undefined ? 10 : wholeNumberIn(count, 'heap')
  const request = { pid: state.pid, by: by as 'live', depth: 12, most, allocators: [] }
  state.say(heapText(await state.remote.heap(request)))
}

/** `last-write EXPRESSION`, `last-write ADDRESS [SIZE]`; `-x`: however long it takes to be sure that nobody stored the same once more. */
export async function lastWrite(state: State, args: string): Promise<void> {
  const [, exact, text, size] = /^(-x +)?(.*?)(?: +(\d+))?$/s.exec(args) as unknown as [
    string,
    string | undefined,
    string,
    string?,
  ]
  if (text === '') throw refusal('last-write: an expression or an address is expected')
  const { address, size: known, type } = await inMemory(state, text)
  const bytes = size === undefined ? known || 8 : wholeNumberIn(size, 'last-write')
  const writer = await state.remote.lastWrite({ pid: state.pid, address, size: bytes, exact: exact !== undefined })
  state.say(
    `${text} (${known === 0 ? '' : `${type}, `}${bytes} byte${bytes === 1 ? '' : 's'} at 0x${address.toString(16)})`,
  )
  if (writer === null) return state.say(' was never written before this moment\n')
  const how = writer.byKernel ? ', by the system call that begins there' : ''
  state.say(` was written at ${at(writer.moment)} by thread ${writer.tid} "${writer.name}"${how}\n`)
  state.say(`  before  ${valueText(writer.before)}\n  after   ${valueText(writer.after)}\n`)
  for (const [i, frame] of writer.stack.frames.entries()) {
    const line = frame.text === undefined ? '' : `   ${frame.text}`
    state.say(`#${String(i).padEnd(3)} ${placeText(frame)}${line}\n`)
  }
  state.say(`seek ${at(writer.moment - 1)} goes to right before it\n`)
  if (writer.unseen === null) return
  const { from, to } = writer.unseen
  state.say(`between ${at(from)} and ${at(to)} it came out as it was; last-write -x also looks there\n`)
}

/** `threads [N]`: the last turns before this moment, one line each, one column a thread. `threads EXPRESSION`: accesses to that. */
export async function turns(state: State, args: string): Promise<void> {
  if (!/^\d*$/.test(args)) return interleaving(state, args)
  const found = await state.remote.turns(args === '' ? 20 : wholeNumberIn(args, 'threads'))
  const tids = [...new Set(found.map(({ tid }) => tid))].toSorted((a, b) => a - b)
  state.say(
    `${'from'.padStart(14)} ${'instructions'.padStart(12)}  ${tids.map((tid) => String(tid).padEnd(6)).join('')}\n`,
  )
  for (const { from, to, tid, place } of found) {
    const columns = tids.map((one) => (one === tid ? '██' : '·').padEnd(6)).join('')
    state.say(`${at(from).padStart(14)} ${String(to - from).padStart(12)}  ${columns}${placeText(place)}\n`)
  }
}

/** `out`: what the program has written up to this moment, with moments. */
export async function output(state: State): Promise<void> {
  const pieces = await state.remote.output()
  if (pieces.length === 0) state.say('nothing was written up to this moment\n')
  for (const { moment: when, fd, bytes } of pieces) {
    const text = Buffer.from(bytes).toString()
    state.say(
      `${at(when).padStart(12)} ${fd === 1 ? 'out' : 'err'} │ ${text.replace(/\n$/, '').replaceAll('\n', `\n${' '.repeat(17)}│ `)}\n`,
    )
  }
}

/** `declare typedef struct {…} name;` */
export async function declare(state: State, args: string): Promise<void> {
  state.say(`declared: ${(await state.remote.declare(state.pid, args)).join(', ')}\n`)
}
