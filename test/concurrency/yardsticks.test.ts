/** `--check race` of what the public collections of races have: OpenMP, and what threads do by way of the C library. A race is told where the name says so, and nowhere else. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RaceCheck } from '../../src/checks/race.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

const engine = newEngine()
const directory = scratch()

/** Seeds that are tried: of a program with a race until one shows it. */
const MOST = 100
const CLEAN = 2

/** The first seed that shows a race; -1 for none. */
function firstRace(program: string, name: string, seeds: number): number {
  for (let seed = 0; seed < seeds; seed++) {
    const { machine } = machineFor(program, [name], { seed, strategy: 'mix', processor: engine })
    const check = new RaceCheck()
    machine.addObserver(check)
    const { ended } = machine.advance(20_000_000)
    machine.release()
    expect(ended).toEqual({ kind: 'exit', code: 0 })
    if (check.facts.length > 0) return seed
  }
  return -1
}

describe.each([
  ['openmp', ['-O1', '-fopenmp']],
  ['openmp-constructs', ['-O1', '-fopenmp']],
  ['library', ['-O0', '-pthread']],
])('%s', (file, flags) => {
  const program = join(directory, file)
  const source = join(import.meta.dirname, 'cases', `${file}.c`)
  execFileSync('gcc', [...flags, '-g', '-Wall', '-Wextra', '-Werror', '-o', program, source])
  const names = [...readFileSync(source, 'utf8').matchAll(/CASE\("(\w+)"\)/g)].map(([, name]) => name!)

  test.each(names)('%s', { timeout: 60_000 }, (name) => {
    expect(spawnSync(program, [name], { timeout: 20_000 }).status).toBe(0)
    const races = name.startsWith('race_')
    expect(firstRace(program, name, races ? MOST : CLEAN) >= 0).toBe(races)
  })
})
