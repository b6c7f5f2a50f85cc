/** What a hunt finds depends on its seeds alone: not on how many runners there are, nor on which of them is faster. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { falseStartOf, looksLikeUsage } from '../../src/campaign/false-start.ts'
import { hunt, type HuntParts, type HuntPlan, type HuntResult } from '../../src/campaign/hunt.ts'
import type { Runner, RunPoint, SeedOutcome } from '../../src/campaign/outcome.ts'

const never = (): never => {
  throw new Error('not called')
}

type Fate = 'passed' | 'failed' | 'error'

function outcomeOf(point: RunPoint, kind: Fate): SeedOutcome {
  const { seed } = point
  if (kind === 'error') return { ...point, kind, error: { code: 'unsupported-instruction', message: 'bytes' } }
  const ending = { kind: 'exit', code: 0 } as const
  if (kind === 'passed') return { ...point, kind, count: seed, ending }
  const finding = { kind: 'crash', what: '', moment: 0, seed, others: [], remarks: [] }
  return { ...point, kind, count: seed, hash: '', ending, finding, bundle: `bundle-${seed}` }
}

/** Hunts with runners for which seed i takes `delays[i]` turns of the event loop; what happened, in order. */
async function trial(
  plan: HuntPlan,
  fate: (seed: number) => Fate,
  delay: (seed: number) => number,
  abortAfter = Infinity,
  more: Partial<HuntParts> = {},
): Promise<{ result: HuntResult; kept: number[]; discarded: number[]; started: number[]; made: number[] }> {
  const kept: number[] = []
  const discarded: number[] = []
  const started: number[] = []
  const made: number[] = []
  const abort = new AbortController()
  const runner = (): Runner => {
    let closed = false
    return {
      async run(point) {
        const { seed } = point
        started.push(seed)
        for (let turn = delay(seed); turn > 0; turn--) {
          await new Promise(setImmediate)
          if (closed) throw new Error('closed')
        }
        return outcomeOf(point, fate(seed))
      },
      async close() {
        closed = true
      },
    }
  }
  const result = await hunt(plan, {
    runner,
    made: ({ seed }) => made.push(seed),
    keep(outcome) {
      kept.push(outcome.seed)
      return { isNew: false }
    },
    discard: (outcome) => discarded.push(outcome.seed),
    progress: (runs) => runs >= abortAfter && abort.abort(),
    falseStart: () => null,
    signal: abort.signal,
    deadline: new AbortController().signal,
    ...more,
  })
  return { result, kept, discarded, started, made }
}

const plan = (more: Partial<HuntPlan> = {}): HuntPlan => ({
  firstSeed: 0,
  runs: 10,
  jobs: 1,
  until: 1,
  stopAtError: more.until === undefined,
  cells: 1,
  done: new Map(),
  ...more,
})

describe('one job', () => {
  test('stops at the first failure', async () => {
    const { result, kept, started } = await trial(
      plan(),
      (seed) => (seed >= 3 ? 'failed' : 'passed'),
      () => 0,
    )
    expect(result).toMatchObject({ runs: 4, failures: 1, errors: [], interrupted: false, reason: 'failures', end: 4 })
    expect([kept, started]).toEqual([[3], [0, 1, 2, 3]])
  })

  test('runs all seeds when none fails, from the first one on', async () => {
    const { result, started } = await trial(
      plan({ firstSeed: 5, runs: 3 }),
      () => 'passed',
      () => 1,
    )
    expect(result).toMatchObject({ runs: 3, failures: 0, errors: [], interrupted: false, reason: 'runs' })
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
      plan({ until: Infinity }),
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
        trial(plan({ runs: list.length, jobs: n, ...(keepGoing && { until: Infinity }) }), (seed) => list[seed]!, pause)
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
      plan({ jobs: 2, until: Infinity }),
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
    const { result, started } = await trial(plan(), never, never, 0, { signal, runner: never, keep: never })
    expect(result).toMatchObject({ runs: 0, failures: 0, errors: [], interrupted: true, reason: 'interrupted' })
    expect(started).toEqual([])
  })
})

test('a runner that dies is an error of its seed', async () => {
  const runner = (): Runner => ({ run: async () => Promise.reject(new Error('gone')), close: async () => {} })
  const { result } = await trial(plan(), never, never, Infinity, { runner })
  expect(result.errors).toEqual([{ seed: 0, error: { code: 'worker-failed', message: 'Error: gone' } }])
})

describe('budgets', () => {
  test('until three failures: the first three, in order, for any number of jobs', async () => {
    for (const jobs of [1, 3, 5]) {
      const { result, kept, made } = await trial(
        plan({ until: 3, jobs }),
        (seed) => (seed % 2 === 1 ? 'failed' : 'passed'),
        (seed) => (seed * 7) % 4,
      )
      expect([result.runs, result.reason, result.end, kept]).toEqual([6, 'failures', 6, [1, 3, 5]])
      expect(made.filter((seed) => seed < 6).toSorted((a, b) => a - b)).toEqual([0, 2, 4])
    }
  })

  test('until a new bucket: failures of known ones do not end it', async () => {
    const { result, kept } = await trial(
      plan({ until: 'new-bucket' }),
      () => 'failed',
      () => 0,
      Infinity,
      {
        keep: ({ seed }) => {
          kept2.push(seed)
          return { isNew: seed === 4 }
        },
      },
    )
    expect([result.runs, result.reason, kept, kept2]).toEqual([5, 'new-bucket', [], [0, 1, 2, 3, 4]])
  })
  const kept2: number[] = []

  test('when the time is over what was found is kept, and nothing is an interruption', async () => {
    const deadline = new AbortController()
    const { result, kept } = await trial(
      plan({ jobs: 2, until: Infinity }),
      (seed) => (seed > 0 ? 'failed' : 'passed'),
      (seed) => (seed === 0 ? 1000 : 1),
      Infinity,
      { deadline: deadline.signal, progress: (runs) => runs >= 2 && deadline.abort() },
    )
    expect(result).toMatchObject({ runs: 2, failures: 2, interrupted: false, reason: 'time', end: Infinity })
    expect(kept).toEqual([1, 2])
  })

  test('no bound but a failure', async () => {
    const { result } = await trial(
      plan({ runs: Infinity, jobs: 2 }),
      (seed) => (seed === 70 ? 'failed' : 'passed'),
      () => 0,
    )
    expect([result.runs, result.failures]).toEqual([71, 1])
  })
})

