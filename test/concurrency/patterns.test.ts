/** The default strategy finds the bug of every pattern, and its corrected twin never fails. `measure.ts` does the same for all strategies. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { newEngine, scratch } from '../machine/machines.ts'
import { compile, measured, patterns, runOnce } from './patterns.ts'

const engine = newEngine()
const directory = scratch()

/** Schedules within which a bug has to be found: many times the number that it usually takes. */
const MOST = 10_000

/** Patterns that are found within a few schedules; `measure.ts` looks for all of them, which takes longer than a test may. */
const SHORT =
  /^(account|arithmetic|bank|barrier_reuse|bounded_buffer|carter|coupled_list|download|handshake|inodes|last_item|lazy|linked_queue|matrix|missed_signal|nested_monitor|one_condition|parallel_sort|philosophers_2|publish|queue|read_lock|resize|runtime_end|semaphore|sigma|spectrum|stack|stateful|tickets|token_ring|upgrade|wronglock(_8)?)$/

/** The corrected program, which passes natively, and under so many schedules. */
const TWIN_RUNS = 10

describe.each(patterns.filter(({ name }) => SHORT.test(name)))('$name', (pattern) => {
  test('is found', { timeout: 60_000 }, () => {
    const path = compile(directory, pattern, false)
    const strategy = measured(engine, path, 'mix')
    let seed = 0
    while (seed < MOST && !runOnce(engine, path, strategy, seed).failed) seed++
    expect(seed).toBeLessThan(MOST)
  })
})

describe.each(patterns.filter(({ n }) => n === null))('$name, corrected', (pattern) => {
  test('never fails', () => {
    const path = compile(directory, pattern, true)
    execFileSync(path, { stdio: 'ignore', timeout: 10_000 })
    const strategy = measured(engine, path, 'mix')
    for (let seed = 0; seed < TWIN_RUNS; seed++)
      expect(runOnce(engine, path, strategy, seed).ending).toEqual({ kind: 'exit', code: 0 })
  })
})
