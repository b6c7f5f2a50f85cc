/** Exists as `lemming run`: one run of a program with one seed. */
import { Command } from 'commander'
import type { RunResult } from '../lab/jobs.ts'
import { runInputs } from '../lab/inputs.ts'
import { suppressionText } from '../report/suppressions.ts'
import { leakSummaryText, reportText } from '../report/text.ts'
import { countsAsError, whatIsMissing } from '../tool/finding.ts'
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
  genSuppressions?: boolean
  xml?: string
}

export function runCommand({ thread, end }: Invocation): Command {
  return addProgramOptions(new Command('run'), 'the number from which every free choice of the run is drawn')
    .description('Run a program once.')
    .option('--strace', 'print its system calls to standard error')
    .option('--stats', 'print counters to standard error')
    .option('--export <file>', 'write a self-contained recording of the run')
    .option('--gen-suppressions', 'print a suppression for each finding')
    .option('--xml <file>', "write what the checks found as Valgrind's XML (protocol 4)")
    .option('--keep-files <dir>', 'write the files that the run has added, changed or removed to a new directory')
    .option('--error-exitcode <n>', 'end with this code when a check found something', wholeNumber(0, 255))
    .action(async (words: string[], options: RunOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('run')
      const inputs = runInputs(wishesOf(words, options), process.env)
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
      const again = shellLine(['lemming', 'run', '--seed', String(options.seed), ...wordsOf(options), '--', ...words])
      if (options.xml !== undefined) (await import('./xml.ts')).writeXml(options.xml, result, wordsOf(options))
      if (json) (await import('./json.ts')).printRun(result, again)
      else {
        tell(result, again, options.genSuppressions)
        if (stats) tellStatistics(result, (performance.now() - began) / 1000)
      }
      end(exitCodeOfResult(result, options.errorExitcode))
    })
}

/** Reports what went wrong, and what the program asked for in vain; an exit code speaks for itself. */
export function tell(result: RunResult, again: string, genSuppressions = false): void {
  for (const { text, answer } of result.unknownCalls)
    write(2, `lemming: ${whatIsMissing(answer)}, answered ${answer}: ${text}\n`)
  for (const finding of result.findings) {
    write(2, `${reportText(finding, { again })}\n`)
    const suppression = genSuppressions ? suppressionText(finding) : undefined
    if (suppression !== undefined) write(2, `${suppression}\n`)
  }
  const { finding } = result
  if (finding !== null && result.ending.kind !== 'exit') {
    // A check has told the same access already.
    const told = result.findings.some(
      ({ memory, moment, thread }) =>
        memory !== undefined && moment === finding.moment && thread?.tid === finding.thread?.tid,
    )
    write(2, `${reportText(finding, { again, told })}\n`)
  }
  if (result.leaks !== null) write(2, `${leakSummaryText(result.leaks)}\n`)
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
