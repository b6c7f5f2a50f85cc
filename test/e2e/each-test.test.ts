/** One run per test: programs that speak the protocols of test frameworks are asked for their tests, and each is run by itself. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { listTests, type Execute, type TestKind } from '../../src/lab/tests.ts'
import { Place } from './lemming.ts'

const place = new Place()
afterAll(() => place.remove())

/** A program of three tests: it answers as GoogleTest and as its users' own, and says nothing to others. */
const program = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    const char *last = argc > 1 ? argv[argc - 1] : "";
    if (strcmp(last, "--gtest_list_tests") == 0)
        return puts("Running main() from here\\nSum.\\n  Good\\n  Bad  # GetParam() = 7\\n  DISABLED_Not\\nHeap/0.\\n  Leak") < 0;
    if (strcmp(last, "--gtest_filter=Sum.Bad") == 0 || strcmp(last, "bad") == 0)
        return 3;
    if (strcmp(last, "--gtest_filter=Heap/0.Leak") == 0) {
        volatile char *p = malloc(24);
        p = 0;
        return p != 0;
    }
    return 0;
}
`

beforeAll(() => {
  place.compile('tests', program, ['-g', '-O0', '-static'])
})

describe('a program', () => {
  test('is recognised, and each of its tests is run, judged and kept', () => {
    const told = schemas.hunt.parse(place.json('run', ['--each-test', '--jobs', '2', '--', './tests', '--own']))
    const results = told.tests!.results.map(({ name, runs, failed, failures }) => [name, runs, failed, failures.length])
    expect(results).toEqual([
      ['Sum.Good', 1, 0, 0],
      ['Sum.Bad', 1, 1, 1],
      ['Heap/0.Leak', 1, 1, 1],
    ])
    expect(told.tests).toMatchObject({ kind: 'gtest', leftOut: [{ name: 'Sum.DISABLED_Not', why: 'disabled' }] })
    const [, { failures: [leak] } = { failures: [] }] = told.tests!.results.slice(1)
    expect(leak!.what).toContain('definitely lost')
    const { code, stdout } = place.lemming(['failures', 'cell=Sum.Bad'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^B\d+ .* exit 3/m)])
    expect(place.lemming(['replay', '--times', '1', leak!.name])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('lost'),
    })
  })

  test('a table tells what they came to; by a list, and with several seeds', () => {
    writeFileSync(join(place.path, 'list'), '# arguments\ngood\n\n"bad"\n')
    const ran = place.lemming([
      'hunt',
      '--tests',
      'list',
      '--runs',
      '2',
      '--check',
      'none',
      '--out',
      'l',
      '--',
      './tests',
    ])
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(/^good +passed +0\/2/m)
    expect(ran.stdout).toMatch(/^"bad" +failed +2\/2 .* F1: the program exited with code 3$/m)
    expect(ran.stdout).toMatch(/^2 tests: 1 passed, 1 failed; /m)
  })

  test.each([
    [['run', '--each-test', './tests'], 'a -- belongs before the program'],
    [['run', '--each-test', '--', '/bin/true'], 'it is not known which test framework this is'],
    [['run', '--each-test', 'go', '--', './tests'], 'it lists no tests as go does'],
    [['run', '--each-test', '--strace', '--', './tests'], '--strace: not with --each-test'],
    [['hunt', '--each-test', '--matrix', 'A=1,2', '--', './tests'], '--matrix is given too'],
    [['run', '--tests', 'nothing', '--', './tests'], 'nothing: ENOENT'],
  ])('what cannot be meant: %s', (words, said) => {
    expect(place.lemming(words)).toMatchObject({
      code: expect.any(Number),
      stdout: '',
      stderr: expect.stringContaining(said),
    })
  })
})

/** A framework's program that answers these words, and refuses others. */
function answers(by: Record<string, string>): Execute {
  return async (command) => {
    const words = command.slice(1).join(' ')
    const text = by[words]
    return {
      stdout: text ?? '',
      stderr: text === undefined ? `Unrecognised token: ${words}` : '',
      code: text === undefined ? 1 : 0,
    }
  }
}

async function listed(kind: TestKind, by: Record<string, string>): Promise<[string[][], string[]]> {
  const { tests, leftOut } = await listTests(['p'], 'p', kind, answers(by))
  return [tests.map(({ name, command }) => [name, ...command.slice(1)]), leftOut.map(({ name }) => name)]
}

test('libtest: ignored tests are left out', async () => {
  const list = 'a::b: test\na::slow: test\na::speed: bench\n'
  const by = { '--list --format terse --ignored': 'a::slow: test\n', '--list --format terse': list }
  expect(await listed('libtest', by)).toEqual([[['a::b', '--exact', 'a::b']], ['a::slow']])
})

test('go', async () => {
  const by = { '-test.list=.': 'TestA\nBenchmarkB\nExampleC\nok  \ta\t0.1s\n' }
  const tests = [
    ['TestA', '-test.run=^TestA$'],
    ['ExampleC', '-test.run=^ExampleC$'],
  ]
  expect(await listed('go', by)).toEqual([tests, []])
})

test.each([
  ['2', '--list-test-names-only'],
  ['3', '--list-tests --verbosity quiet'],
])('Catch2, version %s: names with what means something to it', async (_version, words) => {
  const tests = [
    ['adds, and more', String.raw`adds\, and more`],
    ['plain', 'plain'],
  ]
  expect(await listed('catch2', { [words]: 'adds, and more\nplain\n' })).toEqual([tests, []])
})

test('a build directory of CMake is asked by ctest; without it one line says so', async () => {
  const build = join(place.path, 'build')
  mkdirSync(build)
  writeFileSync(
    join(build, 'CTestTestfile.cmake'),
    `add_test(one "/bin/true" "x")
add_test(words "/bin/echo" "hello")
set_tests_properties(words PROPERTIES PASS_REGULAR_EXPRESSION "hel+o" WORKING_DIRECTORY "/usr" ENVIRONMENT "A=1")
add_test(inverse "/bin/false")
set_tests_properties(inverse PROPERTIES WILL_FAIL "TRUE")
`,
  )
  const asked = listTests([build], build, 'auto', answers({}))
  const list = await asked.catch((error: Error) => error.message)
  if (typeof list === 'string') return expect(list).toBe('there is no ctest on this computer')
  expect(list.leftOut).toEqual([{ name: 'inverse', why: 'WILL_FAIL' }])
  const criteria = { exitCodes: [], matches: [], lacks: ['(?:hel+o)'], expectSame: [] }
  expect(list.tests).toEqual([
    { name: 'one', command: ['/bin/true', 'x'], env: [], cwd: expect.any(String), criteria: null },
    { name: 'words', command: ['/bin/echo', 'hello'], env: ['A=1'], cwd: '/usr', criteria },
  ])
})
