/** Exists as `lemming minimise`: what of a failure matters, by leaving out whatever it fails without. */
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { FAILURES } from '../lab/places.ts'
import { addJsonOptions, wholeNumber } from './options.ts'
import type { Invocation } from './program.ts'

/** Options of minimise, as commander hands them over. */
export interface MinimiseOptions {
  out: string
  jobs: number
  trials: number
  args?: boolean
  input?: boolean
  json?: boolean
  jsonSchema?: boolean
}

export function minimiseCommand(invocation: Invocation): Command {
  return addJsonOptions(new Command('minimise'))
    .description(
      'Reduce a failure: its schedule to the switches of threads that matter; if asked, its arguments and standard input.',
    )
    .argument('[failure]', 'a failure such as F1, or a recording file')
    .option('--args', 'leave out arguments too; the program is run with the files as they are now')
    .option('--input', 'leave out lines of its standard input too; the same')
    .option('--trials <n>', 'runs at most', wholeNumber(1, 1_000_000), 2000)
    .option(
      '--jobs <n>',
      'runs at the same time; the result does not depend on it',
      wholeNumber(1, 256),
      availableParallelism(),
    )
    .option('--out <dir>', 'directory of failures; its catalogue is DIR.db', FAILURES)
    .action(async (name: string | undefined, options: MinimiseOptions, command: Command) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('minimise')
      if (name === undefined) command.error("missing argument 'failure'")
      const { minimise } = await import('./minimising.ts')
      invocation.end(await minimise(name, options, invocation))
    })
}
