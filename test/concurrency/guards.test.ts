/** What strategies and the search for races have for one kind of bug each: without it these are not found. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RaceCheck } from '../../src/checks/race.ts'
import { pct } from '../../src/linux/scheduler/pct.ts'
import type { Turn } from '../../src/linux/state.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'
import { compile, patterns, runOnce } from './patterns.ts'

const engine = newEngine()
const directory = scratch()

/** Runs in a circle have found each of them by then. */
const SEEDS = 30

test.each(['polite', 'philosophers_5', 'philosophers_7'])('%s: all threads side by side, step by step', (name) => {
  const path = compile(
    directory,
    patterns.find((one) => one.name === name)!,
    false,
  )
  let seed = 0
  while (seed < SEEDS && !runOnce(engine, path, 'walk', seed).failed) seed++
  expect(seed).toBeLessThan(SEEDS)
})

test('changes of priority do not pass by while threads have not been started', () => {
  const strategy = pct(3, 50)
  const given = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const state = strategy.start(seed)
    const turn: Turn = {
      tid: 0,
      last: 0,
      left: 0,
      points: Infinity,
      at: null,
      yielded: false,
      paused: false,
      woken: false,
      split: false,
    }
    for (const runnable of [[1], [1, 2], [1, 2, 3]]) strategy.pick(state, runnable, turn, false, 0)
    // Thread 1 goes on alone only in the runs in which those that it makes start late.
    const isAlone = (state as unknown as { held: unknown[] }).held.length === 2
    given.add(`${isAlone} ${turn.points === Infinity}`)
    if (!isAlone) continue
    strategy.pick(state, [2, 3], turn, true, 0)
    expect(turn.points).toBeLessThanOrEqual(50)
  }
  expect([...given].toSorted()).toEqual(['false false', 'true true'])
})

test.each(['race_allocates', 'race_prints'])(
  '%s: what the C library does atomically for its own sake orders nothing',
  (name) => {
    const program = join(directory, 'library')
    execFileSync('gcc', ['-O0', '-g', '-pthread', '-o', program, join(import.meta.dirname, 'cases', 'library.c')])
    for (let seed = 0; seed < 8; seed++) {
      const { machine } = machineFor(program, [name], { seed, strategy: 'mix', processor: engine })
      const check = new RaceCheck()
      machine.addObserver(check)
      machine.advance(20_000_000)
      machine.release()
      expect([seed, check.facts.length > 0]).toEqual([seed, true])
    }
  },
)
