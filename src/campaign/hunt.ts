/** Exists as the hunt itself: runs in order on several runners, with a result that does not depend on how many there are. */
import type { Director } from './director.ts'
import type { FailedOutcome, PlainError, Runner, RunPoint, SeedOutcome } from './outcome.ts'

/** What to run. */
export interface HuntPlan {
  firstSeed: number
  /** Runs over all cells: positions 0 … runs - 1; Infinity for no bound. */
  runs: number
  jobs: number
  /** Failures after which the hunt is over, Infinity for never; or a failure in a bucket that nobody has seen before. */
  until: number | 'new-bucket'
  /** Whether a run that cannot be executed ends the hunt. */
  stopAtError: boolean
  /** Cells of a matrix, which take turns: position p is cell p % cells with seed firstSeed + floor(p / cells). */
  cells: number
  /** Runs that an earlier sitting of the same campaign has made: by position, whether they failed. */
  done: ReadonlyMap<number, boolean>
  /** Who chooses the runs; absent where seeds do. If it needs to hear of earlier sittings' runs, they are executed again; they are not counted twice. */
  director?: Director
}

/** What a hunt needs from those around it. */
export interface HuntParts {
  runner(index: number): Runner
  /** Called once for every run, as soon as it is over, in whatever order they end; failures come to `keep` instead. */
  made(outcome: SeedOutcome, position: number, seconds: number): void
  /** Called for each failure of the result, in the order of positions; whether its bucket is new. */
  keep(outcome: FailedOutcome, position: number, seconds: number): { isNew: boolean }
  /** A failure that does not belong to the result: of a higher position than the one at which the hunt stopped. */
  discard(outcome: FailedOutcome): void
  /** Called after each run, with how many runs and failures there were so far, in whatever order they ended. */
  progress(runs: number, failures: number): void
  /** Asked once, with the outcomes of the first few positions: what is wrong if the program does not even begin its work, or null. */
  falseStart(first: readonly SeedOutcome[]): FalseStart | null
  /** Aborting it ends the hunt at once; the failures found so far are kept. */
  signal: AbortSignal
  /** The same, when the time is over. */
  deadline: AbortSignal
}

/** Why a hunt is no hunt. */
export interface FalseStart {
  what: string
  next: string
}

/** What ended a hunt. */
export type StopReason =
  | 'runs'
  | 'failures'
  | 'new-bucket'
  | 'time'
  | 'interrupted'
  | 'error'
  | 'false-start'
  | 'exhausted'

/** What a hunt found, earlier sittings included. `runs` counts the runs up to the one at which it stopped. */
export interface HuntResult {
  runs: number
  failures: number
  /** Runs that lemming could not execute to their end, of this sitting. */
  errors: { seed: number; error: PlainError }[]
  interrupted: boolean
  reason: StopReason
  /** Positions from here on do not belong to the result; Infinity if all do that were made. */
  end: number
  falseStart: FalseStart | null
}

/** Runs that are looked at for a false start. */
const FIRST = 5

interface Made {
  outcome: SeedOutcome
  seconds: number
}

/**
 * Runs positions until enough have failed, all are done, or a signal is aborted. A result counts only when those of all lower positions are
 * there, so that the failure that ends a hunt is the one with the lowest position, whichever runner was faster.
 */
