/** Exists as `lemming run`: one run of a program with one seed. */
import { Command, InvalidArgumentError } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { RunResult } from '../lab/jobs.ts'
import type { RunInputs } from '../session/session.ts'
import { runInputs } from '../lab/inputs.ts'
import { suppressionText } from '../report/suppressions.ts'
import { leakSummaryText, reportText } from '../report/text.ts'
import { countsAsError, whatIsMissing, type Finding } from '../tool/finding.ts'
import { exitCodeOfEnding } from './exit-codes.ts'
import { borrowTerminal } from './raw-terminal.ts'
import { addProgramOptions, wholeNumber, wishesOf, wordsOf, type ProgramOptions } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

interface RunOptions extends ProgramOptions {
  strace?: boolean
  stats?: boolean
  export?: string
  keepFiles?: string
  errorExitcode?: number
  leakAt: number[]
  genSuppressions?: boolean
  xml?: string
}

export function runCommand({ thread, end }: Invocation): Command {
  return addProgramOptions(new Command('run'), 'the number from which every free choice of the run is drawn')
    .description('Run a program once.')
    .option('--strace', 'print its system calls to standard error')
    .option('--stats', 'print counters to standard error')
    .option('--export <file>', 'write a self-contained recording of the run')
    .option('--leak-at <moment>', 'also tell what is lost at this moment, such as @1234567 (repeatable)', moments, [])
    .option('--gen-suppressions', 'print a suppression for each finding')
    .option('--xml <file>', "write what the checks found as Valgrind's XML (protocol 4)")
    .option('--keep-files <dir>', 'write the files that the run has added, changed or removed to a new directory')
    .option('--error-exitcode <n>', 'end with this code when a check found something', wholeNumber(0, 255))
    .action(async (words: string[], options: RunOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('run')
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
      if (options.xml !== undefined) (await import('./xml.ts')).writeXml(options.xml, result, wordsOf(options))
      if (json) (await import('./json.ts')).printRun(result, again)
      else {
        tell(result, again, options.genSuppressions)
        if (stats) tellStatistics(result, (performance.now() - began) / 1000)
      }
      end(exitCodeOfResult(result, options.errorExitcode))
    })
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
  for (const finding of result.findings) {
    write(2, `${reportText(finding, { again, told: isTold(finding, result.findings) })}\n`)
    const suppression = genSuppressions ? suppressionText(finding) : undefined
    if (suppression !== undefined) write(2, `${suppression}\n`)
  }
  const { finding } = result
  if (finding !== null && result.ending.kind !== 'exit') {
    write(2, `${reportText(finding, { again, told: isTold(finding, result.findings) })}\n`)
  }
  // A run with nothing wrong says nothing.
  if (result.leaks !== null && result.findings.some(({ kind }) => kind.startsWith('leak-')))
    write(2, `${leakSummaryText(result.leaks)}\n`)
}

/** Whether a check has told the access already that ended the run. */
export function isTold(ending: Finding, findings: readonly Finding[]): boolean {
  return (
    ending.kind === 'crash' &&
    findings.some(
      ({ kind, memory, moment, thread }) =>
        kind !== 'crash' && memory !== undefined && moment === ending.moment && thread?.tid === ending.thread?.tid,
    )
  )
}

/** The program's own exit code, or the one that was asked for when checks found something. */
export function exitCodeOfResult({ ending, findings }: RunResult, errorExitCode: number | undefined): number {
  return errorExitCode !== undefined && findings.some(countsAsError) ? errorExitCode : exitCodeOfEnding(ending)
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
