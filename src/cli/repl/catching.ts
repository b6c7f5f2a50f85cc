/** Exists for `catch`: stops at system calls, signals, processes that come and go, and exceptions. */
import type { CatchPoint } from '../../session/protocol.ts'
import { placesOf, type Point, refusal, type State } from './state.ts'

/** Functions that stand for what happens to exceptions (Itanium C++ ABI, 2.4). */
const EXCEPTIONS: Record<string, [string, string]> = {
  throw: ['__cxa_throw', 'exception thrown'],
  rethrow: ['__cxa_rethrow', 'exception rethrown'],
  catch: ['__cxa_begin_catch', 'exception caught'],
}

/** Calls by which processes come, and become others. */
const CALLS: Record<string, string> = {
  fork: '^(fork\\(|clone3?\\((?!.*CLONE_(VM|THREAD)))',
  vfork: '^(vfork\\(|clone3?\\((?=.*CLONE_VFORK))',
  exec: '^execve(at)?\\(.* = 0$',
}

/** `catch EVENT [WHICH…] [if EXPR]`. */
export function catcher(temporary: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const [, event = '', rest = '', condition] = /^(\S*) *(.*?)(?:(?:^| +)if\b *(.*))?$/s.exec(args)!
    const point: Point = {
      number: 0,
      kind: 'catchpoint',
      what: event,
      set: `${event}${rest === '' ? '' : ` ${rest}`}`,
      enabled: true,
      temporary,
      hits: 0,
      places: [],
      ...(condition !== undefined && { condition }),
    }
    const exception = EXCEPTIONS[event]
    if (exception !== undefined) {
      const [name, what] = exception
      // The very beginning of the function: its arguments are in their registers.
      const [first] = await placesOf(state, `*${name}`).catch(() => [])
      if (first === undefined) throw refusal(`catch ${event}: the program has no ${name}`)
      point.places.push({ address: first.address, text: `0x${first.address.toString(16)} in ${name}` })
      point.what = what
    } else {
      point.catches = caught(event, rest)
      point.what = `${event}${rest === '' ? '' : ` ${rest}`}`
    }
    point.number = state.nextNumber()
    state.points.push(point)
    state.say(`${temporary ? 'Temporary catchpoint' : 'Catchpoint'} ${point.number} (${point.what})\n`)
  }
}

function caught(event: string, rest: string): CatchPoint {
  const words = rest.split(/\s+/).filter((one) => one !== '')
  if (event === 'syscall') {
    for (const word of words)
      if (!/^\w+$/.test(word)) throw refusal(`catch syscall: a name is expected, not '${word}'`)
      else if (/^\d+$/.test(word)) throw refusal(`catch syscall: ${word}: give the call by its name, such as write`)
    return { kind: 'call', pattern: words.length === 0 ? '' : `^(${words.join('|')})\\(` }
  }
  if (event === 'signal') {
    const names = words.filter((one) => one !== 'all').map((one) => (one.startsWith('SIG') ? one : `SIG${one}`))
    return { kind: 'signal', pattern: names.length === 0 ? '' : `^(${names.join('|')})$` }
  }
  const pattern = CALLS[event]
  if (pattern !== undefined) return { kind: 'call', pattern }
  throw refusal(
    event === '' ? 'catch: which event?' : `catch ${event}: that cannot be caught`,
    'syscall [NAME…], signal [NAME…], fork, vfork, exec, throw, rethrow, catch',
  )
}

/** `handle SIGNAL… stop`: as `catch signal`. What else gdb's has (`nostop noprint pass`) is how it is here anyhow. */
export async function handler(state: State, args: string): Promise<void> {
  const words = args.split(/[\s,]+/).filter((one) => one !== '')
  const signals = words.filter((one) => /^(SIG[A-Z0-9+-]+|all)$/.test(one))
  if (signals.length === 0) throw refusal('handle: which signal?', 'handle SIGUSR1 stop, handle SIGUSR1 nostop')
  const isOf = ({ catches, set }: Point): boolean =>
    catches?.kind === 'signal' && signals.some((one) => set === `signal ${one}`)
  const had = state.points.filter(isOf)
  if (words.includes('nostop') || words.includes('noprint'))
    for (const point of had) state.points.splice(state.points.indexOf(point), 1)
  else if (words.includes('stop'))
    for (const one of signals.filter((name) => !had.some(({ set }) => set === `signal ${name}`)))
      await catcher(false)(state, `signal ${one}`)
  if (words.includes('nopass') || words.includes('ignore'))
    throw refusal('handle: signals were delivered as they were', 'lemming branch runs a changed clone on')
}
