/** `--fault crash` from the command line: found, told, kept, repeated, and walked from behind the loss of power to before it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shellWords } from '../../src/cli/shell-words.ts'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const source = readFileSync(join(import.meta.dirname, 'programs/twins.c'), 'utf8')

beforeAll(() => {
  place.compile('twins', source, ['-O0', '-g'])
})
afterAll(() => place.remove())

test('a hunt finds it; the report has the change that is missing, and that it is the cause', () => {
  const hunt = ['--fault', 'crash', '--recover', './twins plain check', '--', './twins', 'plain', 'wrong']
  const { failures } = place.json('hunt', hunt)
  const { finding, ending } = failures[0]!
  expect(ending).toEqual({ kind: 'exit', code: 1 })
  expect(finding.what).toBe('after a loss of power the program exited with code 1')
  const loss = finding.powerLoss!
  expect(loss).toMatchObject({ model: 'posix', anyway: false, recovery: ['./twins', 'plain', 'check'] })
  const [needed, ...others] = loss.missing.filter(({ isNeeded }) => isNeeded)
  expect(others).toEqual([])
  expect(needed).toMatchObject({ what: 'write', offset: 0, length: 9000 })
  expect(needed!.path).toBe(join(place.path, 'data'))
  const line = source.split('\n').findIndex((text) => text.includes('write(fd, bytes, size) ==')) + 1
  expect(needed!.place).toMatchObject({ function: 'put', line })

  const told = place.lemming(['replay', 'F1', '--times', '2'])
  expect(told.code).toBe(1)
  expect(told.stderr).toContain('with all of them on the disk it would not have ended so')
  expect(told.stderr).toMatch(/replayed 2 times/)

  const walk = ['power', 'seek power', 'info threads', 'stepi', 'info threads', 'print bytes[0]', 'heap', 'moment']
  const { stdout, stderr } = place.lemming(['replay', 'F1', ...walk.flatMap((command) => ['--ex', command])])
  expect(stderr).toBe('')
  expect(stdout).toContain(`power was lost at @${loss.moment}: `)
  expect(stdout).toMatch(/▸? +(torn )?write +\S+\/data +9000 bytes at 0/)
  expect(stdout).toContain('heap of twins')
})

test('a run tells it on standard error, strace has a line for it, and its exit code is that of the recovery', () => {
  const options = ['--fault', 'crash:ordered', '--recover', './twins plain check', '--strace']
  const runs = [0, 1, 2, 3].map((seed) =>
    place.lemming(['run', '--seed', String(seed), ...options, '--', './twins', 'plain', 'right']),
  )
  for (const { code, stdout, stderr } of runs) {
    expect([code, stdout]).toEqual([0, 'kept\n'])
    expect(stderr).toMatch(/^\+\+\+ power lost.*; recovery: \.\/twins plain check \+\+\+$/m)
  }
})

test('without --recover the program itself is run again', () => {
  const { code, stderr } = place.lemming(['run', '--fault', 'crash', '--strace', '--', '/bin/echo', 'a'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/^\+\+\+ power lost; recovery: \/bin\/echo a \+\+\+$/m)
})

test.each([
  [['--fault', 'crush', '--', '/bin/true'], /There is no fault 'crush'; there are crash, crash:posix, crash:ordered/],
  [['--fault', 'crash,eintr', '--', '/bin/true'], /'eintr' is not built yet/],
  [['--fault', 'crash,crash:ordered', '--', '/bin/true'], /Power is lost once/],
  [['--recover', './check', '--', '/bin/true'], /--recover: power is not lost\n {2}say --fault crash/],
  [['--fault', 'crash', '--recover', './absent', '--', '/bin/true'], /\.\/absent: no such file/],
  [['--fault', 'crash', '--recover', ' ', '--', '/bin/true'], /--recover: it names no program/],
])('%j is refused', (args, message) => {
  const { code, stderr } = place.lemming(['run', ...args])
  expect(stderr).toMatch(message)
  expect(code).toBe(args.includes('./absent') ? 3 : 2)
})

test('a command is read as by a shell, and by one where it takes one', () => {
  expect(shellWords(`./db  'a b' "c d"e f\\ g ''`)).toEqual(['./db', 'a b', 'c de', 'f g', ''])
  for (const line of ['./db | grep -q ok', 'test -f data && ./db', './db "$HOME"', "./db 'open"])
    expect(shellWords(line)).toEqual(['/bin/sh', '-c', line])
})
