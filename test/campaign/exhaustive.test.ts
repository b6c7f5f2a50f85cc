/** An enumeration of schedules makes each of them once: as many as there are by counting, whatever the number of jobs; and in a machine all results that there can be. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { boundOf, Exhaustive, type ChosenRun } from '../../src/campaign/exhaustive.ts'
import { hunt, type HuntPlan, type HuntResult } from '../../src/campaign/hunt.ts'
import type { ChoiceTrace, Runner, SeedOutcome } from '../../src/campaign/outcome.ts'
import { choicesName, placesOf } from '../../src/linux/scheduler/choices.ts'
import { compile, patterns } from '../concurrency/patterns.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

/** Steps of each task on the one variable that they share, or on one of their own (null). */
type Program = readonly (readonly ('shared' | null)[])[]

/** Executes a program of steps by these choices; which task made each step. */
function execute(program: Program, { choices }: ChosenRun): { order: string; trace: ChoiceTrace } {
  const at = program.map(() => 0)
  const trace: ChoiceTrace = { places: [], isCut: false }
  let order = ''
  let now = -1
  for (;;) {
    const left = program.flatMap((steps, i) => (at[i]! < steps.length ? [i] : []))
    if (left.length === 0) return { order, trace }
    const stays = left.includes(now)
    const options = stays ? [now, ...left.filter((i) => i !== now)] : left
    const address = stays && program[now]![at[now]!] === null ? 1000 + 64 * now : 64
    if (options.length > 1 || stays) {
      const taken = choices.find(({ place }) => place === trace.places.length)?.option ?? 0
      const access = stays ? { tid: now + 1, address, bytes: 8, stores: true } : null
      trace.places.push({ options: options.length, preempts: stays, access })
      now = options[taken]!
    } else now = options[0]!
    order += program[now]![at[now]!] === null ? '' : now
    at[now]!++
  }
}

/** All orders of the steps with at most so many switches away from a task that has steps left. */
function orders(left: readonly number[], bound: number, now = -1): string[] {
  if (left.every((n) => n === 0)) return ['']
  return left.flatMap((n, i) => {
    const cost = now >= 0 && i !== now && left[now]! > 0 ? 1 : 0
    if (n === 0 || cost > bound) return []
    return orders(
      left.map((other, j) => (j === i ? other - 1 : other)),
      bound - cost,
      i,
    ).map((rest) => `${i}${rest}`)
  })
}

const passed = (position: number, trace: ChoiceTrace): SeedOutcome => ({
  seed: position,
  cell: 0,
  kind: 'passed',
  count: 1,
  ending: { kind: 'exit', code: 0 },
  trace,
})

/** Enumerates with so many runners, each of which takes its time. */
async function enumerate(
  run: (change: ChosenRun, position: number) => SeedOutcome,
  bound: number,
  more: Partial<HuntPlan> = {},
): Promise<{ result: HuntResult; director: Exhaustive }> {
  const director = new Exhaustive(bound, 7)
  const runner = (index: number): Runner => ({
    async run({ seed, change }) {
      for (let turn = (seed * 7 + index) % 5; turn > 0; turn--) await new Promise(setImmediate)
      return run(change as ChosenRun, seed)
    },
    async close() {},
  })
  const plan = { firstSeed: 0, runs: Infinity, jobs: 1, until: Infinity, stopAtError: false, cells: 1, ...more }
  const signal = new AbortController().signal
  const result = await hunt(
    { done: new Map(), ...plan, director },
    {
      runner,
      made: () => {},
      keep: () => ({ isNew: false }),
      discard: () => {},
      progress: () => {},
      falseStart: () => null,
      signal,
      deadline: signal,
    },
  )
  return { result, director }
}

