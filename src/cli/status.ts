/** Exists as `lemming status` and `lemming stop`: which hunts there are, how they get on, and an end to those in the background. */
import { Command } from 'commander'
import { FAILURES } from '../lab/places.ts'
import { addJsonOptions } from './options.ts'
import type { Invocation } from './program.ts'

/** Options of both, as commander hands them over. */
export interface StatusOptions {
  out: string
  all?: boolean
  json?: boolean
  jsonSchema?: boolean
}

export function statusCommand({ end }: Invocation): Command {
  return addJsonOptions(new Command('status'))
    .description('Show the hunts of a catalogue, and how those under way get on.')
    .argument('[hunt]', 'only this one, in full')
    .option('--all', 'all hunts, not only the last ones')
    .option('--out <dir>', 'directory of failures; its catalogue is DIR.db', FAILURES)
    .action(async (word: string | undefined, options: StatusOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('status')
      end(await (await import('./status-show.ts')).showStatus(word, options))
    })
}

export function stopCommand({ end }: Invocation): Command {
  return addJsonOptions(new Command('stop'))
    .description('End a hunt in good order: what it has found is kept, and lemming hunt --resume goes on with it.')
    .argument('[hunt]', 'which; the last one under way if none is given')
    .option('--all', 'all that are under way')
    .option('--out <dir>', 'directory of failures; its catalogue is DIR.db', FAILURES)
    .action(async (word: string | undefined, options: StatusOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('status')
      end(await (await import('./status-show.ts')).stopHunts(word, options))
    })
}
