/** Exists as `lemming failures`: what hunts have found, in buckets, with rates; one failure in full; and SQL for those who want it. */
import { Command } from 'commander'
import { FAILURES } from '../lab/places.ts'
import { addJsonOptions } from './options.ts'
import type { Invocation } from './program.ts'

export interface FailuresOptions {
  out: string
  output?: string
  sql?: string
  json?: boolean
  jsonSchema?: boolean
}

/** Words that change something; they are done in a file of their own. */
const VERBS = /^(merge|split|label|note|export|import)$/

const HELP = `
  lemming failures                          buckets of all failures
  lemming failures kind=crash since=2d      those that fit: kind, what, program, bucket, title, label, strategy,
                                            cell, hunt, seed, instructions, since, before; = != ~ < >
  lemming failures F3                       one failure: its report, its journal
  lemming failures B1                       one bucket: its failures
  lemming failures merge B1 B2 …            B2 … are the same as B1, also in future
  lemming failures split F3 F4 …            put them in a bucket of their own; split B1 undoes merges
  lemming failures label F3|B1 TEXT         a label, shown in lists; no TEXT removes it
  lemming failures note F3|B1 TEXT          a line in the journal
  lemming failures export F3 -o FILE        one self-contained file, which also lemming replay opens
  lemming failures import FILE …            failures that were exported elsewhere`

export function failuresCommand({ end }: Invocation): Command {
  return addJsonOptions(new Command('failures'))
    .description('Show what hunts have found: buckets, rates, failures; merge, split, label, export them.')
    .argument('[words...]', 'a failure, a bucket, conditions, or what to do')
    .option('--out <dir>', 'directory of failures; its catalogue is DIR.db', FAILURES)
    .option('-o, --output <file>', 'file for export')
    .option('--sql <select>', 'print the rows of a SELECT over the catalogue')
    .addHelpText('after', HELP)
    .action(async (words: string[], options: FailuresOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('failures')
      if (VERBS.test(words[0] ?? '')) return end((await import('./failures-change.ts')).change(words, options))
      end(await (await import('./failures-show.ts')).showFailures(words, options))
    })
}
