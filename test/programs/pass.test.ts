/** Runs self-asserting C programs: natively first, then in the machine, where they must say and return the same, dynamic and static, for several seeds. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { machineFor, scratch } from '../machine/machines.ts'

const folder = join(import.meta.dirname, 'pass')
const sources = readdirSync(folder).filter((name) => name.endsWith('.c'))
const directory = scratch()
const builds = { dynamic: ['-O1'], static: ['-O2', '-static'] }

/** More instructions than any of them needs: one that hangs ends here. */
const LIMIT = 500_000_000

describe.each(sources)('%s', (source) => {
  test.each(Object.entries(builds))('%s', (build, flags) => {
    const program = join(directory, `${basename(source, '.c')}-${build}`)
    execFileSync('gcc', ['-w', '-pthread', ...flags, '-o', program, join(folder, source)])
    const native = execFileSync(program, { encoding: 'utf8', timeout: 60_000, cwd: '/tmp' })
    expect(native).toMatch(/: ok\n/)
    for (const seed of build === 'dynamic' ? [1, 2] : [3]) {
      const { machine, output } = machineFor(program, [], { seed })
      const { ended } = machine.advance(LIMIT)
      expect({ ended, ...output }).toEqual({ ended: { kind: 'exit', code: 0 }, stdout: native, stderr: '' })
      expect(machine.state.unknownCalls).toEqual([])
    }
  })
})
