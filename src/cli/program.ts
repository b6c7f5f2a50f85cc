/** Exists to read the command line and to end every command, whatever happens, with one clear line and an exit code. */
import { Command, CommanderError } from 'commander'
import { plainError } from '../lab/errors.ts'
import type { Thread } from '../lab/thread.ts'
import { version } from '../lab/version.ts'
import { EXIT_CODE, EXIT_CODE_HELP, exitCodeOf } from './exit-codes.ts'
import { branchCommand } from './branch.ts'
import { cacheCommand } from './cache.ts'
import { applyConfig } from './config.ts'
import { coreCommand } from './core.ts'
import { doctorCommand } from './doctor.ts'
import { failuresCommand } from './failures.ts'
import { heapCommand } from './heap.ts'
import { huntCommand } from './hunt.ts'
import { complain, write } from './output.ts'
import { minimiseCommand } from './minimise.ts'
import { historyCommand, linesCommand, threadsCommand, whyCommand } from './questions.ts'
import { replayCommand } from './replay.ts'
import { runCommand } from './run.ts'
import { statusCommand, stopCommand } from './status.ts'
import { valgrindStep } from './valgrind-words.ts'
import { verifyCommand } from './verify.ts'

/** What a command gets from the one who calls it. */
export interface Invocation {
  /** A thread that runs machines, started early if possible. */
  thread: () => Promise<Thread>
  /** Says with which code the process is to end. */
  end: (code: number) => void
}

/** Runs `lemming` with these words; the exit code. */
export async function main(words: string[], early: Promise<Thread> | undefined): Promise<number> {
  let code: number = EXIT_CODE.ok
  const invocation: Invocation = {
    thread: () => early ?? import('../lab/thread.ts').then(({ Thread }) => new Thread()),
    end: (wanted) => {
      code = wanted
    },
  }
  const program = new Command('lemming')
    .description('A laboratory for memory corruption and heisenbugs in unmodified Linux x86-64 programs.')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
  const commands = [
    runCommand,
    huntCommand,
    failuresCommand,
    statusCommand,
    stopCommand,
    verifyCommand,
    minimiseCommand,
    replayCommand,
    coreCommand,
    branchCommand,
    whyCommand,
    historyCommand,
    threadsCommand,
    linesCommand,
    heapCommand,
    doctorCommand,
    cacheCommand,
  ]
  for (const command of commands.map((make) => make(invocation))) {
    program.addCommand(command.addHelpText('after', EXIT_CODE_HELP))
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: (text) => write(1, text), writeErr: () => {} })
  }
  program.hook('preAction', (_, command) => applyConfig(command))
  try {
    if (words.length === 0) {
      write(2, program.helpInformation())
      return EXIT_CODE.usage
    }
    await program.parseAsync(words, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return commanderEnd(error, words)
    const { code: name, message, next } = plainError(error)
    if (name !== 'output-closed') complain(message, next)
    if (words.includes('--json'))
      write(1, `${JSON.stringify({ lemming: version(), error: { code: name, message, next } })}\n`)
    return exitCodeOf(name)
  }
}

function commanderEnd(error: CommanderError, words: string[]): number {
  if (error.exitCode === 0) return EXIT_CODE.ok
  const command =
    /^(run|hunt|failures|status|stop|verify|minimise|replay|core|branch|why|history|threads|lines|heap|doctor|cache)$/.exec(
      words[0] ?? '',
    )?.[0]
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n+\(?/, ' (')
    .replaceAll('\n', ' ')
  const [, unknown = ''] = /^unknown option '([^']*)'/.exec(message) ?? []
  complain(message, valgrindStep(unknown) ?? `see: lemming ${command === undefined ? '' : `${command} `}--help`)
  return EXIT_CODE.usage
}
