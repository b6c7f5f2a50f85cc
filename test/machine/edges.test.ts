/** At the edges of what is mapped a program sees what it sees natively, whether its code is interpreted, translated at once, or translated when it is hot; and executes the same. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import { machineFor, scratch } from './machines.ts'

const directory = scratch()

describe.each(['-O0', '-O2'])('%s', (optimise) => {
  const program = join(directory, `edges${optimise}`)
  execFileSync('gcc', [
    '-w',
    '-fno-stack-protector',
    optimise,
    '-o',
    program,
    join(import.meta.dirname, 'programs', 'edges.c'),
  ])
  const native = execFileSync(program, { encoding: 'utf8' })

  function course(interpret: 'always' | 'never' | 'soon', quantum: number): unknown {
    const { machine, output } = machineFor(program, [], { processor: new Engine({ callDepth: 400, interpret }) })
    let end = machine.advance(quantum)
    while (end.ended === null) end = machine.advance(end.count + quantum)
    expect(end.ended).toEqual({ kind: 'exit', code: 0 })
    expect(output.stdout).toBe(native)
    return { count: machine.state.count, hash: machine.hash() }
  }

  test('every way of execution', () => {
    const interpreted = course('always', 1e9)
    expect(course('never', 1e9)).toEqual(interpreted)
    expect(course('soon', 1e9)).toEqual(interpreted)
  })
  test('in small stretches', () => expect(course('never', 9973)).toEqual(course('always', 1e9)))
})
