/** Exists as `lemming run`: one run of a program with one seed. */
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { RunResult } from '../lab/jobs.ts'
import type { RunInputs } from '../session/session.ts'
import { runInputs } from '../lab/inputs.ts'
import { FAILURES } from '../lab/places.ts'
import { suppressionText } from '../report/suppressions.ts'
import { leakSummaryText, reportText } from '../report/text.ts'
import { countsAsError, whatIsMissing, type Finding } from '../tool/finding.ts'
import { addTestOptions, type TestOptions } from './each-test.ts'
import { isLeft, isTold } from './failure-text.ts'
import { exitCodeOfEnding } from './exit-codes.ts'
import { borrowTerminal } from './raw-terminal.ts'
import { addProgramOptions, leakKinds, wholeNumber, wishesOf, wordsOf, type ProgramOptions } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

/** Leaks that count as something wrong, as for memcheck. */
const ERRORS_FOR: readonly string[] = ['definite', 'possible']

type LeakKind = keyof NonNullable<RunResult['leaks']>

interface RunOptions extends ProgramOptions, TestOptions {
  strace?: boolean
  stats?: boolean
  export?: string
  keepFiles?: string
  errorExitcode?: number
  leakAt: number[]
  genSuppressions?: boolean
  errorsForLeakKinds: string[]
  verbose?: boolean
  xml?: string
  jobs: number
  out: string
}

export function runCommand(invocation: Invocation): Command {
  const { thread, end } = invocation
  const program = addProgramOptions(new Command('run'), 'the number from which every free choice of the run is drawn')
  return addTestOptions(program)
    .option('--jobs <n>', 'of --each-test: tests at the same time', wholeNumber(1, 256), availableParallelism())
    .option('--out <dir>', 'of --each-test: directory in which failures are kept', FAILURES)
    .description('Run a program once.')
    .option('--strace', 'print its system calls to standard error')
    .option('--stats', 'print counters to standard error')
    .option('--export <file>', 'write a self-contained recording of the run')
    .option('--leak-at <moment>', 'also tell what is lost at this moment, such as @1234567 (repeatable)', moments, [])
    .option('--gen-suppressions', 'print a suppression for each finding')
    .option('--xml <file>', "write what the checks found as Valgrind's XML (protocol 4)")
    .option('--keep-files <dir>', 'write the files that the run has added, changed or removed to a new directory')
    .option('--error-exitcode <n>', 'end with this code when a check found something', wholeNumber(0, 255))
    .option(
      '--errors-for-leak-kinds <list>',
      'leaks that count as something found: definite, possible, indirect, reachable, all or none',
      leakKinds,
      ERRORS_FOR,
    )
    .option('-v, --verbose', 'tell which suppressions have covered something, and which nothing')
    .action(async (words: string[], options: RunOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('run')
      if (options.eachTest !== undefined || options.tests !== undefined)
        return end(await runTests(words, options, invocation))
      const inputs = withLeakMoments(runInputs(wishesOf(words, options), process.env), options.leakAt)
      const json = options.json === true
      const { strace = false, stats = false } = options
      const began = performance.now()
      const worker = await thread()
      const borrowed = json ? null : borrowTerminal()
      const job = {
        kind: 'run' as const,
        inputs,
        output: json ? ('capture' as const) : ('own' as const),
        terminal: borrowed?.terminal ?? null,
        strace,
        hash: json || stats,
        stats: json || stats,
        exportTo: options.export ?? null,
        keepTo: options.keepFiles ?? null,
      }
      const result = await worker.ask<'run'>(job).finally(() => borrowed?.restore())
      const leakWords = options.leakAt.flatMap((moment) => ['--leak-at', `@${moment}`])
      const again = shellLine([
        'lemming',
        'run',
        '--seed',
        String(options.seed),
        ...wordsOf(options),
        ...leakWords,
        '--',
        ...words,
      ])
      if (options.xml === 'yes' || options.xml === 'no')
        throw new LemmingError('usage', `--xml ${options.xml}: the name of a file is expected`, 'say --xml FILE')
      if (options.xml !== undefined) (await import('./xml.ts')).writeXml(options.xml, result, wordsOf(options))
      if (json) (await import('./json.ts')).printRun(result, again)
      else {
        tell(result, again, options.genSuppressions)
        if (options.verbose === true) tellSuppressions(result)
        if (stats) tellStatistics(result, (performance.now() - began) / 1000)
      }
      end(exitCodeOfResult(result, options.errorExitcode, options.errorsForLeakKinds))
    })
}

