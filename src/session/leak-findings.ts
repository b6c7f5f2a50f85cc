/** Exists to make findings of blocks that were not freed: those made at the same place and lost in the same way are one. */
import type { Finding } from '../tool/finding.ts'
import type { HeapBlock, LeakedBlock, LeakEvent } from '../tool/observer.ts'
import { bytes } from './blocks.ts'
import { hex } from './stacks.ts'
import { named, placeOf, type Stop, type Visits } from './visits.ts'

/** Blocks that were not freed whose stacks are found out one by one; of more, those of the same call and size stand for each other. */
const MAX_STOPS = 20_000

const VALGRIND: Record<LeakedBlock['state'], string> = {
  definite: 'Leak_DefinitelyLost',
  indirect: 'Leak_IndirectlyLost',
  possible: 'Leak_PossiblyLost',
  reachable: 'Leak_StillReachable',
}

/** Blocks that stand for each other. */
export interface LeakGroup {
  state: LeakedBlock['state']
  block: HeapBlock
  pid: number
  /** When the process ended, or asked what it has lost. */
  ended: number
  asked: boolean
  /** What it did when it was looked at. */
  does: string
  bytes: number
  blocks: number
  indirectBytes: number
  indirectBlocks: number
}

/** The blocks to be told, and asks for their stacks. */
export function wantLeaks(events: readonly LeakEvent[], visits: Visits): LeakGroup[] {
  const groups = events.flatMap((event, i) => groupLeaks(toldOf(event, events.slice(0, i)), event))
  for (const { block, pid } of groups) visits.want({ moment: block.madeAt, pid, tid: block.madeTid }, 0)
  return groups
}

/** The blocks of a search that are to be told: where only changes were asked for, those that the last search of the process has not found in the same way. */
function toldOf({ blocks, asked, task }: LeakEvent, earlier: readonly LeakEvent[]): readonly LeakedBlock[] {
  const last =
    asked === 'added' || asked === 'changed' ? earlier.findLast((one) => one.task.pid === task.pid) : undefined
  if (last === undefined) return blocks
  const key = ({ block, state }: LeakedBlock): string => `${block.madeAt} ${block.address} ${state}`
  const known = new Set(last.blocks.map(key))
  return blocks.filter((one) => !known.has(key(one)))
}

function groupLeaks(blocks: readonly LeakedBlock[], { task, moment: ended, asked: mode }: LeakEvent): LeakGroup[] {
  const { pid } = task
  const asked = mode !== null
  const does = mode === 'moment' ? 'is there' : asked ? 'asks' : 'ends'
  const groups = new Map<string, LeakGroup>()
  const alone = blocks.length <= MAX_STOPS
  blocks.forEach(({ block, state, site, indirectBytes, indirectBlocks }, i) => {
    const key = alone ? String(i) : `${state} ${site} ${block.size}`
    addTo(groups, key, {
      state,
      block,
      pid,
      ended,
      asked,
      does,
      bytes: block.size,
      blocks: 1,
      indirectBytes,
      indirectBlocks,
    })
  })
  return [...groups.values()]
}

function addTo(groups: Map<string, LeakGroup>, key: string, more: LeakGroup): void {
  const group = groups.get(key)
  if (group === undefined) {
    groups.set(key, { ...more })
    return
  }
  group.bytes += more.bytes
  group.blocks += more.blocks
  group.indirectBytes += more.indirectBytes
  group.indirectBlocks += more.indirectBlocks
}

const WORDS = {
  definite: 'definitely lost',
  indirect: 'indirectly lost',
  possible: 'possibly lost',
  reachable: 'still reachable',
} as const

/** Blocks made at the same place and lost in the same way are one finding; the largest come last, as people read the end. */
export function leakFindings(groups: readonly LeakGroup[], seed: number, visits: Visits): Finding[] {
  const merged = new Map<string, LeakGroup>()
  const stop = ({ block, pid }: LeakGroup): Stop => ({ moment: block.madeAt, pid, tid: block.madeTid })
  for (const group of groups) {
    const place = placeOf(visits.at(stop(group))?.thread.stack)
    addTo(merged, `${group.state} ${group.pid} ${group.asked ? group.ended : ''} ${group.block.madeBy} ${place}`, group)
  }
  const rank = Object.keys(WORDS).toReversed()
  const weight = ({ bytes: own, indirectBytes }: LeakGroup): number => own + indirectBytes
  const sorted = [...merged.values()].toSorted(
    (a, b) =>
      (a.asked || b.asked ? a.ended - b.ended : 0) ||
      rank.indexOf(a.state) - rank.indexOf(b.state) ||
      weight(a) - weight(b) ||
      a.block.madeAt - b.block.madeAt,
  )
  return sorted.map((group) => {
    const { state, block, ended, does, bytes: own, blocks, indirectBytes, indirectBlocks } = group
    const seen = visits.at(stop(group))
    const also =
      indirectBlocks === 0
        ? ''
        : `, and ${bytes(indirectBytes)} in ${count(indirectBlocks)} because of ${blocks === 1 ? 'it' : 'them'}`
    const finding: Finding = {
      kind: `leak-${state}`,
      what: `${bytes(own)} in ${count(blocks)} ${own === 1 ? 'is' : 'are'} ${WORDS[state]} ${does === 'is there' ? 'now' : `when the program ${does}`}${also}`,
      valgrind: VALGRIND[state],
      moment: ended,
      seed,
      leak: { bytes: own, blocks, indirectBytes, indirectBlocks },
      block: {
        address: hex(block.address),
        size: block.size,
        state: 'live',
        allocated: { by: block.madeBy, moment: block.madeAt, tid: block.madeTid },
      },
      others: [],
      remarks: [],
    }
    if (seen !== undefined) finding.thread = named(seen.thread, block.madeBy)
    if (seen?.source !== undefined) finding.source = seen.source
    return finding
  })
}

function count(blocks: number): string {
  return blocks === 1 ? '1 block' : `${blocks} blocks`
}
