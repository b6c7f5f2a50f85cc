/** Uses of undefined values are found at the lines that the sources mark, with where the values came from; memcheck says the same; defined twins are clean. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build, found, marks, normalised } from '../heap/programs.ts'

const folder = join(import.meta.dirname, 'undefined')
const place = new Place()
afterAll(() => place.remove())

const CHECK = ['--check', 'memory']
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.c'))
const bless = process.env.LEMMING_BLESS === '1'

/** What is on the stack around a value depends on this computer's libraries. */
function settled(text: string): string {
  return text.replace(/^( +[-+]0x… │).*$/gm, (row, label: string) => (row.includes('--') ? row : `${label} …`))
}

describe.each(files)('%s', (file) => {
  test('as its lines say', () => {
    const { findings } = place.json('run', [...CHECK, '--', build(place, file, { folder })])
    expect(found(findings, file)).toEqual(marks(file, folder))
  })

  test('the report', () => {
    const { stderr } = place.lemming(['run', ...CHECK, '--', build(place, file, { folder })])
    const expected = join(folder, `${file}.expected`)
    const report = settled(normalised(stderr, place, file, folder))
    if (bless) fs.writeFileSync(expected, report)
    expect(report).toBe(fs.readFileSync(expected, 'utf8'))
  })

  test('as memcheck', () => {
    const path = build(place, file, { folder })
    const { stderr } = spawnSync('valgrind', ['-q', path], { encoding: 'utf8', env: place.env() })
    const lines = [...new Set(marks(file, folder).map(({ line }) => line))]
    const theirs = stderr
      .split(/^==\d+== $/m)
      .flatMap((error) => new RegExp(String.raw`\(${file.replace('.', String.raw`\.`)}:(\d+)\)`).exec(error)?.[1] ?? [])
      .map(Number)
    expect([...new Set(theirs)].toSorted((a, b) => a - b)).toEqual(lines)
  })

  test('nothing where all is defined', () => {
    const path = build(place, file, { folder, good: true })
    const { findings, stdout, ending } = place.json('run', [...CHECK, '--', path])
    expect(findings.map(({ kind, what }) => [kind, what])).toEqual([])
    const native = spawnSync(path, { encoding: 'utf8' })
    expect([stdout.text, ending]).toEqual([native.stdout, { kind: 'exit', code: native.status }])
  })
})
