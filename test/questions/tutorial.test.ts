/** Keeps docs/tutorial.md true: its commands are executed, and say what it says they say. Addresses, moments and other numbers may be those of another compiler and libc. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { root } from '../house/tree.ts'

const places = { superslab: new Place(), seglog: new Place() }

beforeAll(() => {
  for (const [name, place] of Object.entries(places)) {
    const build = join(place.path, 'build')
    mkdirSync(build)
    const goals = name === 'superslab' ? ['O0'] : []
    execFileSync('make', ['-s', '-C', join(root, 'examples', name), `OUT=${build}`, ...goals], { stdio: 'pipe' })
  }
  copyFileSync(join(root, 'examples/seglog/tests.txt'), join(places.seglog.path, 'tests.txt'))
})
afterAll(() => {
  for (const place of Object.values(places)) place.remove()
})

/** A command of the tutorial, and the lines below it. */
interface Step {
  section: keyof typeof places
  command: string
  lines: string[]
}

function steps(): Step[] {
  const out: Step[] = []
  let section: Step['section'] = 'superslab'
  for (const line of readFileSync(join(root, 'docs/tutorial.md'), 'utf8').split('\n')) {
    const heading = /^## (\w+)/.exec(line)
    if (heading !== null) section = heading[1] as Step['section']
    if (!line.startsWith('    ')) continue
    const text = line.slice(4)
    if (text.startsWith('$ lemming ')) out.push({ section, command: text.slice(10), lines: [] })
    else out.at(-1)!.lines.push(text)
  }
  return out
}

/** The words of a shell's command line. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

const NUMBER = /0x[0-9a-f]+|\b[0-9a-f]{16}\b|\d+/g

/** A line without its numbers, its layout and the bytes of dumps. */
function plain(line: string): string {
  const shown = /^ +\+0x/.test(line) ? line.replaceAll(/[^·]/g, '') : line
  return shown
    .replaceAll(NUMBER, 'N')
    .replaceAll(/(N(, )?)+…/g, 'N …')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** What the numbers of the tutorial are here. */
const numbers = new Map<string, string>()

test.each(steps().map((step) => ({ ...step, name: `${step.section}: ${step.command}` })))(
  '$name',
  ({ section, command, lines }) => {
    const args = words(command).map((word) => numbers.get(word) ?? word)
    const { stdout, stderr } = places[section].lemming(args)
    expect(stderr).not.toContain('internal error')
    const said = `${stdout}${stderr}`.split('\n')
    let at = 0
    for (const line of lines) {
      if (line.trim() === '…' || line === '') continue
      const found = said.findIndex((one, i) => i >= at && plain(one) === plain(line))
      expect(found, `${command}\n${line}\n--- is not in\n${said.slice(at).join('\n')}`).toBeGreaterThanOrEqual(at)
      at = found + 1
      const here = said[found]!.match(NUMBER) ?? []
      for (const [i, number] of (line.match(NUMBER) ?? []).entries())
        if (number.startsWith('0x') && here[i] !== undefined) numbers.set(number, here[i])
    }
  },
)
