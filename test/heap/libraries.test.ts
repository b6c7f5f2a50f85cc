/** Allocators that take the C library's place by LD_PRELOAD are answered like it: the same findings, in the same programs. */
import * as fs from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build, found, marks } from './programs.ts'

const place = new Place()
afterAll(() => place.remove())

/** What Debian's packages libjemalloc2, libmimalloc2.0 and libtcmalloc-minimal4 install. */
const libraries = ['libjemalloc.so.2', 'libmimalloc.so.2.0', 'libtcmalloc_minimal.so.4'].map(
  (name) => `/usr/lib/x86_64-linux-gnu/${name}`,
)

const there = libraries.filter((library) => fs.existsSync(library))

test(`of ${libraries.length} allocators, ${there.length} are installed here`, () => {
  expect(libraries).toEqual(expect.arrayContaining(there))
})

for (const library of there) {
  test.each(['double-free.c', 'redzone.c'])(`${library}: %s`, (file) => {
    const options = ['--check', 'memory', '--env', `LD_PRELOAD=${library}`]
    const { findings } = place.json('run', [...options, '--', build(place, file)])
    expect(found(findings, file)).toEqual(marks(file))
  })
}
