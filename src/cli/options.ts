/** Exists to declare the options that commands share, once: names, values, help. */
import { InvalidArgumentError, type Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { RunWishes } from '../lab/inputs.ts'

/** The shared options of a command that runs a program, as commander hands them over. */
export interface ProgramOptions {
  seed: number
  env: string[]
  cleanEnv?: boolean
  cwd?: string
  check: string
  strategy: string
  cpus: number
  clockRate: number
  timeLimit?: number
  json?: boolean
  jsonSchema?: boolean
}

/** Adds the program's words and what can be said about its run. */
export function addProgramOptions(command: Command, seedHelp: string): Command {
  return (
    addJsonOptions(command)
      .argument('[program...]', 'the program and its arguments, behind --')
      // Options behind the program's name are the program's.
      .passThroughOptions()
      .option('--seed <n>', seedHelp, wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
      .option('--env <K=V>', 'set an environment variable of the program (repeatable)', collectEnv, [])
      .option('--clean-env', 'start it with no environment but what --env sets')
      .option('--cwd <dir>', 'its working directory')
      .option('--check <list>', 'detectors that watch the run: none is the only choice so far', 'none')
      .option('--strategy <name>', 'how the seed is turned into a schedule of the threads: random', 'random')
      .option('--cpus <n>', 'processors that the program believes in', wholeNumber(1, 64), 4)
      .option('--clock-rate <ns>', 'virtual nanoseconds that one instruction takes', wholeNumber(1, 1_000_000), 10)
      .option(
        '--time-limit <seconds>',
        'end the run as a failure after so many seconds of its own (virtual) time',
        seconds,
      )
  )
}

/** Adds --json and --json-schema. */
export function addJsonOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON document to standard output')
    .option('--json-schema', 'print the JSON Schema of that document, and end')
}

/** The wishes that options and words express. Throws for what is not built. */
export function wishesOf(words: string[], options: ProgramOptions): RunWishes {
  if (options.check !== 'none') {
    throw new LemmingError(
      'check-unknown',
      `--check ${options.check}: no such check is built yet`,
      'leave the option out, or say --check none',
    )
  }
  return {
    command: words,
    seed: options.seed,
    env: options.env,
    cleanEnv: options.cleanEnv === true,
    cwd: options.cwd,
    strategy: options.strategy,
    cpus: options.cpus,
    clockRate: options.clockRate,
    timeLimit: options.timeLimit ?? null,
  }
}

/** The options, as words, that a command needs to make the same machine with another seed. */
export function wordsOf(options: ProgramOptions): string[] {
  const words = options.env.flatMap((entry) => ['--env', entry])
  if (options.cleanEnv === true) words.push('--clean-env')
  if (options.cwd !== undefined) words.push('--cwd', options.cwd)
  if (options.strategy !== 'random') words.push('--strategy', options.strategy)
  if (options.cpus !== 4) words.push('--cpus', String(options.cpus))
  if (options.clockRate !== 10) words.push('--clock-rate', String(options.clockRate))
  if (options.timeLimit !== undefined) words.push('--time-limit', String(options.timeLimit))
  return words
}

/** A parser of whole numbers in [least, most]. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const bound = most >= Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
      throw new InvalidArgumentError(`It takes a whole number ${bound}.`)
    }
    return value
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || !(value > 0 && value <= 1e6))
    throw new InvalidArgumentError('It takes a number of seconds.')
  return value
}

function collectEnv(entry: string, before: string[]): string[] {
  if (entry.indexOf('=') < 1) throw new InvalidArgumentError('It takes NAME=VALUE.')
  return [...before, entry]
}
