/** Accesses that the processor refuses are found at the lines that the sources mark, with what is at the address, and nothing in the same programs without them. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build, found, marks, normalised } from '../heap/programs.ts'

const folder = join(import.meta.dirname, 'programs')
const place = new Place()
afterAll(() => place.remove())

const CHECK = ['--check', 'memory']
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.c'))
const bless = process.env.LEMMING_BLESS === '1'

/** What depends on this computer or the schedule: sizes of libraries' frames, registers, where other threads are. */
function settled(text: string): string {
  return text
    .replace(/^ {4}(?:r\w+|eflags) +[0-9a-f]{16}.*\n/gm, '')
    .replace(/^ {2}other threads\n(?: {4,}.*\n)*/gm, '')
    .replace(/of \d+ bytes at 0x…: the stack/g, 'of … bytes at 0x…: the stack')
    .replace(/\d+ bytes? behind a mapping/g, '… behind a mapping')
    .replace(/offset \d+ of a mapping of \d+ \w+/g, 'offset … of a mapping')
}

describe.each(files)('%s', (file) => {
  test('as its lines say', () => {
    const path = build(place, file, { folder })
    const { findings, ending } = place.json('run', [...CHECK, '--', path])
    expect(found(findings, file)).toEqual(marks(file, folder))
    const native = spawnSync(path, { encoding: 'utf8' })
    expect(ending.kind === 'signal' ? ending.name : 'none').toBe(native.signal ?? 'none')
  })

  test('the report', () => {
    const { stderr } = place.lemming(['run', ...CHECK, '--', build(place, file, { folder })])
    const expected = join(folder, `${file}.expected`)
    const report = settled(normalised(stderr, place, file, folder))
    if (bless) fs.writeFileSync(expected, report)
    expect(report).toBe(fs.readFileSync(expected, 'utf8'))
  })

  test('nothing where nothing is wrong', () => {
    const path = build(place, file, { folder, good: true })
    const { findings, stdout, ending } = place.json('run', [...CHECK, '--', path])
    expect(findings.map(({ kind, what }) => [kind, what])).toEqual([])
    const native = spawnSync(path, { encoding: 'utf8' })
    expect([stdout.text, ending]).toEqual([native.stdout, { kind: 'exit', code: native.status }])
  })
})

test('without checks, a crash is explained all the same', () => {
  const { finding, findings } = place.json('run', [
    '--check',
    'none',
    '--',
    build(place, 'thread-overflow.c', { folder }),
  ])
  expect(findings).toEqual([])
  expect(finding).toMatchObject({ kind: 'crash', memory: { kind: 'stack' } })
  expect(finding!.what).toMatch(/^SIGSEGV at address 0x[0-9a-f]+: the stack of thread 1001 \(\d+ KiB\) has overflowed/)
})

test('who unmapped it', () => {
  const source = `#include <sys/mman.h>
static void give_back(char *p) { munmap(p, 4096); }
int main(void) { char *p = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); give_back(p); return p[100]; }`
  const { finding } = place.json('run', ['--', place.compile('removed', source, ['-g', '-O0'])])
  expect(finding!.memory).toMatchObject({ kind: 'unmapped', removed: { by: 'munmap' } })
  expect(finding!.memory!.removed!.stack!.frames.map((frame) => frame.function)).toContain('give_back')
})
