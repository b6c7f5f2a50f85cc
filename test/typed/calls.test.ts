/** Methods called in expressions, in clones of a run, against gdb that calls them in the program itself; those of the library that are inlined everywhere are answered by what its containers hold. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'methods')
const recording = `${program}.lemming`
const MARK = '== next =='

beforeAll(() => {
  execFileSync('g++', ['-w', '-g', '-O0', '-o', program, join(import.meta.dirname, 'programs', 'methods.cc')])
  place.lemming(['run', '--export', recording, '--', program])
})
afterAll(() => place.remove())

const asked = (commands: readonly string[], option: string): string[] =>
  commands.flatMap((command) => [option, `echo ${MARK}\\n`, option, command])

const answers = (said: string): string[] => said.split(`${MARK}\n`).slice(1)

test('methods, static and virtual ones, references, templates', () => {
  const questions = [
    'p shape->twice(5)',
    'p square.twice(5)',
    'p shape->area()',
    'p square.area()',
    'p box.get()',
    'p Box<int>::count()',
    'p numbers.size()',
    'p numbers.back()',
    'p numbers.empty()',
    'p *owned.get()',
    'whatis box.get()',
  ]
  const { stdout } = place.lemming(['replay', recording, ...asked(questions, '--ex')])
  const start = ['set debuginfod enabled off', 'set style enabled off', 'run'].flatMap((one) => ['-ex', one])
  const known = execFileSync('gdb', ['-q', '-batch', '-nx', ...start, ...asked(questions, '-ex'), program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  expect(answers(stdout)).toEqual(answers(known))
})

test('what gdb cannot call either', () => {
  const { stdout, stderr } = place.lemming([
    'replay',
    recording,
    ...['p name.length()', 'p ages.size()', 'p add(x, y)', 'p ages.at(3)', 'p missing.get()'].flatMap((one) => [
      '--ex',
      one,
    ]),
  ])
  expect(stdout).toMatch(/\$1 = 5\n\$2 = 1\n\$3 = 5\n/)
  expect(stderr).toMatch(/Cannot evaluate function at -- may be inlined\nNo symbol "missing" in current context/)
})

test('exceptions are caught where they are thrown and taken', () => {
  const { stdout } = place.lemming([
    'replay',
    recording,
    ...['seek start', 'catch throw', 'catch catch', 'continue', 'up', 'p n', 'continue', 'reverse-continue'].flatMap(
      (one) => ['--ex', one],
    ),
  ])
  expect(stdout).toMatch(
    /Catchpoint 1 at @(\d+) \(exception thrown\), .*__cxa_throw[^]*risky \(n=3\)[^]*\$1 = 3\n[^]*Catchpoint 2 at @\d+ \(exception caught\), [^]*Catchpoint 1 at @\1 /,
  )
})
