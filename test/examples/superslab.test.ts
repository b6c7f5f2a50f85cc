/** The superslab example, natively: the allocator's repaired settings give what libc's allocator gives, in every build. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const folder = join(import.meta.dirname, '../../examples/superslab')
const out = mkdtempSync(join(tmpdir(), 'superslab-'))
const fixedWork = ['0', '8', '2000', '300', '30', '12345', '4']

beforeAll(() => {
  execFileSync('make', ['-s', '-C', folder, `OUT=${out}`, 'larson', 'static', 'O0', 'musl', 'preload', 'count'])
})
afterAll(() => rmSync(out, { recursive: true }))

function larson(program: string, env: Record<string, string>, args = fixedWork) {
  return spawnSync(join(out, program), args, { env: { ...process.env, ...env }, encoding: 'utf8' })
}

test.each(['larson', 'larson-static', 'larson-O0', 'larson-musl', 'larson-musl-static'])('%s', (program) => {
  const expected = larson('larson-libc', {}).stdout
  expect(expected).toMatch(/36000 operations, checksum [0-9a-f]{16}/)
  for (const cap of ['0', '1', '64']) expect(larson(program, { SS_FIX: '1', FAST_CAP: cap }).stdout).toBe(expected)
  for (const drain of ['none', 'current', 'refill', 'look', 'current,refill,look']) {
    expect(larson(program, { SS_SPILL: 'remote', SS_DRAIN: drain, FAST_CAP: '0' }).stdout).toBe(expected)
  }
})

test('a program under LD_PRELOAD', () => {
  const preload = { LD_PRELOAD: join(out, 'libsuperslab.so'), SS_FIX: '1', FAST_CAP: '0' }
  expect(larson('larson-libc', preload).stdout).toBe(larson('larson-libc', {}).stdout)
  // Blocks of all sizes, small ones by the hundred thousand, large ones of megabytes, calloc and realloc.
  const lines = Array.from({ length: 100000 }, (_, i) => `${Math.imul(i, 2654435761) >>> 0}\n`)
  const input = join(out, 'numbers')
  writeFileSync(input, lines.join(''))
  const env = { ...process.env, ...preload, LC_ALL: 'C' }
  const sorted = execFileSync('sort', ['--parallel=4', input], { env, encoding: 'utf8', maxBuffer: 1 << 26 })
  expect(sorted).toBe(lines.toSorted().join(''))
})

test('aligned, resized and zeroed blocks', () => {
  const source = join(import.meta.dirname, 'malloc_family.c')
  execFileSync('gcc', ['-O1', '-fno-builtin', '-o', join(out, 'family'), source])
  const env = { ...process.env, LD_PRELOAD: join(out, 'libsuperslab.so') }
  expect(execFileSync(join(out, 'family'), { env, encoding: 'utf8' })).toMatch(/^\d{4} blocks, 0 bad\n$/)
})

test('the spill path touches slabs of other threads, and with the fix does not', () => {
  // The threads free the blocks that the main thread allocated; it sleeps, so that nothing else works in its slabs.
  const count = (name: string, env: Record<string, string>): number =>
    Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(larson('larson-count', { FAST_CAP: '0', ...env }).stderr)![1])
  expect(count('spills_foreign', {})).toBeGreaterThan(0)
  expect(count('spills_foreign', { SS_FIX: '1' })).toBe(0)
  expect(count('drained_foreign', { SS_FIX: '1' })).toBe(0)
  expect(count('spills_own', { SS_FIX: '1' })).toBeGreaterThan(0)
})

test('settings that do not exist are refused', () => {
  for (const env of [{ SS_DRAIN: 'currrent' }, { SS_DRAIN: 'look,' }, { SS_SPILL: 'local' }] as Record<
    string,
    string
  >[]) {
    const { status, stderr } = larson('larson', env)
    expect(status).toBe(2)
    expect(stderr).toContain('is not a setting')
  }
  expect(larson('larson', {}, ['1', '2']).status).toBe(2)
})
