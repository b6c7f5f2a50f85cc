/** Exists as `lemming heap`: what a run allocates, by the stacks that ask for it. */
import { Option, type Command } from 'commander'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { HeapRequest } from '../session/protocol.ts'
import { allocatorParser } from './allocators.ts'
import { heapText } from './heap-text.ts'
import { wholeNumber } from './options.ts'
import type { Invocation } from './program.ts'
import { ask, FAILURE, question, type Common } from './questions.ts'

/** Stacks that are shown, and callers that tell them apart, unless somebody says otherwise. */
const SHOWN = 20
const DEPTH = 12

interface HeapOptions extends Common {
  by: HeapRequest['by']
  depth: number
  limit: number
  alloc: CustomFunction[]
  free: CustomFunction[]
}

export function heapCommand(invocation: Invocation): Command {
  return question('heap', 'Say what a run allocates, by stack: live at a moment, at the peak, in all, and given back.')
    .argument('[failure]', FAILURE.replace('what was until moment N', 'what is live at moment N'))
    .addOption(
      new Option('--by <column>', 'order of the stacks').choices(['live', 'peak', 'total', 'blocks']).default('live'),
    )
    .option('--depth <n>', 'callers that tell stacks apart', wholeNumber(1, 255), DEPTH)
    .option('--limit <n>', 'stacks that are shown', wholeNumber(1, 1_000_000), SHOWN)
    .option('--alloc <function>', "the program's own allocation function: NAME:size=0", allocatorParser(false), [])
    .option('--free <function>', 'the one that takes back: NAME:ptr=0', allocatorParser(true), [])
    .action(async (failure: string | undefined, options: HeapOptions, self: Command) =>
      ask(invocation, 'heap', failure, options, self, async ({ remote, pid }) => {
        const { by, depth, limit: most, alloc, free } = options
        const info = await remote.heap({ pid, by, depth, most, allocators: [...alloc, ...free] })
        return { text: () => heapText(info), document: { ...info } }
      }),
    )
}
