/** Exists as `lemming hunt`: many seeds until enough have failed or the budget ends; failures are kept, and every run is in the catalogue. */
import { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import { addBudgetOptions, axis, until, type Axis, type BudgetOptions, type Until } from './hunt-options.ts'
import { addTestOptions, type TestOptions } from './each-test.ts'
import { addProgramOptions, wholeNumber, type ProgramOptions } from './options.ts'
import type { Invocation } from './program.ts'

/** Options of a hunt, as commander hands them over. */
export interface HuntOptions extends ProgramOptions, BudgetOptions, TestOptions {
  until?: Until
  keepGoing?: boolean
  matrix: Axis[]
  resume?: number | true
  detach?: boolean
  from?: string
  compareStrategies?: string | true
}

/** What --compare-strategies compares. */
const COMPARED = 'random,walk,pos,pct:2,pct:3,mix'

/** What a hunt that goes on may be told anew; all else is what it is. */
const ANEW: ReadonlySet<string> = new Set(
  'resume json jsonSchema config out runs for until keepGoing jobs keep notify falseStart detach'.split(' '),
)

export function huntCommand(invocation: Invocation): Command {
  return addTestOptions(addBudgetOptions(addProgramOptions(new Command('hunt'), 'the first seed')))
    .description('Run a program with seeds 0, 1, 2 … until one fails; keep the failure.')
    .option('--until <what>', "'N failures', 'new bucket' or 'never' (default: 1 failure; never with --matrix)", until)
    .option('--keep-going', 'go on behind failures, and keep all of them: --until never')
    .option(
      '--matrix <NAME=a,b,c>',
      'run with each value: in place of {NAME} in the command, or else in the environment (repeatable: all combinations)',
      axis,
      [],
    )
    .option('--resume [n]', 'go on with hunt n, or with the last one that was interrupted', wholeNumber(1, 2 ** 31))
    .option('--from <failure@moment>', 'all runs are this recorded one until a moment; only then each has its own seed')
    .option('--compare-strategies [list]', 'run --runs seeds by each strategy, and tell how many fail; keeps nothing')
    .option('--detach', 'hunt in the background: see lemming status, lemming stop')
    .action(async (words: string[], options: HuntOptions, command: Command) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('hunt')
      const isSaid = (name: string): boolean => /^(cli|config)$/.test(command.getOptionValueSource(name) ?? '')
      if (options.compareStrategies !== undefined) {
        const list = options.compareStrategies === true ? COMPARED : options.compareStrategies
        const { compareStrategies } = await import('./comparing.ts')
        return invocation.end(await compareStrategies(words, options, list.split(',')))
      }
      if (options.resume !== undefined) refuseChanges(command)
      const { startHunt } = await import('./hunting.ts')
      invocation.end(await startHunt(words, options, isSaid, invocation))
    })
}

function refuseChanges(command: Command): void {
  const changed = command.options.find((option) => {
    const name = option.attributeName()
    return !ANEW.has(name) && command.getOptionValueSource(name) === 'cli'
  })
  if (changed !== undefined)
    throw new LemmingError(
      'usage',
      `--resume: ${changed.long} is given too, and belongs to what the hunt is`,
      'leave it out, or start a new hunt without --resume',
    )
}
