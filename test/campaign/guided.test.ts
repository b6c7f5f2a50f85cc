/** A guided hunt comes to what no seed comes to, whatever the number of jobs; and a run that follows another one's decisions comes by the same places. */
import { describe, expect, test } from 'vitest'
import { Guided } from '../../src/campaign/guided.ts'
import { hunt, type HuntPlan, type HuntResult } from '../../src/campaign/hunt.ts'
import type { FailedOutcome, RunChange, RunPoint, SeedOutcome, Visited } from '../../src/campaign/outcome.ts'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { guidedName, visitedBy, type Visited as Noted } from '../../src/linux/scheduler/guided.ts'
import { strategyNamed } from '../../src/linux/scheduler/strategies.ts'
import { compile, patterns } from '../concurrency/patterns.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

/** Steps that each of two tasks makes in turn; it is a failure if they take turns all the way. */
const STEPS = 11

/** Executes by these decisions, and then at random: fails if tasks took turns. */
function execute(random: ReturnType<typeof randomFrom>, decisions: readonly number[]): Visited & { failed: boolean } {
  const at = [0, 0]
  const out: Visited = { cells: [], own: [], decisions: [] }
  let last = 1
  let alternates = true
  while (at[0]! < STEPS && at[1]! < STEPS) {
    // Whoever breaks the turn goes another way from then on.
    const cell = at[0]! * 1000 + at[1]! * 10 + (alternates ? 1 : 0)
    out.cells.push(cell)
    out.own.push(cell)
    const next = (decisions[out.decisions.length] ?? 2 * nextBelow(random, 2)) >> 1
    out.decisions.push(2 * next)
    alternates &&= next !== last
    at[next]!++
    last = next
  }
  return { ...out, failed: alternates }
}

function outcomeOf({ seed, cell, change }: RunPoint): SeedOutcome {
  const isGuided = change !== undefined && 'decisions' in change
  const { failed, ...visited } = isGuided
    ? execute(randomFrom(change.number, 'test'), change.decisions)
    : execute(randomFrom(seed, 'test'), [])
  const common = { seed, cell, count: 1, ending: { kind: 'exit', code: failed ? 1 : 0 } as const }
  if (!failed) return { ...common, kind: 'passed', ...(isGuided && { visited }) }
  return { ...common, kind: 'failed', hash: '', finding: {} as FailedOutcome['finding'], bundle: '', visited }
}

/** Hunts with so many runners, each of which takes its time; what was run at which position. */
async function hunted(
  jobs: number,
  plan: Partial<HuntPlan> = {},
): Promise<{ result: HuntResult; changes: Map<number, RunChange | undefined> }> {
  const changes = new Map<number, RunChange | undefined>()
  const never = new AbortController().signal
  const whole: HuntPlan = {
    firstSeed: 0,
    runs: 4000,
    jobs,
    until: 1,
    stopAtError: true,
    cells: 1,
    done: new Map(),
    director: new Guided(0),
    ...plan,
  }
  const result = await hunt(whole, {
    runner: (index) => ({
      async run(point) {
        changes.set(point.seed, point.change)
        for (let i = 0; i < (point.seed * 7 + index * 5) % 3; i++) await Promise.resolve()
        return outcomeOf(point)
      },
      close: async () => {},
    }),
    made: () => {},
    keep: () => ({ isNew: true }),
    discard: () => {},
    progress: () => {},
    falseStart: () => null,
    signal: never,
    deadline: never,
  })
  return { result, changes }
}

test('what seeds do not find in so many runs is found, whatever the number of jobs', async () => {
  const { result: alone } = await hunted(2, { director: undefined })
  expect(alone.failures).toBe(0)
  const one = await hunted(1)
  const three = await hunted(3)
  expect(one.result.failures).toBe(1)
  expect(three.result).toEqual(one.result)
  for (const [position, change] of one.changes)
    expect([position, three.changes.get(position)]).toEqual([position, change])
})