describe('resumed', () => {
  test('makes only the runs that are not there, and counts all', async () => {
    const done = new Map([0, 1, 3, 4, 8].map((position) => [position, position === 3]))
    const { result, started, kept } = await trial(
      plan({ until: Infinity, jobs: 2, done }),
      (seed) => (seed === 7 ? 'failed' : 'passed'),
      () => 1,
    )
    expect(started.toSorted((a, b) => a - b)).toEqual([2, 5, 6, 7, 9])
    expect(result).toMatchObject({ runs: 10, failures: 2, reason: 'runs' })
    expect(kept).toEqual([7])
  })

  test('failures of earlier sittings count for the budget', async () => {
    const done = new Map([[1, true]])
    const { result, kept } = await trial(
      plan({ until: 2, done }),
      () => 'failed',
      () => 0,
    )
    expect([result.runs, result.failures, kept]).toEqual([2, 2, [0]])
    const over = await trial(plan({ until: 1, done }), never, never)
    expect([over.result.reason, over.started]).toEqual(['failures', []])
  })
})

test('cells of a matrix take turns, each with all seeds', async () => {
  const points: string[] = []
  const { result } = await trial(plan({ firstSeed: 5, runs: 6, cells: 3, until: Infinity }), never, never, Infinity, {
    runner: () => ({
      async run(point) {
        points.push(`${point.seed}/${point.cell}`)
        return outcomeOf(point, 'passed')
      },
      close: async () => {},
    }),
  })
  expect(points).toEqual(['5/0', '5/1', '5/2', '6/0', '6/1', '6/2'])
  expect(result.runs).toBe(6)
})

describe('false starts', () => {
  test('the first runs are judged once, in order, and end the hunt', async () => {
    const judged: number[][] = []
    const { result, kept } = await trial(
      plan({ until: Infinity, jobs: 2, runs: 50 }),
      () => 'failed',
      (seed) => 5 - (seed % 5),
      Infinity,
      {
        falseStart: (first) => {
          judged.push(first.map(({ seed }) => seed))
          return { what: 'nothing', next: 'something' }
        },
      },
    )
    expect(judged).toEqual([[0, 1, 2, 3, 4]])
    expect(result).toMatchObject({ runs: 5, reason: 'false-start', end: 5, falseStart: { what: 'nothing' } })
    expect(kept).toEqual([0, 1, 2, 3, 4])
  })

  const exits = (code: number, said: string): SeedOutcome => ({
    seed: 0,
    cell: 0,
    kind: 'passed',
    count: 9,
    ending: { kind: 'exit', code },
    said,
  })
  const five = (make: (i: number) => SeedOutcome): SeedOutcome[] => Array.from({ length: 5 }, (_, i) => make(i))

  test('are usage messages, errors, and failures that no seed changes', () => {
    expect(falseStartOf(five(() => exits(2, 'usage: x')))?.what).toBe(
      'the first 5 runs all exited with code 2, saying: usage: x',
    )
    expect(falseStartOf(five(() => exits(127, '')))?.what).toContain(
      '(a command is not there, or one of its libraries is not)',
    )
    expect(falseStartOf(five((seed) => outcomeOf({ seed, cell: 0 }, 'error')))?.what).toContain(
      'could not be executed: bytes',
    )
    const failed = (count: number): SeedOutcome =>
      ({ ...outcomeOf({ seed: 1, cell: 0 }, 'failed'), count }) as SeedOutcome
    const crash = (count: number): SeedOutcome =>
      ({ ...failed(count), alone: true, ending: { kind: 'deadlock', waiting: [] } }) as SeedOutcome
    expect(falseStartOf(five(() => crash(1000)))?.what).toContain('all failed after about 1000 instructions')
    expect(falseStartOf(five((i) => crash(1000 + i)))).not.toBeNull()
    expect(falseStartOf(five((i) => crash(1000 + 20 * i)))).toBeNull()
    expect(falseStartOf(five(() => ({ ...crash(1000), alone: false }) as SeedOutcome))).toBeNull()
  })

  test('are not programs that work, sometimes fail, or were hardly tried', () => {
    expect(falseStartOf(five(() => exits(0, '')))).toBeNull()
    expect(falseStartOf(five((i) => exits(i % 2, 'no')))).toBeNull()
    expect(falseStartOf(five((i) => exits(1, `attempt ${i} failed`)))).toBeNull()
    expect(falseStartOf([exits(2, 'usage'), exits(2, 'usage')])).toBeNull()
  })

  test('one failure alone may look like a wrong command', () => {
    expect(looksLikeUsage(exits(1, "x: unrecognized option '-q'"))).toBe(true)
    expect(looksLikeUsage(exits(127, ''))).toBe(true)
    expect(looksLikeUsage(exits(1, 'lost 3 items'))).toBe(false)
  })
})