/** One run of each test: a hunt of one seed. */
async function runTests(words: string[], options: RunOptions, invocation: Invocation): Promise<number> {
  const { strace, stats, export: exported, keepFiles, xml } = options
  const other = Object.entries({ strace, stats, export: exported, 'keep-files': keepFiles, xml }).find(
    ([, value]) => value !== undefined,
  )
  if (other !== undefined)
    throw new LemmingError(
      'usage',
      `--${other[0]}: not with --each-test`,
      'leave it out; lemming replay F1 shows one test once more',
    )
  const { startHunt } = await import('./hunting.ts')
  const budget = { runs: 1, failOn: [], failMatch: [], failUnless: [], expectSame: [], attribute: [] }
  const hunt = { ...options, ...budget, matrix: [], falseStart: false, until: 'never' as const }
  return startHunt(words, hunt, (name) => name === 'runs', invocation)
}

/** Parses a moment, and adds it. */
function moments(text: string, before: number[]): number[] {
  const [, digits] = /^@?(\d{1,15})$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError('It takes a number of instructions such as @1234567.')
  return [...before, Number(digits)]
}

/** The same run, whose leaks are looked for at these moments, too. */
function withLeakMoments(inputs: RunInputs, list: readonly number[]): RunInputs {
  if (list.length === 0) return inputs
  const { checks } = inputs
  if (checks === undefined || !checks.names.includes('leak'))
    throw new LemmingError('usage', '--leak-at: leaks are not looked for', 'leave out --check, or name leak in it')
  return { ...inputs, checks: { ...checks, leakAt: list.toSorted((a, b) => a - b) } }
}

/** Reports what went wrong, and what the program asked for in vain; an exit code speaks for itself. */
export function tell(result: RunResult, again: string, genSuppressions = false): void {
  for (const { text, answer } of result.unknownCalls)
    write(2, `lemming: ${whatIsMissing(answer)}, answered ${answer}: ${text}\n`)
  const { finding, findings } = result
  // Whoever has power lost wants to know why the recovery is not content.
  const ending = finding !== null && (result.ending.kind !== 'exit' || finding.powerLoss !== undefined) ? finding : null
  const report = (one: Finding): void => {
    write(2, `${reportText(one, { again, told: isTold(one, findings) })}\n`)
    const suppression = genSuppressions && one !== ending ? suppressionText(one) : undefined
    if (suppression !== undefined) write(2, `${suppression}\n`)
  }
  const isLate = (one: Finding): boolean => ending !== null && isLeft(one, ending)
  findings.filter((one) => !isLate(one)).forEach(report)
  if (ending !== null) report(ending)
  findings.filter(isLate).forEach(report)
  // A run with nothing wrong says nothing.
  if (result.leaks !== null && result.findings.some(({ kind }) => kind.startsWith('leak-')))
    write(2, `${leakSummaryText(result.leaks)}\n`)
}

/** The program's own exit code, or the one that was asked for when checks found something. */
export function exitCodeOfResult(
  { ending, findings, leaks }: RunResult,
  errorExitCode: number | undefined,
  leakKinds: readonly string[] = ERRORS_FOR,
): number {
  const isWrong =
    findings.some((finding) => countsAsError(finding) && !finding.kind.startsWith('leak-')) ||
    leakKinds.some(
      (kind) => findings.some((one) => one.kind === `leak-${kind}`) || (leaks?.[kind as LeakKind].blocks ?? 0) > 0,
    )
  return errorExitCode !== undefined && isWrong ? errorExitCode : exitCodeOfEnding(ending)
}

/** Which suppressions were of use: those that were not may belong to what was repaired long ago. */
function tellSuppressions({ suppressions }: RunResult): void {
  for (const { name, place, times } of suppressions)
    write(
      2,
      `lemming: suppression ${times === 0 ? 'not used' : `used ${times === 1 ? 'once' : `${times} times`}`}: ${name} (${place})\n`,
    )
}

/** Prints the counters of a run. */
export function tellStatistics({ count, elapsed, hash, statistics }: RunResult, seconds: number): void {
  const rate = (count / seconds / 1e6).toFixed(1)
  const rows: [string, string][] = [
    ['instructions', `${count} (${rate} million/s)`],
    ['wall time', `${seconds.toFixed(3)} s`],
    ['virtual time', `${(elapsed / 1e9).toFixed(6)} s`],
    ['state', hash ?? ''],
    ...Object.entries(statistics ?? {}).map(([name, value]): [string, string] => [`translated ${name}`, String(value)]),
  ]
  write(2, rows.map(([name, value]) => `lemming: ${name.padEnd(24)} ${value}\n`).join(''))
}
