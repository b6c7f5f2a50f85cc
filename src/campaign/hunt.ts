/** Exists as the hunt itself: seeds in order on several runners, with a result that does not depend on how many there are. */
import type { FailedOutcome, PlainError, Runner, SeedOutcome } from './outcome.ts'

/** What to run. */
export interface HuntPlan {
  firstSeed: number
  /** Seeds firstSeed … firstSeed + runs - 1. */
  runs: number
  jobs: number
  /** Go on behind a failure. */
  keepGoing: boolean
}

/** What a hunt needs from those around it. */
export interface HuntParts {
  runner(index: number): Runner
  /** Called for each failure of the result, in the order of the seeds. */
  keep(outcome: FailedOutcome): void
  /** A failure that does not belong to the result: a higher seed than the one at which the hunt stopped. */
  discard(outcome: FailedOutcome): void
  /** Called after each run, with how many runs and failures there were so far, in whatever order they ended. */
  progress(runs: number, failures: number): void
  /** Aborting it ends the hunt at once; the failures found so far are kept. */
  signal: AbortSignal
}

/** What a hunt found. `runs` counts the seeds that were run up to the one at which it stopped. */
export interface HuntResult {
  runs: number
  failures: number
  /** Runs that lemming could not execute to their end; without keepGoing the first one ends the hunt. */
  errors: { seed: number; error: PlainError }[]
  interrupted: boolean
}

/**
 * Runs seeds until one fails (without keepGoing), all are done, or the signal is aborted. A result counts only when those of all lower seeds are
 * there, so that the failure that ends a hunt is the one with the lowest seed, whichever runner was faster.
 */
export async function hunt(plan: HuntPlan, parts: HuntParts): Promise<HuntResult> {
  const result: HuntResult = { runs: 0, failures: 0, errors: [], interrupted: false }
  const end = plan.firstSeed + plan.runs
  /** Outcomes that wait for those of lower seeds. */
  const early = new Map<number, SeedOutcome>()
  let next = plan.firstSeed
  let frontier = plan.firstSeed
  /** Seeds from here on cannot matter any more. */
  let cap = end
  let made = 0
  let failed = 0
  let over = false
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()

  const count = (outcome: SeedOutcome): void => {
    result.runs++
    if (outcome.kind === 'failed') {
      result.failures++
      parts.keep(outcome)
    } else if (outcome.kind === 'error') result.errors.push({ seed: outcome.seed, error: outcome.error })
  }
  const settle = (outcome: SeedOutcome): void => {
    made++
    if (outcome.kind === 'failed') failed++
    if (outcome.kind !== 'passed' && !plan.keepGoing) cap = Math.min(cap, outcome.seed + 1)
    early.set(outcome.seed, outcome)
    parts.progress(made, failed)
    for (let ready = early.get(frontier); ready !== undefined && frontier < cap; ready = early.get(frontier)) {
      early.delete(frontier++)
      count(ready)
    }
    if (frontier >= cap) stop()
  }
  const stop = (): void => {
    over = true
    finish()
  }
  const interrupt = (): void => {
    result.interrupted = true
    stop()
  }

  const loop = async (runner: Runner): Promise<void> => {
    while (!over && next < cap) {
      const seed = next++
      let outcome: SeedOutcome
      try {
        outcome = await runner.run(seed)
      } catch (error) {
        if (over) return
        outcome = { seed, kind: 'error', error: { code: 'worker-failed', message: String(error) } }
      }
      if (over) early.set(seed, outcome)
      else settle(outcome)
    }
  }

  if (parts.signal.aborted) interrupt()
  else if (plan.runs > 0) {
    parts.signal.addEventListener('abort', interrupt)
    const runners = Array.from({ length: Math.min(plan.jobs, plan.runs) }, (_, index) => parts.runner(index))
    const loops = runners.map(loop)
    await Promise.race([finished, Promise.all(loops)])
    over = true
    await Promise.all(runners.map((runner) => runner.close()))
    await Promise.all(loops)
    parts.signal.removeEventListener('abort', interrupt)
  }
  for (const outcome of [...early.values()].toSorted((a, b) => a.seed - b.seed)) {
    // An interrupted hunt keeps what it found, though lower seeds were still running.
    if (result.interrupted && outcome.seed < cap) count(outcome)
    else if (outcome.kind === 'failed') parts.discard(outcome)
  }
  return result
}
