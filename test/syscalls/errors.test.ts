/** Holds how calls fail against the kernel: programs that make hundreds of them and print each result, natively and in the machine. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { machineFor, scratch } from '../machine/machines.ts'

const folder = join(import.meta.dirname, 'errors')
const directory = scratch()

test.each(readdirSync(folder).filter((name) => name.endsWith('.c')))('%s', (source) => {
  const program = join(directory, basename(source, '.c'))
  execFileSync('gcc', ['-w', '-pthread', '-o', program, join(folder, source)])
  const cwd = `${program}.d`
  mkdirSync(cwd)
  const native = execFileSync(program, { encoding: 'utf8', cwd, env: { PATH: '/usr/bin:/bin' }, timeout: 60_000 })
  rmSync(cwd, { recursive: true })
  mkdirSync(cwd)
  const { machine, output } = machineFor(program, [], { cwd })
  const { ended } = machine.advance(500_000_000)
  expect(output.stdout.split('\n')).toEqual(native.split('\n'))
  expect(ended).toEqual({ kind: 'exit', code: 0 })
})
