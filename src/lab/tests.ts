/** Exists to find the tests that a program consists of, so that each can be run by itself from a clean machine: by asking it, in the words of its test framework. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import type { Criteria } from './criteria.ts'

/** Ways to list tests and to run one of them. */
export const TEST_KINDS = ['libtest', 'gtest', 'go', 'catch2', 'ctest'] as const
export type TestKind = (typeof TEST_KINDS)[number]

/** A test: what is to be executed for it alone. */
export interface Test {
  name: string
  command: string[]
  /** `K=V`. */
  env: string[]
  /** null: the hunt's own. */
  cwd: string | null
  /** How it is judged other than by its exit code; null for by that. */
  criteria: Criteria | null
}

/** The tests that there are, and those that are not to be run, with the reason. */
export interface TestList {
  kind: TestKind | 'list'
  tests: Test[]
  leftOut: { name: string; why: string }[]
}

/** Executes a program in a machine: its standard output, standard error, and exit code (null for another end). */
export type Execute = (command: string[]) => Promise<{ stdout: string; stderr: string; code: number | null }>

type Framework = (command: string[], execute: Execute) => Promise<Omit<TestList, 'kind'>>

/** The tests of a program by its framework, which is recognised if it is not named. */
export async function listTests(
  command: readonly string[],
  path: string,
  kind: TestKind | 'auto',
  execute: Execute,
): Promise<TestList> {
  const found = kind === 'auto' ? recognise(path) : kind
  if (found === null)
    throw new LemmingError(
      'unknown-tests',
      `${path}: it is not known which test framework this is`,
      `name it: --each-test ${TEST_KINDS.join('|')}; or give a file with the arguments of one test a line: --tests FILE`,
    )
  const list = found === 'ctest' ? listCtest(path, command.slice(1)) : await FRAMEWORKS[found]([...command], execute)
  if (list.tests.length === 0)
    throw new LemmingError(
      'unknown-tests',
      `${path}: it lists no tests as ${found} does`,
      list.leftOut.length > 0 ? 'all of them are disabled or ignored' : 'see what it says: run it without --each-test',
    )
  return { kind: found, ...list }
}

/** Tests by the arguments that a file has for each, a line each, as a shell reads them; `words` splits a line. */
export function testsOfFile(
  file: string,
  command: readonly string[],
  words: (line: string) => readonly string[],
): TestList {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new LemmingError('usage', `--tests ${file}: ${(error as NodeJS.ErrnoException).code}`, 'give a readable file')
  }
  const lines = text.split('\n').map((line) => line.trim())
  const names = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (names.length === 0)
    throw new LemmingError('usage', `--tests ${file}: no line in it has arguments`, 'one test a line')
  return { kind: 'list', tests: names.map((name) => plain(name, [...command, ...words(name)])), leftOut: [] }
}

function plain(name: string, command: string[]): Test {
  return { name, command, env: [], cwd: null, criteria: null }
}

/** What programs of each framework have in them. */
const MARKS: readonly [TestKind, readonly string[]][] = [
  ['libtest', ['RUST_TEST_THREADS']],
  ['gtest', ['InitGoogleTest']],
  ['gtest', ['gtest_list_tests']],
  ['go', ['Go build', 'test.list']],
  ['catch2', ['N5Catch']],
  ['catch2', ['--list-test']],
]

function recognise(path: string): TestKind | null {
  if (statSync(path).isDirectory()) return existsSync(join(path, 'CTestTestfile.cmake')) ? 'ctest' : null
  const bytes = readFileSync(path)
  return MARKS.find(([, marks]) => marks.every((mark) => bytes.includes(mark)))?.[0] ?? null
}

