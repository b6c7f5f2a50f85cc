/** A program in C++ that ends itself, as somebody from gdb meets it: what the classes are, calls at abort(), registers that are watched, conditions that make no sense. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'stranger')
const recording = join(place.path, 'stranger.lemming')
const MARK = '== next =='

beforeAll(() => {
  execFileSync('g++', ['-g', '-O0', '-o', program, join(import.meta.dirname, 'programs', 'stranger.cc')])
  // What is kept in registers is for the optimiser to say.
  const optimised = ['-g', '-O2', '-o', `${program}-O2`, join(import.meta.dirname, 'programs', 'stranger.cc')]
  execFileSync('g++', optimised)
  place.lemming(['run', '--export', recording, '--', program])
})
afterAll(() => place.remove())

/** What each command says, without its number in the history of values. */
function said(...commands: string[]): string[] {
  const all = commands.flatMap((command) => ['--ex', `echo ${MARK}\\n`, '--ex', command])
  const { stdout, stderr } = place.lemming(['replay', recording, ...all])
  const parts = stdout.split(`${MARK}\n`).slice(1)
  expect(parts.length, stderr).toBe(commands.length)
  return parts.map((text) => text.trim().replace(/^\$\d+ = /, ''))
}

describe('at abort()', () => {
  test('objects say what they are, and where their bases lie', () => {
    const [, whole, start, right, up, object, sizes, templates, member, missing] = said(
      'frame function main',
      'p *(Both *)dynamic_cast<void *>(base)',
      'p dynamic_cast<Both *>(base) == &both',
      'p dynamic_cast<Right *>(left)->right',
      'p static_cast<Base *>(left) == base',
      'print -object on -- *base',
      'p _Alignof(Point) + sizeof(Box<Point,2>)',
      'p twice<int>',
      'p box.items[1].*second + (&box.items[0])->*second',
      'p Box<Point, 7>',
    ) as string[]
    expect(whole).toMatch(/<Left> = .*left = 11.*<Right> = .*right = 22.*both = 33/)
    expect([start, right, up, sizes, member]).toEqual(['true', '22', 'true', '20', '6'])
    expect(object).toMatch(/^\(Both\) \{.*both = 33/)
    expect(templates).toMatch(/^\{int \(int\)\} 0x[0-9a-f]+ <.*twice<int>\(int\)>$/)
    expect(missing).toBe('')
  })

  test('functions can be called all the same, and signals be handled as scripts say', () => {
    const [called, again, virtual, total, handled, python, five] = said(
      'p add(4)',
      'p add(4)',
      'p base->area()',
      'p total',
      'handle SIGUSR1 nostop noprint pass',
      'python print(1)',
      'p 5',
    )
    expect([called, again, virtual, total, handled, python, five]).toEqual(['38', '38', '99', '30', '', '', '5'])
  })

  test('values are written as settings say', () => {
    const [short, once, back, pretty, plain] = said(
      'with print elements 4 -- p text',
      'print -elements 2 -- "hello"',
      'p "hello"',
      'with print pretty on -- p box.items[0]',
      'p box.items[0]',
    )
    expect([short, once, back, pretty, plain]).toEqual([
      '',
      '"he"...',
      '"hello"',
      '{\n  x = 1,\n  y = 2\n}',
      '{x = 1, y = 2}',
    ])
  })

  test('memory by strings, backwards, and frames all at once', () => {
    const [text, bytes, before, further, all] = said(
      'x/s (char *)"wxyz"',
      'x/2xb &wide[4]',
      'x/-2xb',
      'x/-2xb',
      'faas p text',
    )
    expect(text).toBe('')
    const [one, other] = [bytes, before].map((line) => Number(/^0x[0-9a-f]+/.exec(line!)![0]))
    expect([one! - other!, /<wide\+4>/.test(bytes!), further!.includes('<wide+2>')]).toEqual([0, true, true])
    expect(all).toMatch(/in main \(\) at .*stranger\.cc:\d+\n.* "some text"/)
  })
})

describe('on the way', () => {
  test('start, run, and a condition that cannot be decided', () => {
    const [started, , met, where, , ended] = said(
      'start',
      'break add if nosuch == 3',
      'continue',
      'info breakpoints',
      'delete',
      'run',
    )
    expect(started).toMatch(/main \(\) at .*stranger\.cc:\d+/)
    expect(met).toMatch(
      /^Error in testing condition for breakpoint 1:\nNo symbol "nosuch" in current context\.\n\nBreakpoint 1 at @\d+, add \(x=1\)/,
    )
    expect(where).toMatch(/hit 1 time/)
    expect(ended).toMatch(/received signal SIGABRT/)
  })

  test('a watchpoint on a variable ends with its frame', () => {
    const [set, first, gone, left] = said(
      'tbreak sum',
      'run',
      'watch all',
      'continue',
      'continue 9',
      'info watchpoints',
    ).slice(2)
    expect(set).toMatch(/^Watchpoint 2: all \(8 bytes at 0x[0-9a-f]+\)$/)
    expect(first).toMatch(/New value = 2 \(0x2\)|New value = 0 \(0x0\)/)
    expect(gone).toMatch(/Watchpoint 2 deleted because .*\nwhich its expression is valid\.\n0x[0-9a-f]+ in main \(\)/)
    expect(left).toBe('No breakpoints or watchpoints.')
  })

  test('a register is watched both ways', () => {
    const [set, hit, pc, , back, there] = said(
      'start',
      'break add',
      'continue',
      'delete',
      'watch $rbp',
      'continue',
      'x/i $pc',
      'p $rbp',
      'reverse-continue',
      'x/i $pc',
    ).slice(4)
    expect(set).toMatch(/^Watchpoint 2: \$rbp \(thread \d+\)$/)
    const [, old, now] = /Old value = \S+ \((0x[0-9a-f]+)\)\nNew value = \S+ \((0x[0-9a-f]+)\)/.exec(hit!)!
    // The function calls another one, which makes a frame of its own.
    expect(Number(now)).toBeLessThan(Number(old))
    expect(pc).toMatch(/<.*twice<int>\(int\)\+\d+>/)
    expect(back).toContain(`(${now})`)
    expect(there).toContain('mov rbp, rsp')
  })

  test('a variable in a register is watched while its function is executed', () => {
    const optimised = join(place.path, 'optimised.lemming')
    place.lemming(['run', '--export', optimised, '--', `${program}-O2`])
    const commands = ['tbreak sum', 'run', 'watch all', 'continue', 'p all', 'continue', 'p all']
    const { stdout } = place.lemming(['replay', optimised, ...commands.flatMap((command) => ['--ex', command])])
    if (!stdout.includes('in a register')) return expect(stdout).toMatch(/Temporary breakpoint 1/)
    expect(stdout).toMatch(/New value = 2 \(0x2\)[^]*New value = 14 \(0xe\)/)
  })
})