describe('the number of schedules', () => {
  test.each([
    [[2, 2], 0],
    [[2, 2], 1],
    [[2, 2], 5],
    [[3, 2], 2],
    [[2, 2, 2], 2],
    [[3, 3, 1], 3],
  ] as const)('of %j steps with at most %i preemptions', async (steps, bound) => {
    const program: Program = steps.map((n) => Array.from({ length: n }, () => 'shared' as const))
    const expected = orders(steps, bound)
    for (const jobs of [1, 3]) {
      const seen: string[] = []
      const { result, director } = await enumerate(
        (change, position) => {
          expect(change.seed).toBe(7)
          const { order, trace } = execute(program, change)
          seen[position] = order
          return passed(position, trace)
        },
        bound,
        { jobs },
      )
      expect(seen.toSorted()).toEqual(expected.toSorted())
      expect(result).toMatchObject({ reason: 'exhausted', runs: expected.length, failures: 0 })
      expect(director.coverage()).toEqual({
        complete: bound,
        schedules: expected.length,
        exhausted: true,
        unknown: 0,
      })
    }
  })

  test('does not grow with what nobody shares, and does with what is shared only in some runs', async () => {
    const program: Program = [
      [null, 'shared', null, null],
      [null, null, 'shared'],
    ]
    const seen = new Set<string>()
    const { result } = await enumerate((change, position) => {
      const { order, trace } = execute(program, change)
      seen.add(order)
      return passed(position, trace)
    }, 2)
    expect([...seen].toSorted()).toEqual(['01', '10'])
    expect(result.runs).toBeLessThanOrEqual(6)
  })
})

test('nothing is said of all schedules when a run is not known whole, nor when the budget ends it', async () => {
  const program: Program = [
    ['shared', 'shared'],
    ['shared', 'shared'],
  ]
  const cut = await enumerate(
    (change, position) => passed(position, { ...execute(program, change).trace, isCut: position === 1 }),
    1,
  )
  expect(cut.director.coverage()).toMatchObject({ complete: -1, schedules: 0, exhausted: false, unknown: 1 })
  const short = await enumerate((change, position) => passed(position, execute(program, change).trace), 2, { runs: 3 })
  expect(short.result).toMatchObject({ reason: 'runs', runs: 3 })
  expect(short.director.coverage()).toMatchObject({ complete: 0, schedules: 2, exhausted: false })
})

test('an enumeration that goes on counts no run twice', async () => {
  const program: Program = [
    ['shared', 'shared'],
    ['shared', 'shared'],
  ]
  const expected = orders([2, 2], 2).length
  const done = new Map([0, 1, 3].map((position) => [position, false]))
  const { result } = await enumerate((change, position) => passed(position, execute(program, change).trace), 2, {
    done,
  })
  expect(result).toMatchObject({ reason: 'exhausted', runs: expected, failures: 0 })
})

test('how many preemptions are asked for', () => {
  expect(['mix', 'exhaustive', 'exhaustive:0', 'exhaustive:12'].map(boundOf)).toEqual([null, 2, 0, 12])
  expect(() => boundOf('exhaustive:x')).toThrow("there is no scheduling strategy 'exhaustive:x'")
})

describe('in a machine', () => {
  const engine = newEngine()
  const directory = scratch()
  const lost = patterns.find(({ name }) => name === 'lost_update')!

  /** Runs a program by all schedules; how many failed. */
  async function failures(path: string, bound: number): Promise<{ runs: number; failed: number }> {
    let failed = 0
    const { result } = await enumerate((change, position) => {
      const strategy = choicesName(change.choices)
      const { machine } = machineFor(path, [], { seed: change.seed, strategy, processor: engine })
      const { ended } = machine.advance(20_000_000)
      const trace = placesOf(machine.state.strategy)!
      machine.release()
      if (ended?.kind !== 'exit' || ended.code !== 0) failed++
      return passed(position, trace)
    }, bound)
    expect(result.reason).toBe('exhausted')
    return { runs: result.runs, failed }
  }

  test('a lost update needs one preemption', { timeout: 60_000 }, async () => {
    const path = compile(directory, lost, false)
    expect(await failures(path, 0)).toMatchObject({ failed: 0 })
    expect((await failures(path, 1)).failed).toBeGreaterThan(0)
  })

  test('its corrected twin fails in none of them', { timeout: 60_000 }, async () => {
    const { runs, failed } = await failures(compile(directory, lost, true), 1)
    expect(runs).toBeGreaterThan(5)
    expect(failed).toBe(0)
  })

  test('choices that cannot be read are named', () => {
    expect(() => machineFor(join(directory, 'lost_update'), [], { strategy: 'choices:1.1,' })).toThrow(
      "no choices can be read from 'choices:1.1,'",
    )
  })
})
