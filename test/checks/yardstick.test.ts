/** Programs of the kinds that memcheck's own tests consist of: the same kinds of errors at the same lines as memcheck, and what we find besides is named. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build } from '../heap/programs.ts'
import { differences } from './memcheck.ts'

const folder = join(import.meta.dirname, 'yardstick')
const place = new Place()
afterAll(() => place.remove())

/** What we say and memcheck does not, as `KIND LINE`. */
const MORE: Record<string, string[]> = {
  // memcheck takes glibc's memcpy for memmove, whose code it is.
  'overlap.c': ['Overlap 10', 'Overlap 11'],
  // The call itself, where memcheck has its caller; a write to a page that can only be read.
  'signals.c': ['InvalidJump 18', 'InvalidWrite 37'],
  // The vector of thread-locals of a thread's stack, to which glibc keeps a pointer behind its start.
  'threads.c': ['Leak_StillReachable 26 288'],
  'lifetimes.c': ['Leak_StillReachable 28 272'],
  'mixture.c': ['Leak_StillReachable 28 272'],
  // memrchr reads where the count says; memcheck has no strrchr of its own that minds.
  'counts.c': ['UninitCondition 26', 'UninitValue 24'],
  // Where strcmp goes on after a difference that is undefined, too.
  'various.c': ['Leak_StillReachable 163 272', 'UninitValue 108'],
}
/** What memcheck says and we do not. */
const LESS: Record<string, string[]> = {
  // strchr decides nothing: it moves by a condition, and the result is undefined.
  'counts.c': ['UninitCondition 23'],
  'signals.c': ['InvalidJump 39', 'InvalidJump 41'],
  'threads.c': ['Leak_PossiblyLost 26 288'],
  'lifetimes.c': ['Leak_PossiblyLost 28 272'],
  'mixture.c': ['Leak_PossiblyLost 28 272'],
  'various.c': ['Leak_PossiblyLost 163 272'],
}

test.each(fs.readdirSync(folder).filter((name) => /\.cc?$/.test(name)))('%s', (file) => {
  const { theirs, less, more } = differences(place, build(place, file, { folder }), file)
  expect(theirs).toBeGreaterThan(0)
  expect({ less, more }).toEqual({ less: LESS[file] ?? [], more: MORE[file] ?? [] })
})
