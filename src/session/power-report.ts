/** Exists to say what a loss of power has to do with how a run ended: what was not on the disk, who had written it, and whether it is the cause. */
import type { RunEnding, RunInputs } from '../replay/recording.ts'
import type { Subject } from '../replay/subject.ts'
import type { Frame, MissingChange, PowerLossReport, ThreadState } from '../tool/finding.ts'
import type { FileChange, PowerLoss } from '../tool/power-loss.ts'
import type { Session } from './session.ts'
import type { Inflate } from './stacks.ts'
import { named, Visits, type Stop } from './visits.ts'

/** Missing changes that are told, with their places. */
const TOLD = 40
const PLACED = 24
/** Instructions that finding out the cause may take, and runs. */
const EFFORT = 2_000_000_000
const TRIALS = 32

/** The report, or null for a run that has not lost power. `start` makes the machine of a run that differs by its inputs at most. */
export function powerReport(
  session: Session,
  inflate: Inflate,
  start: (inputs: RunInputs) => Subject,
): PowerLossReport | null {
  const { subject, inputs, world } = session
  const loss = subject.powerLoss()
  if (loss === null) return null
  const ending = session.runToEnd()
  const visits = new Visits(world, inflate)
  const stops = loss.missing.slice(0, PLACED)
  if (!loss.ended) visits.want(last(loss), 0)
  for (const change of stops) if (change.pid !== 0) visits.want(change, 0)
  if (!visits.isIdle) {
    const again = start(inputs)
    visits.run(again)
    again.release()
  }
  const { anyway, needed } = causeOf(loss, ending, inputs, subject.count, start)
  const seen = loss.ended ? undefined : visits.at(last(loss))
  const told = [...loss.missing].sort((a, b) => Number(needed?.has(b.id) ?? false) - Number(needed?.has(a.id) ?? false))
  const missing = told.slice(0, TOLD).map((change): MissingChange => {
    const place = placeOf(visits.at(change)?.thread)
    return { ...change, ...(place && { place }), isNeeded: needed?.has(change.id) ?? false }
  })
  const { model, moment, ended, unsynced, kept, recovery } = loss
  return {
    model,
    moment,
    ended,
    ...(seen && { thread: named(seen.thread, null) }),
    unsynced,
    kept,
    missing: missing.toSorted((a, b) => a.id - b.id),
    anyway,
    reduced: needed !== null,
    recovery,
  }
}

function last({ moment, pid, tid }: PowerLoss): Stop {
  return { moment, pid, tid }
}

/** Where the program itself was: the innermost frame with a source line, or at least a name outside of the C library. */
function placeOf(thread: ThreadState | undefined): Frame | undefined {
  const frames = thread?.stack.frames ?? []
  return (
    frames.find(({ text }) => text !== undefined) ??
    frames.find(({ module }) => !/\/lib(c|pthread)[.-]/.test(module ?? ''))
  )
}

/** Runs the recovery on other states of the disk: with everything there, and then with as much as possible. */
function causeOf(
  { missing, unsynced, kept }: PowerLoss,
  ending: RunEnding,
  inputs: RunInputs,
  count: number,
  start: (inputs: RunInputs) => Subject,
): { anyway: boolean | null; needed: Set<number> | null } {
  let left = Math.min(TRIALS, Math.floor(EFFORT / Math.max(1, count)))
  if (left === 0 || (ending.kind === 'exit' && ending.code === 0)) return { anyway: null, needed: null }
  /** Whether it ends in the same way with these on the disk; null: it cannot be told. */
  const endsSo = (spare: number[] | 'all'): boolean | null => {
    left--
    try {
      return kindOf(endingOf(inputs, spare, count, start)) === kindOf(ending)
    } catch {
      // A recorded world cannot answer what the run did not ask.
      return null
    }
  }
  const anyway = missing.length === 0 ? true : endsSo('all')
  if (anyway !== false || missing.length < unsynced - kept) return { anyway, needed: null }
  const spared: number[] = []
  let needed = [...missing]
  for (let size = Math.ceil(needed.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < needed.length && needed.length > 1 && left > 0;) {
      const part = needed.slice(at, at + size)
      if (part.length < needed.length && endsSo([...spared, ...part.map(({ id }) => id)]) === true) {
        spared.push(...part.map(({ id }) => id))
        needed = needed.filter((one: FileChange) => !part.includes(one))
      } else at += size
    }
  }
  return { anyway, needed: new Set(needed.map(({ id }) => id)) }
}

function endingOf(
  inputs: RunInputs,
  spare: number[] | 'all',
  count: number,
  start: (inputs: RunInputs) => Subject,
): RunEnding | null {
  const { options } = inputs
  const powerLoss = { ...options.powerLoss!, spare }
  const subject = start({ ...inputs, options: { ...options, powerLoss } })
  try {
    subject.advance(2 * count + 10_000_000)
    return subject.ending()
  } finally {
    subject.release()
  }
}

/** Endings are the same whatever addresses and threads there were. */
function kindOf(ending: RunEnding | null): string {
  if (ending === null) return 'none'
  if (ending.kind === 'exit') return `exit ${ending.code}`
  return ending.kind === 'signal' ? `signal ${ending.signal}` : ending.kind
}
