/** Exists for what gdb's `monitor` passes on: the questions that gdb has no words for. */
import { LemmingError } from '../base/errors.ts'
import type { Remote, Stop } from '../session/protocol.ts'

/** Does a command of `lemming replay` that looks and does not move, in the innermost frame of a thread; what it says. Throws for what cannot be done. */
export type Ask = (line: string, pid: number, tid: number) => Promise<string>

/** The commands that are passed on, with their help. */
const QUESTIONS: Record<string, string> = {
  moment: 'which moment this is, and the last one',
  'last-write':
    '[-x] EXPR | ADDR [N]: who wrote it (these N bytes) last: moment, thread, stack, value before and after',
  history: '[-r] EXPR | ADDR [N]: whose it was, and who wrote it (-r: or read it)',
  why: '[EXPR] where a value came from; without one, the address of the crash',
  lines: 'FILE:A-B | FUNCTION: how often lines and branches were executed so far',
  who: 'ADDR: mapping, symbol, block, stack',
  find: '"TEXT" | [SIZE] NUMBER | hex DIGITS: where it is in memory, and what it may be',
  threads: '[N | EXPR] the last turns of threads, or accesses to EXPR, one column a thread',
  out: 'what the program has written so far, and when',
  print: '[/FORMAT] EXPR: which may call functions of the program, in a clone',
  heap: '[live | peak | total | blocks] [N]: what is allocated, by stack',
  power: 'when power was lost, and what was not on the disk then',
  declare: 'C declarations, for those questions',
}

const row = (name: string, text: string): string => `${name.padEnd(12)} ${text}\n`

const HELP = [
  row('seek', '@N | start | end: go to a moment; then: maintenance flush register-cache'),
  ...Object.entries(QUESTIONS).map(([name, text]) => row(name, text)),
].join('')

/** What to print, and where the run stands if it has moved. */
export async function monitor(
  { remote, ask }: { remote: Remote; ask: Ask },
  line: string,
  pid: number,
  tid: number,
): Promise<{ said: string; stop?: Stop }> {
  const [word = '', argument] = line.split(/\s+/)
  if (word === 'seek') {
    const { end } = await remote.position()
    const moment = argument === 'start' ? 0 : argument === 'end' ? end : Number(argument?.replace(/^@/, ''))
    if (!Number.isInteger(moment) || moment < 0) return { said: 'seek: give a moment, such as @1200\n' }
    const stop = await remote.seek(moment)
    return {
      said: `@${stop.moment}, thread ${stop.tid}\nmaintenance flush register-cache makes gdb look again\n`,
      stop,
    }
  }
  if (!Object.hasOwn(QUESTIONS, word)) return { said: HELP }
  try {
    return { said: await ask(line, pid, tid) }
  } catch (error) {
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
    return { said: `${error.message}\n${error.next === undefined ? '' : `  ${error.next}\n`}` }
  }
}