test('the first runs are left to their seeds, and those of an earlier sitting are not made again', async () => {
  const { changes } = await hunted(1, { runs: 300 })
  const isGuided = [...changes].filter(([, change]) => change !== undefined).map(([position]) => position)
  expect(Math.min(...isGuided)).toBeGreaterThanOrEqual(200)
  expect(isGuided.length).toBe(50)

  const done = new Map(Array.from({ length: 1000 }, (_, position) => [position, false]))
  const again = await hunted(2, { runs: 1500, done, until: Infinity })
  expect(Math.min(...again.changes.keys())).toBe(1000)
  expect([again.result.runs, again.changes.size]).toEqual([1500, 500])
})

test('a hunt that is taken up again goes on as if it had not been interrupted, also when it was killed a while after it kept what it had learned', async () => {
  const whole = await hunted(1, { until: Infinity, runs: 2500 })
  for (const [kept, killed, jobs] of [
    [1000, 1000, 3],
    [777, 1337, 2],
    [150, 600, 1],
  ] as const) {
    const before = new Guided(0)
    await hunted(jobs, { until: Infinity, runs: kept, director: before })
    const learned = structuredClone(before.save())
    const done = new Map(Array.from({ length: killed }, (_, position) => [position, false]))
    const after = await hunted(jobs, { until: Infinity, runs: 2500, done, director: new Guided(0, learned) })
    for (const [position, change] of after.changes)
      expect([kept, position, change]).toEqual([kept, position, whole.changes.get(position)])
    expect(after.changes.size).toBeLessThan(2500 - kept + 100)
    expect(after.result.runs).toBe(2500)
  }
})

test('a program in which there is nothing to decide is left to its seeds', () => {
  const director = new Guided(0)
  let guided = 0
  for (let position = 0; position < 1000; position++) {
    const change = director.next(position)
    const visited = change === undefined ? undefined : { cells: [], own: [], decisions: [] }
    if (change !== undefined) guided++
    const passed = { seed: 0, cell: 0, kind: 'passed', count: 1, ending: { kind: 'exit', code: 0 } } as const
    director.heard({ ...passed, visited }, position)
  }
  expect(guided).toBeGreaterThan(0)
  expect(guided).toBeLessThan(100)
})

describe('a machine', () => {
  const engine = newEngine()
  const path = compile(
    scratch(),
    patterns.find(({ name }) => name === 'philosophers')!,
    true,
  )
  const follow = (number: number, decisions: readonly number[]): { count: number; visited: Noted } => {
    const strategy = guidedName(number, decisions)
    const { machine } = machineFor(path, [], { seed: 0, strategy, processor: engine })
    const { ended } = machine.advance(20_000_000)
    const visited = visitedBy(machine.state.strategy)!
    const { count } = machine.state
    machine.release()
    expect(ended).toEqual({ kind: 'exit', code: 0 })
    return { count, visited }
  }

  test('comes by the same places for the same decisions, and elsewhere behind them', () => {
    const whole = follow(5, [])
    expect(whole.visited.decisions.length).toBeGreaterThan(50)
    expect([whole.visited.cells.length, whole.visited.own.length]).toEqual(
      Array.from({ length: 2 }, () => whole.visited.decisions.length),
    )
    const same = follow(6, whole.visited.decisions)
    expect(same).toEqual(whole)
    const half = whole.visited.decisions.slice(0, 40)
    const other = follow(6, half).visited
    expect(other.cells.slice(0, 41)).toEqual(whole.visited.cells.slice(0, 41))
    expect(other.decisions.slice(0, 40)).toEqual(half)
    expect(other.decisions).not.toEqual(whole.visited.decisions)
  })
})

test('decisions are written down shortly, and what cannot be read is refused', () => {
  expect(guidedName(7, [0, 0, 0, 3, 2])).toBe('guided:7:0*3.3.2')
  expect(strategyNamed('guided:7:').name).toBe('guided:7:')
  for (const name of ['guided:', 'guided:x:', 'guided:7:0*', 'guided:7:0..1', 'guided:7:0.'])
    expect(() => strategyNamed(name)).toThrow(/no decisions can be read/)
})
