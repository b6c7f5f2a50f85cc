/** Exists as `lemming verify`: is it fixed? Runs of the changed program against what was seen of the old one, with numbers for what they prove. */
import { Command, InvalidArgumentError } from 'commander'
import { addBudgetOptions, type BudgetOptions } from './hunt-options.ts'
import { addJsonOptions, collectEnv, wholeNumber } from './options.ts'
import type { Invocation } from './program.ts'

/** Options of verify, as commander hands them over. */
export interface VerifyOptions extends BudgetOptions {
  env: string[]
  claim?: number
  baseline?: number
  json?: boolean
  jsonSchema?: boolean
}

export function verifyCommand(invocation: Invocation): Command {
  return addBudgetOptions(addJsonOptions(new Command('verify')))
    .description(
      'Run a changed program as a failure was run, and say what that proves: rates before and after, and a bound on what remains.',
    )
    .argument('[failure]', 'a failure such as F1')
    .argument(
      '[program...]',
      'the changed program, behind --; it gets the arguments of the old one unless there are others',
    )
    .option('--env <K=V>', 'set an environment variable of the changed program (repeatable)', collectEnv, [])
    .option('--claim <rate>', 'the rate to get below, such as 0.001 or 0.1% (default: a tenth of the old one)', rate)
    .option('--baseline <n>', 'run the old program so often first, for its rate', wholeNumber(1, 1_000_000_000))
    .action(async (name: string | undefined, words: string[], options: VerifyOptions, command: Command) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('verify')
      if (name === undefined) command.error("missing argument 'failure'")
      const isSaid = (option: string): boolean => /^(cli|config)$/.test(command.getOptionValueSource(option) ?? '')
      const { verify } = await import('./verifying.ts')
      invocation.end(await verify(name, words, options, isSaid, invocation))
    })
}

function rate(text: string): number {
  const [, digits, unit] = /^(\d*\.?\d+(?:e-?\d+)?)(%?)$/.exec(text) ?? []
  const value = Number(digits) / (unit === '%' ? 100 : 1)
  if (digits === undefined || !(value > 0 && value < 1))
    throw new InvalidArgumentError('It takes a rate such as 0.001 or 0.1%.')
  return value
}
