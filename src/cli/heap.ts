/** Exists as `lemming heap`: what a run allocates, by the stacks that ask for it. */
import { basename } from 'node:path'
import { Option, type Command } from 'commander'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { HeapInfo, HeapRequest, HeapStack, HeapSum } from '../session/protocol.ts'
import { allocatorParser } from './allocators.ts'
import { placeText } from './answers.ts'
import { wholeNumber } from './options.ts'
import type { Invocation } from './program.ts'
import { ask, FAILURE, question, type Common } from './questions.ts'
import { table } from './tables.ts'

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

/** The profile as a table: a row of numbers for each stack, its callers below it, and the sums. */
function heapText({ pid, program, until, peakAt, sums, left, stacks }: HeapInfo): string {
  const percent = ({ bytes }: HeapSum, all: HeapSum): string =>
    all.bytes === 0 ? '' : `${((100 * bytes) / all.bytes).toFixed(1)} %`
  const cells = (one: Pick<HeapStack, 'live' | 'peak' | 'total' | 'freed'>, by: string): string[] => [
    ...(['live', 'peak', 'total'] as const).flatMap((of) => [String(one[of].bytes), percent(one[of], sums[of])]),
    String(one.total.blocks),
    String(one.freed.bytes),
    by,
  ]
  const rest = left === 0 ? '' : `, ${left} of them not shown (--limit)`
  const all = left + stacks.length
  const rows = [
    ['live', '', 'peak', '', 'total', '', 'blocks', 'freed', 'by'],
    ...stacks.map((one) => cells(one, one.by)),
    cells(sums, `${all} stack${all === 1 ? '' : 's'}${rest}`),
  ]
  const [head, ...numbers] = table(rows, [0, 1, 2, 3, 4, 5, 6, 7]).split('\n')
  const last = numbers.pop()
  const groups = stacks.flatMap(({ frames }, i) => [
    numbers[i]!,
    ...frames.map(({ place, text }) => `    ${placeText(place)}${text === null ? '' : `   ${text}`}`),
  ])
  const { live, peak } = sums
  return [
    `heap of ${basename(program)} (process ${pid}), in bytes: ${blocks(live)} live at @${until}; the peak is at @${peakAt}, ${blocks(peak)}`,
    head,
    ...groups,
    last,
    '',
  ].join('\n')
}

function blocks({ bytes, blocks: count }: HeapSum): string {
  return `${bytes} in ${count} block${count === 1 ? '' : 's'}`
}
