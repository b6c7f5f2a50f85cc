/** Programs made by chance, of the kinds that collections of common weaknesses contain: bad ones as memcheck finds them, and silence on their good twins. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build } from '../heap/programs.ts'
import { differences } from './memcheck.ts'

const folder = join(import.meta.dirname, 'twins')
const place = new Place()
afterAll(() => place.remove())

/** What we say and memcheck does not. */
const MORE: Record<string, string[]> = {
  // Sizes of operator delete, which memcheck does not look at.
  'classes.cc': ['MismatchedFree 129', 'MismatchedFree 225'],
  // memcheck takes glibc's memcpy for memmove, whose code it is.
  'heap.c': ['Overlap 215'],
}
/** What memcheck says and we do not. */
const LESS: Record<string, string[]> = {
  // What is at most 0x55 is not larger than 1000, whatever its bits are.
  'values.c': ['UninitCondition 119'],
}

const files = fs.readdirSync(folder)

test.each(files)('%s', (file) => {
  const { theirs, less, more } = differences(place, build(place, file, { folder }), file)
  expect(theirs).toBeGreaterThan(20)
  expect({ less, more }).toEqual({ less: LESS[file] ?? [], more: MORE[file] ?? [] })
})

test.each(files)('the good twin of %s', (file) => {
  const path = build(place, file, { folder, good: true })
  const { findings, stdout, ending } = place.json('run', ['--', path])
  expect(findings.map(({ kind, what }) => [kind, what])).toEqual([])
  const native = spawnSync(path, { encoding: 'utf8' })
  expect([stdout.text, ending]).toEqual([native.stdout, { kind: 'exit', code: native.status }])
})
