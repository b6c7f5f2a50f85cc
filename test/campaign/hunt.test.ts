/** What a hunt finds depends on its seeds alone: not on how many runners there are, nor on which of them is faster. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hunt, type HuntPlan, type HuntResult } from '../../src/campaign/hunt.ts'
import type { FailedOutcome, Runner, SeedOutcome } from '../../src/campaign/outcome.ts'

type Fate = 'passed' | 'failed' | 'error'

function outcomeOf(seed: number, kind: Fate): SeedOutcome {
  if (kind === 'error') return { seed, kind, error: { code: 'unsupported-instruction', message: 'bytes' } }
  const ending = { kind: 'exit', code: 0 } as const
  if (kind === 'passed') return { seed, kind, count: seed, ending }
  const finding = { kind: 'crash', what: '', moment: 0, seed, others: [], remarks: [] }
  return { seed, kind, count: seed, hash: '', ending, finding, bundle: `bundle-${seed}` }
}

/** Hunts with runners for which seed i takes `delays[i]` turns of the event loop; what happened, in order. */
async function trial(
  plan: HuntPlan,
  fate: (seed: number) => Fate,
  delay: (seed: number) => number,
  abortAfter = Infinity,
): Promise<{ result: HuntResult; kept: number[]; discarded: number[]; started: number[] }> {
  const kept: number[] = []
  const discarded: number[] = []
  const started: number[] = []
  const abort = new AbortController()
  const runner = (): Runner => {
    let closed = false
    return {
      async run(seed) {
        started.push(seed)
        for (let turn = delay(seed); turn > 0; turn--) {
          await new Promise(setImmediate)
          if (closed) throw new Error('closed')
        }
        return outcomeOf(seed, fate(seed))
      },
      async close() {
        closed = true
      },
    }
  }
  const result = await hunt(plan, {
    runner,
    keep: (outcome: FailedOutcome) => kept.push(outcome.seed),
    discard: (outcome: FailedOutcome) => discarded.push(outcome.seed),
    progress: (runs) => runs >= abortAfter && abort.abort(),
    signal: abort.signal,
  })
  return { result, kept, discarded, started }
}

const plan = (more: Partial<HuntPlan> = {}): HuntPlan => ({
  firstSeed: 0,
  runs: 10,
  jobs: 1,
  keepGoing: false,
  ...more,
})

describe('one job', () => {
  test('stops at the first failure', async () => {
    const { result, kept, started } = await trial(
      plan(),
      (seed) => (seed >= 3 ? 'failed' : 'passed'),
      () => 0,
    )
    expect(result).toEqual({ runs: 4, failures: 1, errors: [], interrupted: false })
    expect([kept, started]).toEqual([[3], [0, 1, 2, 3]])
  })

  test('runs all seeds when none fails, from the first one on', async () => {
    const { result, started } = await trial(
      plan({ firstSeed: 5, runs: 3 }),
      () => 'passed',
      () => 1,
    )
    expect(result).toEqual({ runs: 3, failures: 0, errors: [], interrupted: false })
    expect(started).toEqual([5, 6, 7])
  })

  test('stops at a run that cannot be executed', async () => {
    const { result } = await trial(
      plan(),
      (seed) => (seed === 2 ? 'error' : 'passed'),
      () => 0,
    )
    expect(result.errors.map(({ seed, error }) => `${seed} ${error.code}`)).toEqual(['2 unsupported-instruction'])
    expect(result.runs).toBe(3)
  })

  test('goes on if it is told to', async () => {
    const { result, kept } = await trial(
      plan({ keepGoing: true }),
      (seed) => (seed % 3 === 1 ? 'failed' : seed === 5 ? 'error' : 'passed'),
      () => 0,
    )
    expect(result).toMatchObject({ runs: 10, failures: 3, errors: [{ seed: 5 }] })
    expect(kept).toEqual([1, 4, 7])
  })
})

test('a slow failure with a lower seed wins over a fast one with a higher seed', async () => {
  const { result, kept, discarded } = await trial(
    plan({ jobs: 3 }),
    (seed) => (seed === 0 || seed === 2 ? 'failed' : 'passed'),
    (seed) => (seed === 0 ? 50 : 1),
  )
  expect([result.runs, kept, discarded]).toEqual([1, [0], [2]])
})

test('the result does not depend on the number of jobs or on their speed', async () => {
  const fates = fc.array(fc.constantFrom<Fate>('passed', 'passed', 'passed', 'failed', 'error'), {
    minLength: 1,
    maxLength: 20,
  })
  const delays = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 7 })
  const property = fc.asyncProperty(
    fates,
    delays,
    fc.integer({ min: 1, max: 6 }),
    fc.boolean(),
    async (list, pauses, jobs, keepGoing) => {
      const run = (n: number, pause: (seed: number) => number) =>
        trial(plan({ runs: list.length, jobs: n, keepGoing }), (seed) => list[seed]!, pause)
      const alone = await run(1, () => 0)
      const together = await run(jobs, (seed) => pauses[seed % pauses.length]!)
      expect([together.result, together.kept]).toEqual([alone.result, alone.kept])
      // Every failure that was made is kept or discarded, never both.
      expect(together.discarded.filter((seed) => together.kept.includes(seed))).toEqual([])
    },
  )
  await fc.assert(property, { numRuns: 200 })
  expect.assertions(400)
})

describe('interrupted', () => {
  test('keeps what it found, though lower seeds are still running', async () => {
    const { result, kept } = await trial(
      plan({ jobs: 2, keepGoing: true }),
      (seed) => (seed > 0 ? 'failed' : 'passed'),
      (seed) => (seed === 0 ? 1000 : 1),
      2,
    )
    expect(result.interrupted).toBe(true)
    expect(kept).toEqual([1, 2])
    expect(result).toMatchObject({ runs: 2, failures: 2 })
  })

  test('before it began', async () => {
    const signal = AbortSignal.abort()
    const never = (): never => {
      throw new Error('not called')
    }
    const result = await hunt(plan(), { runner: never, keep: never, discard: never, progress: never, signal })
    expect(result).toEqual({ runs: 0, failures: 0, errors: [], interrupted: true })
  })
})

test('a runner that dies is an error of its seed', async () => {
  const runner = (): Runner => ({ run: async () => Promise.reject(new Error('gone')), close: async () => {} })
  const ignore = (): void => {}
  const result = await hunt(plan(), {
    runner,
    keep: ignore,
    discard: ignore,
    progress: ignore,
    signal: new AbortController().signal,
  })
  expect(result.errors).toEqual([{ seed: 0, error: { code: 'worker-failed', message: 'Error: gone' } }])
})
