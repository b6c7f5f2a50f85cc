/** What is wrong with a heap is found at the lines that the sources mark, and nothing is found in the same programs without their bugs. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build, found, marks, normalised, sources } from './programs.ts'

const place = new Place()
afterAll(() => place.remove())

const CHECK = ['--check', 'memory,leak']
const files = fs.readdirSync(sources).filter((name) => /\.cc?$/.test(name))
const bless = process.env.LEMMING_BLESS === '1'

describe.each(files)('%s', (file) => {
  test('as its lines say', () => {
    const path = build(place, file)
    const { findings, stdout } = place.json('run', [...CHECK, '--', path])
    expect(found(findings, file)).toEqual(marks(file))
    if (findings.length > 0) return
    expect(stdout.text).toBe(spawnSync(path, { encoding: 'utf8' }).stdout)
  })

  test('the report', () => {
    const { stderr } = place.lemming(['run', ...CHECK, '--', build(place, file)])
    const expected = join(sources, `${file}.expected`)
    const report = normalised(stderr, place, file)
    if (bless) fs.writeFileSync(expected, report)
    expect(report).toBe(fs.readFileSync(expected, 'utf8'))
  })

  test('nothing where nothing is wrong', () => {
    const path = build(place, file, { good: true })
    const { findings, stdout, ending } = place.json('run', [...CHECK, '--', path])
    expect(findings.map(({ kind, what }) => [kind, what])).toEqual([])
    const native = spawnSync(path, { encoding: 'utf8' })
    expect([stdout.text, ending]).toEqual([native.stdout, { kind: 'exit', code: native.status }])
  })
})

// Allocators that are linked in, and another C library: the same findings.
const portable = ['double-free.c', 'invalid-free.c', 'redzone.c', 'threads.c', 'leaks.c']
const builds = [
  {
    name: 'static',
    compiler: 'gcc',
    flags: ['-static'],
    programs: [...portable, 'access.c', 'aligned.c', 'realloc.c', 'overlap.c'],
  },
  { name: 'musl', compiler: 'musl-gcc', flags: [], programs: portable },
  { name: 'static with musl', compiler: 'musl-gcc', flags: ['-static'], programs: portable },
]

describe.each(builds)('$name', ({ compiler, flags, programs }) => {
  test.each(programs)('%s', (file) => {
    const path = build(place, file, { compiler, flags })
    const { findings } = place.json('run', [...CHECK, '--', path])
    expect(found(findings, file)).toEqual(marks(file))
  })

  test('string functions that read beyond strings', () => {
    const path = build(place, 'access.c', { compiler, flags, good: true })
    expect(place.json('run', [...CHECK, '--', path]).findings).toEqual([])
  })
})
