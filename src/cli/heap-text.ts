/** Exists to lay out heap profiles for a terminal. */
import { basename } from 'node:path'
import type { HeapInfo, HeapStack, HeapSum } from '../session/protocol.ts'
import { placeText } from './answers.ts'
import { table } from './tables.ts'

/** The profile as a table: a row of numbers for each stack, its callers below it, and the sums. */
export function heapText({ pid, program, until, peakAt, sums, left, stacks }: HeapInfo): string {
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
