/** Exists for --each-test: a program's tests as the cells of a campaign, each run by itself from a clean machine, and the table of what they came to. */
import { statSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { Cell } from '../campaign/catalogue-campaigns.ts'
import { hitsByCell } from '../campaign/catalogue-failures.ts'
import type { Catalogue } from '../campaign/catalogue.ts'
import { timeText } from '../campaign/progress.ts'
import { runInputs } from '../lab/inputs.ts'
import { listTests, TEST_KINDS, testsOfFile, type TestKind, type TestList } from '../lab/tests.ts'
import type { RunInputs } from '../session/session.ts'
import { wishesOf, type ProgramOptions } from './options.ts'
import { write } from './output.ts'
import type { Invocation } from './program.ts'
import { shellWords } from './shell-words.ts'
import { rateCells, table } from './tables.ts'

/** What commander hands over. */
export interface TestOptions {
  eachTest?: TestKind | true
  tests?: string
}

/** Adds the options that ask for one run per test. */
export function addTestOptions(command: Command): Command {
  return command
    .option(
      '--each-test [kind]',
      `run each test of the program by itself: ${TEST_KINDS.join(', ')} (a CMake build directory), recognised if not named`,
      testKind,
    )
    .option('--tests <file>', 'the same for any program: a file with the arguments of one test in each line')
}

function testKind(text: string): TestKind {
  const kind = TEST_KINDS.find((one) => one === text)
  if (kind !== undefined) return kind
  throw new InvalidArgumentError(
    `It takes ${TEST_KINDS.join(', ')}, or nothing${text.includes('/') ? ': a -- belongs before the program' : ''}.`,
  )
}

/** The tests that are to be run, the inputs of the first, and a cell for each; null if --each-test was not asked for. */
export interface AskedTests {
  list: TestList
  inputs: RunInputs
  cells: Cell[]
}

export async function askedTests(
  words: readonly string[],
  options: ProgramOptions & TestOptions,
  invocation: Invocation,
): Promise<AskedTests | null> {
  if (options.eachTest === undefined && options.tests === undefined) return null
  if (options.eachTest !== undefined && options.tests !== undefined)
    throw new LemmingError('usage', '--tests: --each-test is given too', 'leave out one of them')
  const inputsOf = (command: readonly string[], cwd = options.cwd, env: readonly string[] = []): RunInputs =>
    runInputs(wishesOf([...command], { ...options, cwd, env: [...options.env, ...env] }), process.env)
  const list =
    options.tests === undefined
      ? await found(words, options.eachTest!, inputsOf, invocation)
      : testsOfFile(options.tests, words, shellWords)
  const cells = list.tests.map(({ name, command, env, cwd, criteria }): Cell => {
    const { path, cwd: place, argv } = inputsOf(command, cwd ?? options.cwd)
    return { label: name, env, argv, path, cwd: place, ...(criteria !== null && { criteria }) }
  })
  const [first] = list.tests
  return { list, inputs: inputsOf(first!.command, first!.cwd ?? options.cwd), cells }
}

/** Asks the program for its tests, in a machine, without any check. */
async function found(
  words: readonly string[],
  kind: TestKind | true,
  inputsOf: (command: readonly string[]) => RunInputs,
  { thread }: Invocation,
): Promise<TestList> {
  const chosen = kind === true ? 'auto' : kind
  const [program] = words
  if (program === undefined)
    throw new LemmingError('usage', '--each-test: no program is given', 'say which: lemming run --each-test -- ./tests')
  // CMake's tests are in a directory.
  const isDirectory = statSync(program, { throwIfNoEntry: false })?.isDirectory() === true
  const path = isDirectory ? program : inputsOf(words).path
  const worker = await thread()
  return listTests(words, path, chosen, async (command) => {
    const { checks: _, ...inputs } = inputsOf(command)
    const job = { output: 'capture', terminal: null, strace: false, hash: false, stats: false } as const
    const result = await worker.ask<'run'>({ kind: 'run', inputs, ...job, exportTo: null, keepTo: null })
    const text = (stream: { bytes: Uint8Array } | null): string => new TextDecoder().decode(stream?.bytes)
    const { ending, stdout, stderr } = result
    return { stdout: text(stdout), stderr: text(stderr), code: ending.kind === 'exit' ? ending.code : null }
  })
}

/** What the tests of a campaign came to. */
export interface TestResult {
  name: string
  runs: number
  failed: number
  errors: number
  /** Real seconds of all runs together, and instructions of the longest. */
  seconds: number
  instructions: number
  failures: { name: string; what: string }[]
}

export function testResults(catalogue: Catalogue, campaign: number): TestResult[] {
  const sums = catalogue.all<{ cell: number; micros: number; most: number }>(
    'SELECT cell, sum(micros) AS micros, max(instructions) AS most FROM runs WHERE campaign = ? GROUP BY cell',
    campaign,
  )
  const kept = catalogue.all<{ cell: number; name: string; what: string }>(
    'SELECT cell, name, what FROM failures WHERE campaign = ? ORDER BY id',
    campaign,
  )
  const byCell = new Map(sums.map((sum) => [sum.cell, sum]))
  return hitsByCell(catalogue, campaign, null).map(({ cell, label, hits, runs, errors }) => ({
    name: label,
    runs: runs + errors,
    failed: hits,
    errors,
    seconds: (byCell.get(cell)?.micros ?? 0) / 1e6,
    instructions: byCell.get(cell)?.most ?? 0,
    failures: kept.filter((one) => one.cell === cell).map(({ name, what }) => ({ name, what })),
  }))
}

/** Prints a line for each test, and the sums. */
export function tellTests(results: readonly TestResult[], leftOut: TestList['leftOut'], seconds: number): void {
  const isRepeated = results.some(({ runs }) => runs > 1)
  const rows = results.map(({ name, runs, failed, errors, seconds: own, failures }) => [
    name,
    runs === 0 ? 'not run' : failed > 0 ? 'failed' : errors > 0 ? 'error' : 'passed',
    ...(isRepeated ? rateCells(failed, runs) : []),
    runs === 0 ? '' : timeText(own),
    // One line for each way in which it failed is enough.
    failures.length === 0 ? '' : `${failures[0]!.name}: ${short(failures[0]!.what)}`,
  ])
  const head = ['test', 'outcome', ...(isRepeated ? ['failed', 'rate', '95 % interval'] : []), 'time', '']
  write(1, `${table([head, ...rows], isRepeated ? [2, 3, 4, 5] : [2])}\n`)
  for (const { name, why } of leftOut) write(1, `${name}  left out: ${why}\n`)
  const count = (what: (one: TestResult) => boolean): number => results.filter(what).length
  const parts = [
    `${count(({ runs, failed, errors }) => runs > 0 && failed === 0 && errors === 0)} passed`,
    `${count(({ failed }) => failed > 0)} failed`,
  ]
  const broken = count(({ failed, errors }) => failed === 0 && errors > 0)
  if (broken > 0) parts.push(`${broken} could not be executed`)
  const absent = count(({ runs }) => runs === 0)
  if (absent > 0) parts.push(`${absent} not run`)
  if (leftOut.length > 0) parts.push(`${leftOut.length} left out`)
  const total = results.length === 1 ? '1 test' : `${results.length} tests`
  write(1, `\n${total}: ${parts.join(', ')}; ${timeText(seconds)}\n`)
}

const short = (text: string): string => (text.length > 90 ? `${text.slice(0, 89)}…` : text)
