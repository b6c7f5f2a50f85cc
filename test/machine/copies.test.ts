/** Functions that are copied into their callers do what they do natively, and a run is the same run, whether there are copies or not. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import { machineFor, scratch } from './machines.ts'

const directory = scratch()

describe.each(['-O1', '-O2'])('%s', (optimise) => {
  const program = join(directory, `copies${optimise}`)
  execFileSync('gcc', ['-w', optimise, '-o', program, join(import.meta.dirname, 'programs', 'copies.c')])
  const native = execFileSync(program, { encoding: 'utf8' })

  function course(interpret: 'always' | 'cold' | 'never', quantum: number): unknown {
    const processor = new Engine({ callDepth: 400, interpret })
    const { machine, output } = machineFor(program, [], { processor })
    let end = machine.advance(quantum)
    while (end.ended === null) end = machine.advance(end.count + quantum)
    expect(output.stdout).toBe(native)
    expect(end.ended).toEqual({ kind: 'exit', code: 0 })
    return { count: machine.state.count, hash: machine.hash() }
  }

  test('every way of execution', () => {
    const interpreted = course('always', 1e9)
    expect(course('cold', 1e9)).toEqual(interpreted)
    expect(course('never', 1e9)).toEqual(interpreted)
  })
  test('in stretches that end anywhere', () => expect(course('cold', 100_003)).toEqual(course('always', 1e9)))
})
