/** Runs self-asserting C programs about processes: natively first, then in the machine, for several seeds, each twice with equal counts and states. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

const folder = join(import.meta.dirname, 'pass')
const sources = readdirSync(folder).filter((name) => name.endsWith('.c'))
const directory = scratch()
const engine = newEngine()

/** More instructions than any of them needs: one that hangs ends here. */
const LIMIT = 1_000_000_000

describe.each(sources)('%s', (source) => {
  const program = join(directory, basename(source, '.c'))
  let said = ''

  test('natively', () => {
    execFileSync('gcc', ['-w', '-O1', '-pthread', '-o', program, join(folder, source)])
    said = execFileSync(program, { encoding: 'utf8', timeout: 60_000, cwd: '/tmp' })
    expect(said).toMatch(/: ok\n/)
  })

  test.each([1, 2, 3])('seed %i', (seed) => {
    const ends = [0, 1].map(() => {
      const { machine, output } = machineFor(program, [], { seed, processor: engine })
      const { ended, count } = machine.advance(LIMIT)
      expect({ ended, ...output }).toEqual({ ended: { kind: 'exit', code: 0 }, stdout: said, stderr: '' })
      expect(machine.state.unknownCalls).toEqual([])
      const hash = machine.hash()
      machine.release()
      return { count, hash }
    })
    expect(ends[1]).toEqual(ends[0])
  })
})
