/** Runs portable C programs in every kind of build, optimised or not, dynamic or static, with either C library: they must print and return what they do natively. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { machineFor, scratch } from '../machine/machines.ts'

const folder = join(import.meta.dirname, 'builds')
const sources = readdirSync(folder).filter((name) => name.endsWith('.c'))
const directory = scratch()

const builds: Record<string, [compiler: string, ...flags: string[]]> = {
  'dynamic PIE -O0': ['gcc', '-O0'],
  'dynamic PIE -O2': ['gcc', '-O2'],
  'dynamic at a fixed address -O3': ['gcc', '-O3', '-no-pie'],
  'static -O2': ['gcc', '-O2', '-static'],
  'static PIE -O1': ['gcc', '-O1', '-static-pie'],
  'x86-64-v2 -O3': ['gcc', '-O3', '-march=x86-64-v2', '-ffast-math'],
  'musl static -O2': ['musl-gcc', '-O2', '-static'],
}

/** More instructions than any of them needs: one that hangs ends here. */
const LIMIT = 200_000_000

describe.each(sources)('%s', (source) => {
  test.each(Object.entries(builds))('%s', (name, [compiler, ...flags]) => {
    const program = join(directory, `${basename(source, '.c')}-${name.replaceAll(' ', '-')}`)
    execFileSync(compiler, ['-w', ...flags, '-o', program, join(folder, source), '-lm'])
    const native = spawnSync(program, { encoding: 'utf8', timeout: 60_000, cwd: '/tmp', env: {} })
    expect(native.stdout.length).toBeGreaterThan(100)
    const { machine, output } = machineFor(program, [], { seed: 1 })
    const { ended } = machine.advance(LIMIT)
    expect({ ended, ...output }).toEqual({
      ended: { kind: 'exit', code: native.status },
      stdout: native.stdout,
      stderr: '',
    })
    expect(machine.state.unknownCalls).toEqual([])
  })
})
