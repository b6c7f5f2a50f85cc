/** The seglog example: right natively with its bugs and without, and a hunt finds the undefined bytes that the padding bug writes, and nothing else. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const folder = join(import.meta.dirname, '../../examples/seglog')
const place = new Place()
const prop = join(place.path, 'prop')

beforeAll(() => {
  execFileSync('make', ['-s', '-C', folder, `OUT=${place.path}`])
})
afterAll(() => place.remove())

describe('natively', () => {
  test.each(['', 'pad', 'no-fsync-rename'])('with BUG=%s the model and the store agree', (bug) => {
    const env = bug === '' ? place.env() : place.env({ BUG: bug })
    for (const seed of ['1', '2', '3']) {
      const { status, stdout, stderr } = spawnSync(prop, ['data', '1500', seed], {
        cwd: place.path,
        env,
        encoding: 'utf8',
      })
      expect([status, stdout, stderr]).toEqual([0, `seed ${seed}\n1500 operations\n`, ''])
    }
  })

  test('a bug that does not exist is refused', () => {
    expect(spawnSync(prop, { env: place.env({ BUG: 'pda' }) }).status).toBe(2)
  })
})

const CHECK = ['--check', 'memory,leak']

test('the hunt finds the undefined bytes', () => {
  const { runs, failures } = place.json('hunt', [
    ...CHECK,
    '--env',
    'BUG=pad',
    '--runs',
    '4',
    '--jobs',
    '1',
    '--',
    prop,
    'data',
    '60',
  ])
  expect(runs).toBeGreaterThan(0)
  const [failure] = failures
  expect(failure!.ending).toEqual({ kind: 'exit', code: 0 })
  const { kind, what, block, thread, origin } = failure!.finding
  expect(kind).toBe('undefined-write')
  expect(what).toMatch(/^write\(.*\) passes \d+ undefined bytes? to the kernel, from 0x[0-9a-f]+ on$/)
  expect(thread!.name).toBe('flusher')
  expect(thread!.stack.frames.map((frame) => frame.function)).toEqual(expect.arrayContaining(['log_write', 'flusher']))
  expect(block).toMatchObject({ size: 256, allocated: { by: 'aligned_alloc' } })
  expect(Number(block!.address) % 8192).toBe(0)
  expect(block!.allocated.stack!.frames.map((frame) => frame.function)).toContain('iobuf_new')
  // Less than a header is left at the end of the block.
  expect(256 - block!.offset!).toBe(origin!.undefined)
  expect(origin!.undefined).toBeLessThan(0x20)
})

test('repaired, seeds are clean; leaks are told from statics', () => {
  const { runs, failures } = place.json('hunt', [...CHECK, '--runs', '4', '--jobs', '1', '--', prop, 'data', '60'])
  expect([runs, failures]).toEqual([4, []])
  const { leaks } = place.json('run', ['--check', 'leak', '--', prop, 'data', '60'])
  const none = { bytes: 0, blocks: 0 }
  expect(leaks).toMatchObject({ definite: none, indirect: none, possible: none })
  // The table for checksums, from a static variable; standard output's buffer.
  expect(leaks!.reachable.bytes).toBeGreaterThanOrEqual(1024)
})

describe('losses of power', () => {
  const recover = ['--recover', `${join(place.path, 'crash')} store check`]
  const words = ['--', join(place.path, 'crash'), 'store', '110']

  test('a snapshot that is renamed before it is synced is found, and named', () => {
    const hunt = ['--check', 'none', '--fault', 'crash', ...recover, '--env', 'BUG=no-fsync-rename', '--runs', '60']
    const { failures } = place.json('hunt', [...hunt, ...words])
    const { powerLoss } = failures[0]!.finding
    expect(powerLoss!.anyway).toBe(false)
    const needed = powerLoss!.missing.filter(({ isNeeded }) => isNeeded)
    expect(needed.map(({ what, path }) => [what, path])).toEqual([['write', join(place.path, 'store/snap.1')]])
    expect(needed[0]!.place!.function).toBe('write_all')
  })

  test('the repaired store survives', () => {
    const { runs, failures } = place.json('hunt', [
      '--check',
      'none',
      '--fault',
      'crash',
      ...recover,
      '--runs',
      '12',
      ...words,
    ])
    expect([runs, failures]).toEqual([12, []])
  })
})
