/** Exists as `lemming run`: one run of a program with one seed. */
import { Command } from 'commander'
import type { RunResult } from '../lab/jobs.ts'
import { runInputs } from '../lab/inputs.ts'
import { reportText } from '../report/text.ts'
import { exitCodeOfEnding } from './exit-codes.ts'
import { addProgramOptions, wishesOf, wordsOf, type ProgramOptions } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

interface RunOptions extends ProgramOptions {
  strace?: boolean
  stats?: boolean
  export?: string
}

export function runCommand({ thread, end }: Invocation): Command {
  return addProgramOptions(new Command('run'), 'the number from which every free choice of the run is drawn')
    .description('Run a program once.')
    .option('--strace', 'print its system calls to standard error')
    .option('--stats', 'print counters to standard error')
    .option('--export <file>', 'write a self-contained recording of the run')
    .action(async (words: string[], options: RunOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('run')
      const inputs = runInputs(wishesOf(words, options), process.env)
      const json = options.json === true
      const { strace = false, stats = false } = options
      const began = performance.now()
      const result = await (
        await thread()
      ).ask<'run'>({
        kind: 'run',
        inputs,
        output: json ? 'capture' : 'own',
        strace,
        hash: json || stats,
        stats: json || stats,
        exportTo: options.export ?? null,
      })
      const again = shellLine(['lemming', 'run', '--seed', String(options.seed), ...wordsOf(options), '--', ...words])
      if (json) (await import('./json.ts')).printRun(result, again)
      else {
        tell(result, again)
        if (stats) tellStatistics(result, (performance.now() - began) / 1000)
      }
      end(exitCodeOfEnding(result.ending))
    })
}

/** Reports what went wrong, and what the program asked for in vain; an exit code speaks for itself. */
export function tell(result: RunResult, again: string): void {
  for (const { text } of result.unknownCalls) write(2, `lemming: unknown system call, answered ENOSYS: ${text}\n`)
  if (result.finding !== null && result.ending.kind !== 'exit') write(2, `${reportText(result.finding, { again })}\n`)
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
