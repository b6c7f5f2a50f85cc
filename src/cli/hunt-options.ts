/** Exists to declare what can be said about a hunt's budget, once for the commands that hunt: names, values, help. */
import { availableParallelism } from 'node:os'
import { InvalidArgumentError, type Command } from 'commander'
import type { Criteria } from '../lab/criteria.ts'
import { isField } from '../campaign/query.ts'
import { FAILURES } from '../lab/places.ts'
import type { AttributeWish } from '../session/attributes.ts'
import { wholeNumber } from './options.ts'

/** An axis of a matrix: a name and its values. */
export interface Axis {
  name: string
  values: string[]
}

/** Options of a budget, as commander hands them over. */
export interface BudgetOptions {
  runs: number
  for?: number
  jobs: number
  nonzeroExit?: boolean
  failOn: 'nonzero' | number[]
  failMatch: string[]
  failUnless: string[]
  expectSame: ('stdout' | 'stderr')[]
  attribute: AttributeWish[]
  notify?: string
  native?: boolean
  keep?: number
  falseStart: boolean
  out: string
}

/** Failures that end a hunt. */
export type Until = number | 'new-bucket' | 'never'

/** Runs where nothing bounds them. */
const RUNS = 1000

/** Adds what bounds a hunt, and how it is gone about. */
export function addBudgetOptions(command: Command): Command {
  return command
    .option(
      '--runs <n>',
      'how many seeds, for each cell of a matrix (no bound if --for is given)',
      wholeNumber(1, 1_000_000_000),
      RUNS,
    )
    .option('--for <time>', 'how long: 30s, 10m, 8h, 2d', duration)
    .option(
      '--jobs <n>',
      'runs at the same time; the result does not depend on it',
      wholeNumber(1, 256),
      availableParallelism(),
    )
    .option('--nonzero-exit', 'count an exit code other than 0 as a failure')
    .option('--fail-on <list>', 'exit codes that are failures: nonzero, or exit=3,4', exitCodes, [])
    .option('--fail-match <re>', 'a run whose output matches is a failure (repeatable)', pattern, [])
    .option('--fail-unless <re>', 'a run whose output does not match is a failure (repeatable)', pattern, [])
    .option('--expect-same <list>', 'stdout, stderr: other than without interruptions is a failure', streams, [])
    .option('--native', 'run the program on the real machine: same catalogue, no replay; --time-limit is real time')
    .option(
      '--attribute <name=expr>',
      'keep failures with the value that an expression has there: conditions of lemming failures (repeatable)',
      attribute,
      [],
    )
    .option('--keep <n>', 'keep at most so many failures of a bucket; all are counted', wholeNumber(0, 1_000_000))
    .option(
      '--notify <cmd>',
      'shell command that is told of the first failure and of the end (LEMMING_EVENT, and JSON on its input)',
    )
    .option('--no-false-start', 'go on though the first runs all come to the same nothing')
    .option('--out <dir>', 'directory in which failures are kept; the catalogue is DIR.db', FAILURES)
}

/** What of a run is a failure, as these options say. */
export function criteriaOf({ failOn, failMatch, failUnless, expectSame }: BudgetOptions): Criteria {
  return { exitCodes: failOn, matches: failMatch, lacks: failUnless, expectSame }
}

/** Parses `nonzero`, `exit=3`, `exit=3,4`. */
function exitCodes(text: string): 'nonzero' | number[] {
  if (text === 'nonzero') return text
  const [, list] = /^exit=(\d{1,3}(?:,\d{1,3})*)$/.exec(text) ?? []
  if (list === undefined)
    throw new InvalidArgumentError('It takes nonzero, or exit=N with one code or several: exit=3,4.')
  return list.split(',').map(Number)
}

/** Parses `name=EXPR`. */
function attribute(text: string, before: AttributeWish[]): AttributeWish[] {
  const [, name, expression] = /^([A-Za-z_]\w*)=(.*\S.*)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('It takes NAME=EXPR, such as depth=queue->count.')
  if (isField(name)) throw new InvalidArgumentError(`'${name}' is a field of every failure: give it another name.`)
  if (before.some((other) => other.name === name))
    throw new InvalidArgumentError(`There is an attribute ${name} already.`)
  return [...before, { name, expression: expression! }]
}

function pattern(text: string, before: string[]): string[] {
  try {
    return [...before, new RegExp(text, 'm').source]
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

function streams(text: string): ('stdout' | 'stderr')[] {
  const list = text.split(',')
  if (!list.every((name) => name === 'stdout' || name === 'stderr'))
    throw new InvalidArgumentError('It takes stdout, stderr, or both with a comma.')
  return list as ('stdout' | 'stderr')[]
}

/** Parses `30s`, `10m`, `8h`, `2d`: seconds. */
function duration(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const value = Number(digits) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's' | 'm' | 'h' | 'd']
  if (digits === undefined || !(value > 0))
    throw new InvalidArgumentError('It takes a time such as 30s, 10m, 8h or 2d.')
  return value
}

/** Parses `3`, `3 failures`, `new bucket`, `never`. */
export function until(text: string): Until {
  if (text === 'never') return text
  if (/^new[ -]bucket$/.test(text)) return 'new-bucket'
  const [, digits] = /^([1-9]\d{0,8})(?: failures?)?$/.exec(text) ?? []
  if (digits === undefined) throw new InvalidArgumentError("It takes 'N failures', 'new bucket' or 'never'.")
  return Number(digits)
}

/** Parses `NAME=a,b,c`; with a bar in it, `NAME=a|b,c|d`, values may have commas. */
export function axis(text: string, before: Axis[]): Axis[] {
  const [, name, list] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('It takes NAME=a,b,c, or NAME=a|b|c where values have commas.')
  if (before.some((other) => other.name === name)) throw new InvalidArgumentError(`There is an axis ${name} already.`)
  const values = list!.split(list!.includes('|') ? '|' : ',')
  if (new Set(values).size < values.length) throw new InvalidArgumentError('It has a value twice.')
  return [...before, { name, values }]
}
