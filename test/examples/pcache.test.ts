/** The pcache example: right natively, and under a hunt with checks; with a bug a hunt finds what it does. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const folder = join(import.meta.dirname, '../../examples/pcache')
const place = new Place()
const program = join(place.path, 'pcache')

beforeAll(() => {
  execFileSync('make', ['-s', '-C', folder, `OUT=${place.path}`])
})
afterAll(() => place.remove())

test('natively it counts right, and refuses bugs that it does not have', () => {
  const { status, stdout, stderr } = spawnSync(program, { env: place.env(), encoding: 'utf8', timeout: 20_000 })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(
    /^faults \d+, filled from memory \d+, from victims \d+, evicted \d+, flushed \d+, copied on write \d+\n$/,
  )
  expect(spawnSync(program, { env: place.env({ BUG: 'evict' }) }).status).toBe(2)
})

/** Bugs that nearly every schedule shows; the others take up to twenty, which is for the README. */
const SAID: Record<string, RegExp> = {
  'kmalloc-cross': /BUG: (bad p[gum]d entry|corrupt pte)/,
  'missing-put': /BUG: pcache_meta_to_kva/,
  tlb: /BUG: child reads wrong data/,
}

test.each(Object.entries(SAID))('BUG=%s is found', { timeout: 60_000 }, (bug, said) => {
  const { failures } = place.json('hunt', ['--env', `BUG=${bug}`, '--runs', '20', '--jobs', '1', '--', program])
  const [failure] = failures
  expect(failure!.finding.kind).toBe('crash')
  expect(failure!.finding.signal!.name).toBe('SIGABRT')
  expect(failure!.finding.remarks[0]).toMatch(said)
})

test('without a bug a checked run is clean', { timeout: 90_000 }, () => {
  const { findings, ending } = place.json('run', ['--check', 'race,lock', '--', program, '2', '1'])
  expect([findings, ending]).toEqual([[], { kind: 'exit', code: 0 }])
})
