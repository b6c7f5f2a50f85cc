/** Exists for the commands that ask about the whole past of a run: lines, histories, interleavings. */
import { historyText, interleavingOf, interleavingText, linesText, whyText } from '../answers.ts'
import type { Remote } from '../../session/protocol.ts'
import { inMemory, refusal, type State, wholeNumberIn } from './state.ts'

/** Accesses that are shown, unless more are asked for. */
const SHOWN = 20

/** Which lines `FILE:A-B`, `FILE:LINE`, `A-B`, `LINE` or a function mean; `here` is the file that is looked at. */
export async function linesMeant(
  remote: Remote,
  tid: number,
  text: string,
  here: string | null,
): Promise<{ file: string; from: number; to: number }> {
  const [, file = here, from, to] = /^(?:(.+):)?(\d+)(?:-(\d+))?$/.exec(text) ?? []
  if (from === undefined) return remote.extent(tid, text)
  if (file === null) throw refusal('which file? FILE:A-B')
  const [first, last] = [Number(from), Number(to ?? from)]
  if (last < first) throw refusal(`${text}: the last line comes before the first`)
  return { file, from: first, to: last }
}

/** `lines FILE:A-B [if CONDITION]`, `lines FUNCTION`. */
export async function lines(state: State, args: string): Promise<void> {
  const [, what, condition] = /^(.*?)(?: +if\b *(.*))?$/s.exec(args)!
  const frame = await state.frame()
  const text = what === '' ? (frame.function ?? '') : what!
  const range = await linesMeant(state.remote, state.tid, text, frame.file)
  const info = await state.remote.lines({ tid: state.tid, ...range, ...(condition !== undefined && { condition }) })
  state.say(linesText(info, await state.remote.source(info.file)))
}

/** `[-r] EXPRESSION [SIZE]` as the commands about memory take it. */
function accessed(args: string, command: string): { reads: boolean; text: string; size?: number } {
  const [, reads, text, size] = /^(-r\b *)?(.*?)(?: +(\d+))?$/s.exec(args)!
  if (text === '') throw refusal(`${command}: an expression or an address is expected`)
  return { reads: reads !== undefined, text: text!, ...(size !== undefined && { size: wholeNumberIn(size, command) }) }
}

/** `history EXPRESSION`, `history ADDRESS [SIZE]`; with `-r` reads, too. */
export async function history(state: State, args: string): Promise<void> {
  const { reads, text, size } = accessed(args, 'history')
  const { pid, tid, level, remote } = state
  const info = await remote.accesses({ tid, level, text, size, reads, most: SHOWN })
  const [only, ...others] = info.ranges
  const owners = others.length > 0 ? [] : await remote.owners({ pid, address: only!.address, most: SHOWN })
  state.say(historyText(text, info, owners, reads))
}

/** The interleaving table around a place in memory: `threads EXPRESSION`. */
export async function interleaving(state: State, args: string): Promise<void> {
  const { text, size } = accessed(args, 'threads')
  if (!text.includes('[*]')) await inMemory(state, text)
  const { tid, level, remote } = state
  const info = await remote.accesses({ tid, level, text, size, reads: true, most: SHOWN })
  state.say(interleavingText(interleavingOf(info), false))
}

/** `why [EXPRESSION]`: where a value came from; the one that led to the crash without one. */
export async function why(state: State, args: string): Promise<void> {
  state.say(whyText(await state.remote.why(state.tid, state.level, args === '' ? null : args)))
}
