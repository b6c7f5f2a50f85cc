/** Holds the tree against the rules of tidiness, after showing that each rule catches what it is for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deterministic } from '../../layers.mjs'
import { tidy } from './tidy.ts'
import { plantedTree, root } from './tree.ts'

const header = '/** Planted by a test. */\n'
const readme = { 'src/ir/README.md': '# ir\n', 'src/cli/README.md': '# cli\n' }

function complaintsAbout(files: Record<string, string>): string[] {
  using tree = plantedTree([], { ...readme, ...files })
  return tidy(tree.root).complaints.map(({ rule, where }) => `${rule} ${where}`)
}

describe('the rules see what they are for', () => {
  const lines = (count: number): string => header + '\n'.repeat(count - 1)

  test.each([
    ['src/ir/a.ts', 600, []],
    ['src/ir/a.ts', 601, ['size src/ir/a.ts']],
    ['test/ir/a.test.ts', 601, ['size test/ir/a.test.ts']],
    ['examples/a/a.c', 601, ['size examples/a/a.c']],
    ['src/x86/table/a.ts', 1500, ['readme src/x86/README.md']],
    ['src/x86/table/a.ts', 1501, ['size src/x86/table/a.ts', 'readme src/x86/README.md']],
    ['src/linux/table-files.ts', 1500, ['readme src/linux/README.md']],
    ['test/ir/cases.json', 1500, []],
    ['test/ir/cases.json', 1501, ['size test/ir/cases.json']],
  ])('%s of %i lines', (path, count, expected) => {
    expect(complaintsAbout({ [path]: lines(count) })).toEqual(expected)
  })

  test.each([
    ['no comment', 'export const a = 1\n', false],
    ['a comment of another kind', '// Planted.\n', false],
    ['a comment without a sentence', '/** planted */\n', false],
    ['a period in the second paragraph only', '/**\n * planted\n *\n * Now a sentence.\n */\n', false],
    ['a sentence', '/** Planted. */\n', true],
    ['a sentence of two lines and a list', '/**\n * Planted by\n * a test.\n *\n * - item\n */\n', true],
    ['a sentence after the interpreter line', '#!/usr/bin/env node\n/** Planted. */\n', true],
  ])('header: %s', (_what, source, fine) => {
    expect(complaintsAbout({ 'src/ir/a.ts': source })).toEqual(fine ? [] : ['header src/ir/a.ts'])
  })

  test.each([
    'Math.random()',
    'Date.now()',
    'new Date()',
    'Date()',
    'performance.now()',
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'setImmediate(() => {})',
    'queueMicrotask(() => {})',
    'console.log(1)',
    "console['log'](1)",
    'globalThis.performance',
    'globalThis.setTimeout(() => {}, 1)',
  ])('ambient: %s', (expression) => {
    const source = `${header}export const a = (): unknown => ${expression}\n`
    expect(complaintsAbout({ 'src/ir/a.ts': source })).toEqual(['ambient src/ir/a.ts'])
    expect(complaintsAbout({ 'src/cli/a.ts': source })).toEqual([])
  })

  test('ambient: names in comments, strings and properties are no calls', () => {
    const source = `${header}// console.log(Date.now()), Math.random()
export const a = 'new Date() console.log performance.now()'
export const b = { Date: 1, console: { log: 2 } }
export const c = b.Date + b.console.log
`
    expect(complaintsAbout({ 'src/ir/a.ts': source })).toEqual([])
  })

  test.each(['test.only', 'test.skip', 'it.todo', 'describe.skip', 'describe.concurrent.only', 'test.skipIf'])(
    'switched off: %s',
    (call) => {
      expect(complaintsAbout({ 'test/a.test.ts': `${call}('a', () => {})\n` })).toEqual(['switched off test/a.test.ts'])
    },
  )

  test('places of one machine, in any kind of text', () => {
    for (const place of ['work', 'root', 'home/me', 'tmp/t']) {
      const files = {
        'README.md': `see\n/${place}/x\n`,
        'scripts/a.sh': `cd "/${place}/x"\n`,
        'a.json': `["/${place}/"]`,
      }
      expect(complaintsAbout(files).sort()).toEqual(['path README.md:2', 'path a.json:1', 'path scripts/a.sh:1'])
    }
    expect(complaintsAbout({ 'README.md': 'src/work/x, ./home/me/x, /tmp/x, /usr/lib/x, work/\n' })).toEqual([])
  })

  test('not in what is built, nor in binaries', () => {
    const place = `/${'root'}/x`
    expect(complaintsAbout({ 'examples/a/build/a.c': place, 'examples/a/a': `\0${place}` })).toEqual([])
  })

  test('marks of unfinished work', () => {
    const mark = ['TO', 'DO'].join('')
    expect(complaintsAbout({ 'src/ir/a.ts': `${header}// ${mark}: more\n` })).toEqual(['unfinished src/ir/a.ts:2'])
  })

  test('a folder without a README, or with a book', () => {
    expect(complaintsAbout({ 'src/elf/a.ts': header })).toEqual(['readme src/elf/README.md'])
    expect(complaintsAbout({ 'src/elf/README.md': '\n'.repeat(100) })).toEqual(['readme src/elf/README.md'])
  })
})

describe('the tree as it is', () => {
  const { files, complaints } = tidy(root)

  test.each(['size', 'header', 'ambient', 'path', 'readme', 'unfinished', 'switched off'])('%s', (rule) => {
    expect(files).toBeGreaterThan(0)
    const found = complaints.filter((complaint) => complaint.rule === rule)
    expect(found.map(({ where, what }) => `${where} ${what}`)).toEqual([])
  })

  test('lint bans the ambient world in the folders that layers.mjs calls deterministic', () => {
    const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '')
    const { overrides } = JSON.parse(config) as { overrides: { files: string[]; rules: Record<string, unknown> }[] }
    const banning = overrides.filter((override) => 'eslint/no-restricted-globals' in override.rules)
    const named = banning.flatMap((override) => override.files).map((glob) => /^src\/(\w+)\/\*\*$/.exec(glob)?.[1])
    expect(named).toEqual(deterministic)
  })
})