export async function hunt(plan: HuntPlan, parts: HuntParts): Promise<HuntResult> {
  const result: HuntResult = {
    runs: 0,
    failures: 0,
    errors: [],
    interrupted: false,
    reason: 'runs',
    end: Infinity,
    falseStart: null,
  }
  /** Outcomes that wait for those of lower positions. */
  const early = new Map<number, Made>()
  const first: SeedOutcome[] = []
  const wanted = Math.min(plan.runs, Math.max(FIRST, plan.cells))
  /** Positions from here on are executed again. */
  const again = plan.director?.again ?? Infinity
  let next = 0
  let frontier = 0
  /** Positions from here on cannot matter any more. */
  let cap = plan.runs
  /** Runners for which the director has nothing yet. */
  const waiting: (() => void)[] = []
  let over = false
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  for (const failed of plan.done.values()) {
    result.runs++
    if (failed) result.failures++
  }
  let made = result.runs
  let failed = result.failures

  const stopAt = (reason: StopReason): void => {
    // What ended the hunt from outside stays the reason.
    if (over) return
    cap = frontier
    result.reason = reason
    result.end = frontier
  }
  const count = ({ outcome, seconds }: Made, position: number): void => {
    plan.director?.heard(outcome, position)
    if (plan.done.has(position)) {
      if (outcome.kind === 'failed') parts.discard(outcome)
      return
    }
    result.runs++
    if (outcome.kind === 'failed') {
      result.failures++
      const { isNew } = parts.keep(outcome, position, seconds)
      if (plan.until === 'new-bucket' ? isNew : result.failures >= plan.until)
        stopAt(plan.until === 'new-bucket' ? 'new-bucket' : 'failures')
    } else if (outcome.kind === 'error') {
      result.errors.push({ seed: outcome.seed, error: outcome.error })
      if (plan.stopAtError) stopAt('error')
    }
    if (over || plan.done.size > 0 || first.length >= wanted) return
    first.push(outcome)
    if (first.length < wanted || result.end < Infinity) return
    result.falseStart = parts.falseStart(first)
    if (result.falseStart !== null) stopAt('false-start')
  }
  /** Counts what can be counted; sees to it that the frontier is behind all that was made. */
  const advance = (): void => {
    while (frontier < cap) {
      const ready = early.get(frontier)
      if (ready === undefined && (frontier >= again || !plan.done.has(frontier))) break
      early.delete(frontier++)
      if (ready !== undefined) count(ready, frontier - 1)
      else plan.director?.heard(null, frontier - 1)
    }
    if (frontier >= cap) stop()
    for (const go of waiting.splice(0)) go()
  }
  const settle = (entry: Made, position: number): void => {
    const { outcome, seconds } = entry
    const isKnown = plan.done.has(position)
    if (!isKnown) made++
    if (outcome.kind !== 'failed') parts.made(outcome, position, seconds)
    else if (!isKnown) failed++
    if (isKnown) {
      // It was counted when it was made.
    } else if (outcome.kind === 'failed' ? plan.until === 1 : outcome.kind === 'error' && plan.stopAtError)
      cap = Math.min(cap, position + 1)
    early.set(position, entry)
    parts.progress(made, failed)
    advance()
  }
  const stop = (): void => {
    over = true
    for (const go of waiting.splice(0)) go()
    finish()
  }
  const interrupt = (): void => {
    if (over) return
    result.interrupted = true
    result.reason = 'interrupted'
    stop()
  }
  const timeUp = (): void => {
    if (over) return
    result.reason = 'time'
    stop()
  }

  const loop = async (runner: Runner): Promise<void> => {
    while (!over) {
      while (next < again && plan.done.has(next)) next++
      if (next >= cap) return
      const change = plan.director?.next(next)
      if (change === 'wait') {
        await new Promise<void>((go) => waiting.push(go))
        continue
      }
      if (change === null) {
        result.reason = 'exhausted'
        cap = next
        advance()
        return
      }
      const position = next++
      const point: RunPoint = { seed: plan.firstSeed + Math.floor(position / plan.cells), cell: position % plan.cells }
      if (change !== undefined) point.change = change
      const began = performance.now()
      let outcome: SeedOutcome
      try {
        outcome = await runner.run(point)
      } catch (error) {
        if (over) return
        outcome = {
          seed: point.seed,
          cell: point.cell,
          kind: 'error',
          error: { code: 'worker-failed', message: String(error) },
        }
      }
      const entry = { outcome, seconds: (performance.now() - began) / 1000 }
      if (!over) settle(entry, position)
      else early.set(position, entry)
    }
  }

  if (plan.until !== 'new-bucket' && result.failures >= plan.until) result.reason = 'failures'
  else if (parts.signal.aborted) interrupt()
  else if (parts.deadline.aborted) timeUp()
  else if (plan.runs > plan.done.size || again === 0) {
    parts.signal.addEventListener('abort', interrupt)
    parts.deadline.addEventListener('abort', timeUp)
    const runners = Array.from({ length: Math.min(plan.jobs, plan.runs) }, (_, index) => parts.runner(index))
    const loops = runners.map(loop)
    await Promise.race([finished, Promise.all(loops)])
    over = true
    await Promise.all(runners.map((runner) => runner.close()))
    await Promise.all(loops)
    parts.signal.removeEventListener('abort', interrupt)
    parts.deadline.removeEventListener('abort', timeUp)
  }
  // A hunt that was interrupted, or whose time was over, keeps what it found, though lower positions were still running.
  const cut = result.reason === 'interrupted' || result.reason === 'time'
  for (const [position, entry] of [...early].toSorted(([a], [b]) => a - b)) {
    if (cut && position < cap) count(entry, position)
    else if (entry.outcome.kind === 'failed') parts.discard(entry.outcome)
  }
  return result
}
