/** Exists to name the programs with known concurrency bugs, to compile them, and to run one schedule of them. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Guided } from '../../src/campaign/guided.ts'
import type { Engine } from '../../src/engine/run.ts'
import { guidedName, visitedBy, type Visited } from '../../src/linux/scheduler/guided.ts'
import type { Ending } from '../../src/linux/state.ts'
import { machineFor } from '../machine/machines.ts'

export const sources = join(import.meta.dirname, 'programs')

/** A program: its source, and N where it takes one. */
export interface Pattern {
  name: string
  source: string
  n: number | null
}

/** Sizes in which programs are tried besides the one that they have by themselves. */
const SIZES: Record<string, number[]> = {
  fibonacci: [11],
  philosophers: [2, 3, 5, 6, 7],
  reorder: [4, 5, 10, 20, 50, 100],
  triangular: [14],
  twostage: [20, 100],
  wronglock: [8],
}

/** All of them. */
export const patterns: readonly Pattern[] = readdirSync(sources)
  .filter((file) => file.endsWith('.c'))
  .toSorted()
  .flatMap((file) => {
    const source = file.slice(0, -2)
    const sizes = (SIZES[source] ?? []).map((n) => ({ name: `${source}_${n}`, source, n }))
    return [{ name: source, source, n: null }, ...sizes]
  })

/** Compiles a pattern, or its corrected twin, into a directory; the program's path. */
export function compile(directory: string, { name, source, n }: Pattern, fixed: boolean): string {
  const path = join(directory, fixed ? `${name}-fixed` : name)
  const defines = [...(fixed ? ['-DFIXED'] : []), ...(n === null ? [] : [`-DN=${n}`])]
  const warnings = ['-Wall', '-Wextra', '-Werror']
  execFileSync('gcc', ['-O0', '-g', ...warnings, '-pthread', ...defines, '-o', path, join(sources, `${source}.c`)])
  return path
}

/** Instructions after which a run counts as hung. */
const LONGEST = 20_000_000

/** What one run came to. */
export interface Outcome {
  failed: boolean
  ending: Ending | null
  /** Scheduling points passed. */
  steps: number
  /** Where it came by, if somebody guides it. */
  visited: Visited | null
}

/** Runs a program with one seed. */
export function runOnce(engine: Engine, path: string, strategy: string, seed: number): Outcome {
  const { machine } = machineFor(path, [], { seed, strategy, processor: engine })
  const { ended } = machine.advance(LONGEST)
  const steps = machine.state.passed.points
  const visited = visitedBy(machine.state.strategy)
  machine.release()
  return { failed: ended?.kind !== 'exit' || ended.code !== 0, ending: ended, steps, visited }
}

/** Runs a program as a hunt does that ends at the first failure; after how many runs, or Infinity. `first` is its first seed. */
export function huntFor(engine: Engine, path: string, strategy: string, most: number, first = 0): number {
  const guide = new Guided(first)
  for (let position = 0; position < most; position++) {
    const change = guide.next(position)
    const isGuided = change !== undefined && change !== 'wait' && 'decisions' in change
    const { failed, visited } = isGuided
      ? runOnce(engine, path, guidedName(change.number, change.decisions), change.seed)
      : runOnce(engine, path, strategy, first + position)
    if (failed) return position + 1
    const passed = { seed: position, cell: 0, kind: 'passed', count: 0, ending: { kind: 'exit', code: 0 } } as const
    guide.heard({ ...passed, ...(visited && { visited }) }, position)
  }
  return Infinity
}

/** The strategy as a hunt uses it: told how many steps the program has. */
export function measured(engine: Engine, path: string, strategy: string): string {
  if (!/^(mix|pct:\d+)$/.test(strategy)) return strategy
  return `${strategy}:${Math.max(1, runOnce(engine, path, 'pct:1:1', 0).steps)}`
}
