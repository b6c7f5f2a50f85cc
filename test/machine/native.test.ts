/** What a program can see of its start and of its signal frames is byte for byte what Linux shows it: programs print it natively and in the machine. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { machineFor, scratch } from './machines.ts'

const directory = scratch()
const builds = [['-O1'], ['-O1', '-static'], ['-O1', '-no-pie'], ['-O1', '-static-pie']]

function compare(name: string, flags: string[], args: string[]): void {
  const program = join(directory, `${name}${flags.join('')}`)
  execFileSync('gcc', ['-w', ...flags, '-o', program, join(import.meta.dirname, 'programs', `${name}.c`)])
  const env = { PATH: '/usr/bin:/bin', LAST: 'the last string' }
  const native = execFileSync(program, args, { encoding: 'utf8', env, cwd: '/tmp' })
  const { machine, output } = machineFor(program, args, {
    env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
  })
  const { ended } = machine.advance(100_000_000)
  expect(ended).toEqual({ kind: 'exit', code: 0 })
  expect(output.stdout).toBe(native)
}

describe.each(builds.map((flags) => ({ flags })))('$flags', ({ flags }) => {
  test('stack, auxiliary vector and segments at the start', () =>
    compare('start', flags, ['one', '', 'the third argument']))
  test('signal frames', () => compare('frame', flags, []))
  test('floating-point state in signal frames', () => compare('xstate', flags, []))
})