const FRAMEWORKS: Record<Exclude<TestKind, 'ctest'>, Framework> = {
  /** Rust's: `name: test` in a line of the terse list; ignored ones are in the other list alone. */
  async libtest(command, execute) {
    const names = async (...more: string[]): Promise<string[]> =>
      linesOf(await asked(execute, [...command, '--list', '--format', 'terse', ...more])).flatMap(
        (line) => /^(.+): test$/.exec(line)?.[1] ?? [],
      )
    const ignored = new Set(await names('--ignored'))
    const tests = (await names()).filter((name) => !ignored.has(name))
    return {
      tests: tests.map((name) => plain(name, [...command, '--exact', name])),
      leftOut: [...ignored].map((name) => ({ name, why: 'ignored' })),
    }
  },

  /** GoogleTest's: suites end with a dot, tests are indented, and a number sign begins what is no part of a name. */
  async gtest(command, execute) {
    const tests: Test[] = []
    const leftOut: TestList['leftOut'] = []
    let suite = ''
    for (const line of linesOf(await asked(execute, [...command, '--gtest_list_tests']))) {
      const [, indent, word] = /^(\s*)(\S+)\s*(?:#.*)?$/.exec(line) ?? []
      if (word === undefined) continue
      if (indent === '') suite = word.endsWith('.') ? word : ''
      else if (suite !== '') {
        const name = suite + word
        if (/(^|\/|\.)DISABLED_/.test(name)) leftOut.push({ name, why: 'disabled' })
        else tests.push(plain(name, [...command, `--gtest_filter=${name}`]))
      }
    }
    return { tests, leftOut }
  },

  async go(command, execute) {
    const names = linesOf(await asked(execute, [...command, '-test.list=.'])).filter((line) =>
      /^(Test|Example|Fuzz)[^\s]*$/.test(line),
    )
    return { tests: names.map((name) => plain(name, [...command, `-test.run=^${name}$`])), leftOut: [] }
  },

  /** Version 3 lists names alone when it is quiet; version 2 has an option of its own, and an exit code that is the number of tests. */
  async catch2(command, execute) {
    const second = await execute([...command, '--list-test-names-only'])
    const isSecond = second.code !== null && !/nrecognised|nrecognized/.test(second.stdout + second.stderr)
    const text = isSecond ? second.stdout : await asked(execute, [...command, '--list-tests', '--verbosity', 'quiet'])
    const names = linesOf(text).map((line) => line.trim())
    return {
      // What means something in a test specification.
      tests: names.map((name) => plain(name, [...command, name.replaceAll(/[\\,[\]*~]/g, String.raw`\$&`)])),
      leftOut: [],
    }
  },
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')

async function asked(execute: Execute, command: string[]): Promise<string> {
  const { stdout, stderr, code } = await execute(command)
  if (code === 0) return stdout
  const said = linesOf(stderr)[0] ?? linesOf(stdout)[0] ?? ''
  throw new LemmingError(
    'unknown-tests',
    `${command.at(-1)}: the program ${code === null ? 'did not come to its end' : `exited with code ${code}`}${said === '' ? '' : `, saying: ${said}`}`,
    'another framework? --each-test NAME; or --tests FILE, with the arguments of one test a line',
  )
}

/** What ctest says of a build directory (--show-only=json-v1, version 1). */
interface CtestDocument {
  tests: { name: string; command?: string[]; properties?: { name: string; value: unknown }[] }[]
}

/** The tests of a CMake build directory, as ctest knows them; `more` are options of ctest. */
function listCtest(directory: string, more: readonly string[]): Omit<TestList, 'kind'> {
  let text: string
  try {
    const options = { cwd: resolve(directory), encoding: 'utf8' as const, maxBuffer: 1 << 30 }
    text = execFileSync('ctest', ['--show-only=json-v1', ...more], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string }
    const isAbsent = code === 'ENOENT'
    throw new LemmingError(
      'unknown-tests',
      isAbsent ? 'there is no ctest on this computer' : `ctest: ${linesOf(stderr ?? '')[0] ?? 'it failed'}`,
      isAbsent ? 'install cmake, or give the test program itself' : 'see: ctest --show-only=json-v1',
    )
  }
  const tests: Test[] = []
  const leftOut: TestList['leftOut'] = []
  for (const { name, command, properties = [] } of (JSON.parse(text) as CtestDocument).tests) {
    const of = (property: string): unknown => properties.find((one) => one.name === property)?.value
    const list = (property: string): string[] => [of(property) ?? []].flat().map(String)
    if (command === undefined) leftOut.push({ name, why: 'not built' })
    else if (of('DISABLED') === true) leftOut.push({ name, why: 'disabled' })
    else if (of('WILL_FAIL') === true) leftOut.push({ name, why: 'WILL_FAIL' })
    else {
      const [passes, fails] = [list('PASS_REGULAR_EXPRESSION'), list('FAIL_REGULAR_EXPRESSION')]
      const lacks = passes.length === 0 ? [] : [passes.map((one) => `(?:${one})`).join('|')]
      const isPlain = lacks.length === 0 && fails.length === 0
      const exitCodes = lacks.length > 0 ? [] : ('nonzero' as const)
      const cwd = of('WORKING_DIRECTORY')
      tests.push({
        name,
        command,
        env: list('ENVIRONMENT'),
        cwd: typeof cwd === 'string' ? cwd : null,
        criteria: isPlain ? null : { exitCodes, matches: fails, lacks, expectSame: [] },
      })
    }
  }
  return { tests, leftOut }
}
