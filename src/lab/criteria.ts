/** Exists to judge a run that came to its end without a signal: exit codes and outputs that a user calls failures. */
import type { RunEnding } from '../session/session.ts'
import type { Finding } from '../tool/finding.ts'
import type { Capture } from './capture.ts'

/** What of a run counts as a failure besides signals, deadlocks, limits and what checks find. Plain data. */
export interface Criteria {
  /** Exit codes: all but 0, these, or none. */
  exitCodes: 'nonzero' | number[]
  /** Regular expressions: a failure if one matches standard output or standard error. */
  matches: string[]
  /** The same: a failure if one matches neither. */
  lacks: string[]
  /** Streams that have to be what they are when no thread is interrupted. */
  expectSame: ('stdout' | 'stderr')[]
}

/** The criteria of a hunt that names none. */
export const NO_CRITERIA: Criteria = { exitCodes: [], matches: [], lacks: [], expectSame: [] }

const STREAMS = { stdout: 1, stderr: 2 } as const

/** A failure by `criteria` of a run that has exited, or null; `moment` and `seed` are the run's. */
export function judge(
  ending: RunEnding,
  capture: Capture,
  { exitCodes, matches, lacks }: Criteria,
  { moment, seed }: { moment: number; seed: number },
): Finding | null {
  if (ending.kind !== 'exit') return null
  const finding = (kind: string, what: string): Finding => ({ kind, what, moment, seed, others: [], remarks: [] })
  const { code } = ending
  if (exitCodes === 'nonzero' ? code !== 0 : exitCodes.includes(code))
    return finding('exit', `the program exited with code ${code}`)
  if (matches.length === 0 && lacks.length === 0) return null
  const texts = Object.entries(STREAMS).map(
    ([name, fd]) => [name, new TextDecoder().decode(capture.bytes(fd))] as const,
  )
  for (const pattern of matches) {
    for (const [name, text] of texts) {
      const found = new RegExp(pattern, 'm').exec(text)
      if (found !== null)
        return finding('output', `${name} matches /${pattern}/: ${shown(lineAround(text, found.index))}`)
    }
  }
  for (const pattern of lacks) {
    if (!texts.some(([, text]) => new RegExp(pattern, 'm').test(text)))
      return finding('output', `neither stdout nor stderr matches /${pattern}/`)
  }
  return null
}

/** A failure because a stream is another than in `reference`, the same run without interruptions; or null. */
export function compare(
  capture: Capture,
  reference: Capture,
  { expectSame }: Criteria,
  { moment, seed }: { moment: number; seed: number },
): Finding | null {
  for (const name of expectSame) {
    const [is, was] = [capture, reference].map((one) => new TextDecoder().decode(one.bytes(STREAMS[name])).split('\n'))
    const line = is!.findIndex((text, i) => text !== was![i])
    if (line < 0 && is!.length === was!.length) continue
    const at = line < 0 ? is!.length : line
    const text = (lines: string[]): string => (at < lines.length ? `'${shown(lines[at]!)}'` : 'not there')
    const what = `${name} differs from what it is when no thread is interrupted: line ${at + 1} is ${text(is!)}, and was ${text(was!)}`
    return { kind: 'output', what, moment, seed, others: [], remarks: [] }
  }
  return null
}

function lineAround(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  return text.slice(start, end < 0 ? undefined : end)
}

/** A line as a report may have it. */
export function shown(line: string): string {
  const clean = line.replace(/\p{Cc}/gu, '?')
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean
}
