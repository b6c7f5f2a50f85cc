/** Exists to declare the options that commands share, once: names, values, help. */
import { normalize, resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import type { MountChoice, RunWishes } from '../lab/inputs.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import { allocatorParser, allocatorWords } from './allocators.ts'
import { readSuppressions } from '../lab/suppressions.ts'
import { shellWords } from './shell-words.ts'

/** Detectors there are. */
const CHECKS = ['memory', 'leak', 'race', 'lock']

/** Faults there are, with the forms that they take: what is not on the disk when power is lost follows a model. */
export const FAULTS = { crash: 'posix', 'crash:posix': 'posix', 'crash:ordered': 'ordered' } as const

/** Faults that are not built yet. */
const LATER = ['short-io', 'eintr', 'enomem', 'enospc', 'eio', 'lost-registers']

/** Default of --check. */
const CHECK = 'memory,leak'

/** Default of --strategy, and the forms it takes. */
export const STRATEGY = 'mix'
const STRATEGY_FORMS = 'mix[:STEPS], random, walk, pos, pct:DEPTH[:STEPS]; hunt: exhaustive[:PREEMPTIONS]'

/** Default of --quarantine, in bytes. */
const QUARANTINE = 0x100_0000

/** Default of --undef-value-errors. */
const UNDEFINED = 'yes'

const LEAK_KINDS = ['definite', 'possible', 'indirect', 'reachable']

/** The shared options of a command that runs a program, as commander hands them over. */
export interface ProgramOptions {
  seed: number
  env: string[]
  cleanEnv?: boolean
  cwd?: string
  mount: MountChoice[]
  check: string
  fault: string[]
  recover?: string
  strategy: string
  cpus: number
  clockRate: number
  timeLimit?: number
  instructionLimit?: number
  memoryLimit?: number
  heap?: 'native' | 'guarded'
  quarantine: number
  alloc: CustomFunction[]
  free: CustomFunction[]
  undefValueErrors: 'yes' | 'no'
  suppressions: string[]
  showLeakKinds: string[]
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
      .option(
        '--config <file>',
        'options for this project, or none (the nearest lemming.config.ts, from this directory upwards)',
      )
      .option('--env <K=V>', 'set an environment variable of the program (repeatable)', collectEnv, [])
      .option('--clean-env', 'start it with no environment but what --env sets')
      .option('--cwd <dir>', 'its working directory')
      .option(
        '--mount <HOST:GUEST[:rw]>',
        'show a directory or file of this computer at a path of the machine: for reading, or with rw so that changes are made here too (repeatable)',
        collectMount,
        [],
      )
      .option('--check <list>', 'detectors that watch the run: memory, leak, race, lock, or none', CHECK)
      .addOption(
        new Option('--heap <who>', 'who answers malloc and its like (guarded if memory or leaks are checked)').choices([
          'native',
          'guarded',
        ]),
      )
      .option(
        '--quarantine <bytes>',
        'freed blocks that a guarded heap keeps from use',
        wholeNumber(0, 1 << 30),
        QUARANTINE,
      )
      .option(
        '--alloc <function>',
        "follow an allocator of the program's own: NAME:size=N (an argument's number), with count=N, ptr=N, pool=N (repeatable)",
        allocatorParser(false),
        [],
      )
      .option(
        '--free <function>',
        'and what takes its blocks back: NAME:ptr=N or NAME:pool=N (repeatable)',
        allocatorParser(true),
        [],
      )
      .addOption(
        new Option('--undef-value-errors <yes|no>', 'whether --check memory looks for uses of undefined values')
          .choices(['yes', 'no'])
          .default(UNDEFINED),
      )
      .option('--suppressions <file>', "findings not to be told, in Valgrind's format (repeatable)", collect, [])
      .option('--show-leak-kinds <list>', 'leaks told one by one: definite, possible, indirect, reachable', leakKinds, [
        'definite',
        'possible',
      ])
      .option(
        '--fault <list>',
        'what the program is not prepared for: crash (power is lost once, and with it what was not synced, as POSIX allows), crash:ordered (as ext4 does)',
        collectFaults,
        [],
      )
      .option('--recover <command>', 'with --fault crash: what is run when power is back (the program again)')
      .option('--strategy <name>', `how the seed is turned into a schedule of the threads: ${STRATEGY_FORMS}`, STRATEGY)
      .option('--cpus <n>', 'processors that the program believes in', wholeNumber(1, 64), 4)
      .option('--clock-rate <ns>', 'virtual nanoseconds that one instruction takes', wholeNumber(1, 1_000_000), 10)
      .option(
        '--instruction-limit <n>',
        'end the run as a failure after so many instructions',
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      )
      .option(
        '--time-limit <seconds>',
        'end the run as a failure after so many seconds of its own (virtual) time',
        seconds,
      )
      .option('--memory-limit <bytes>', 'bytes that each process may map, with K, M or G behind: more is ENOMEM', bytes)
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
  const names = options.check === 'none' ? [] : options.check.split(',')
  const unknown = names.find((name) => !CHECKS.includes(name))
  if (unknown !== undefined) {
    throw new LemmingError(
      'check-unknown',
      `--check ${options.check}: no such check is built yet`,
      'leave the option out, or say --check memory,leak,race,lock or --check none',
    )
  }
  const heap = options.heap ?? (names.some((name) => name !== 'race' && name !== 'lock') ? 'guarded' : 'native')
  const undefinedValues = options.undefValueErrors === 'yes' && names.includes('memory')
  const suppressions = options.suppressions.flatMap(readSuppressions)
  return {
    heap,
    quarantine: options.quarantine,
    allocators: [...options.alloc, ...options.free],
    checks: { names, undefinedValues, suppressions, leakKinds: options.showLeakKinds },
    command: words,
    seed: options.seed,
    env: options.env,
    cleanEnv: options.cleanEnv === true,
    cwd: options.cwd,
    mounts: options.mount,
    memoryLimit: options.memoryLimit ?? null,
    powerLoss: powerLossOf(options),
    strategy: options.strategy,
    cpus: options.cpus,
    clockRate: options.clockRate,
    timeLimit: options.timeLimit ?? null,
    instructionLimit: options.instructionLimit ?? null,
  }
}

/** The options, as words, that a command needs to make the same machine with another seed. */
export function wordsOf(options: ProgramOptions): string[] {
  const words = options.env.flatMap((entry) => ['--env', entry])
  if (options.cleanEnv === true) words.push('--clean-env')
  if (options.cwd !== undefined) words.push('--cwd', options.cwd)
  for (const { host, guest, writable } of options.mount)
    words.push('--mount', `${host}:${guest}${writable ? ':rw' : ''}`)
  if (options.fault.length > 0) words.push('--fault', options.fault.join())
  if (options.recover !== undefined) words.push('--recover', options.recover)
  if (options.strategy !== STRATEGY) words.push('--strategy', options.strategy)
  if (options.cpus !== 4) words.push('--cpus', String(options.cpus))
  if (options.clockRate !== 10) words.push('--clock-rate', String(options.clockRate))
  if (options.check !== CHECK) words.push('--check', options.check)
  if (options.heap !== undefined) words.push('--heap', options.heap)
  if (options.quarantine !== QUARANTINE) words.push('--quarantine', String(options.quarantine))
  words.push(...allocatorWords([...options.alloc, ...options.free]))
  if (options.undefValueErrors !== UNDEFINED) words.push('--undef-value-errors', options.undefValueErrors)
  for (const file of options.suppressions) words.push('--suppressions', file)
  if (options.showLeakKinds.join() !== 'definite,possible')
    words.push('--show-leak-kinds', options.showLeakKinds.join())
  if (options.timeLimit !== undefined) words.push('--time-limit', String(options.timeLimit))
  if (options.instructionLimit !== undefined) words.push('--instruction-limit', String(options.instructionLimit))
  if (options.memoryLimit !== undefined) words.push('--memory-limit', String(options.memoryLimit))
  return words
}

/** Parses a list of faults, and adds it. */
function collectFaults(text: string, before: string[]): string[] {
  const list = text.split(',')
  for (const name of list) {
    if (name in FAULTS) continue
    const known = Object.keys(FAULTS).join(', ')
    if (LATER.includes(name)) throw new InvalidArgumentError(`'${name}' is not built yet; there are ${known}.`)
    throw new InvalidArgumentError(`There is no fault '${name}'; there are ${known}.`)
  }
  const all = [...before, ...list]
  if (all.length > 1) throw new InvalidArgumentError('Power is lost once: name crash once.')
  return all
}

/** What is to be done about power, if anything. */
function powerLossOf({ fault, recover }: ProgramOptions): RunWishes['powerLoss'] {
  const [crash] = fault
  if (crash === undefined) {
    if (recover === undefined) return null
    throw new LemmingError('usage', '--recover: power is not lost', 'say --fault crash as well, or leave it out')
  }
  const words = recover === undefined ? null : shellWords(recover)
  if (words?.length === 0)
    throw new LemmingError('usage', '--recover: it names no program', "give a command: --recover './prog --check'")
  return { model: FAULTS[crash as keyof typeof FAULTS], recover: words }
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

/** Parses ways to leak. */
export function leakKinds(text: string): string[] {
  const kinds = text === 'all' ? LEAK_KINDS : text === 'none' ? [] : text.split(',')
  if (!kinds.every((kind) => LEAK_KINDS.includes(kind)))
    throw new InvalidArgumentError(`It takes all, none, or a list of ${LEAK_KINDS.join(', ')}.`)
  return kinds
}

function collect(entry: string, before: string[]): string[] {
  return [...before, entry]
}

/** Parses NAME=VALUE, and adds it. */
export function collectEnv(entry: string, before: string[]): string[] {
  if (entry.indexOf('=') < 1) throw new InvalidArgumentError('It takes NAME=VALUE.')
  return [...before, entry]
}

function bytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(text) ?? []
  const value = Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ')
  if (digits === undefined || !(value >= 1 << 20 && value <= 2 ** 40))
    throw new InvalidArgumentError('It takes a number of bytes from 1M on, such as 512M.')
  return value
}

function collectMount(text: string, before: MountChoice[]): MountChoice[] {
  const [, host, guest, rw] = /^([^:]+):(\/[^:]*)(:rw)?$/.exec(text) ?? []
  if (host === undefined || guest === undefined)
    throw new InvalidArgumentError('It takes HOST:GUEST or HOST:GUEST:rw, with an absolute path for GUEST.')
  return [
    ...before,
    { host: resolve(host), guest: normalize(guest).replace(/(?<=.)\/$/, ''), writable: rw !== undefined },
  ]
}
