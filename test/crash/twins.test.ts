/** Losses of power: what was synced is there after each of them, and who does not sync what has to be synced is found out. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DurabilityModel } from '../../src/tool/power-loss.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

const place = scratch()
const program = join(place, 'twins')
const engine = newEngine()

beforeAll(() => {
  chmodSync(place, 0o755)
  execFileSync('gcc', ['-O1', '-g', '-static', '-o', program, join(import.meta.dirname, 'programs/twins.c')])
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

/** An empty directory in a directory of its own. */
function directory(): string {
  const cwd = join(mkdtempSync(join(place, 'run-')), 'inside')
  mkdirSync(cwd)
  return cwd
}

/** The first seed below `runs` whose recovery is not content; null for none. */
function firstBroken(way: string, how: string, model: DurabilityModel, runs: number): number | null {
  const cwd = directory()
  const run = (seed: number, within: number) => {
    const recover = { path: program, argv: [program, way, 'check'] }
    const made = machineFor(program, [way, how], {
      cwd,
      seed,
      processor: engine,
      powerLoss: { model, recover, within },
    })
    const { ended } = made.machine.advance(10_000_000)
    const { events, loss } = made.machine.state.fs.disk!
    made.machine.release()
    if (ended?.kind !== 'exit' || ended.code > 1) throw new Error(`${seed}: ${JSON.stringify([ended, made.output])}`)
    expect([loss?.model, made.output.stdout]).toEqual([model, ended.code === 0 ? 'kept\n' : 'broken\n'])
    return { events, isBroken: ended.code === 1 }
  }
  const { events } = run(0, 0)
  for (let seed = 0; seed < runs; seed++) if (run(seed, events).isBroken) return seed
  return null
}

/** Of right ways. */
const SEEDS = 6

/** What goes wrong only where changes of names and sizes need not be on the disk in their order, nor the bytes of what a file has grown by. */
const POSIX_ONLY = new Set(['directory', 'rename-directory', 'shrunk', 'log'])

describe.each([
  'plain',
  'dsync',
  'fdatasync',
  'directory',
  'rename',
  'rename-directory',
  'torn',
  'log',
  'mapped',
  'mapped-fsync',
  'mixed',
  'shrunk',
  'everything',
])('%s', (way) => {
  test('keeps its promise natively, without a loss of power', () => {
    for (const how of ['wrong', 'right']) {
      const cwd = directory()
      expect(spawnSync(program, [way, how], { cwd }).status).toBe(0)
      expect(spawnSync(program, [way, 'check'], { cwd, encoding: 'utf8' }).stdout).toBe('kept\n')
    }
  })

  test.each(['posix', 'ordered'] as const)('%s: right, no loss breaks it; wrong, some do', (model) => {
    expect(firstBroken(way, 'right', model, SEEDS)).toBeNull()
    if (model === 'posix' || !POSIX_ONLY.has(way)) expect(firstBroken(way, 'wrong', model, 10 * SEEDS)).not.toBeNull()
    else expect(firstBroken(way, 'wrong', model, SEEDS)).toBeNull()
  })
})
