/**
 * Exists to make findings of what a heap check heard. Stacks cost the run nothing: the same run is executed again, stopped right before the calls in question,
 * and unwound there.
 */
import type { BlockDump, BlockReport, Finding, Frame, Stack, ThreadState } from '../tool/finding.ts'
import type { HeapBlock, HeapEvent, LeakedBlock, LeakEvent } from '../tool/observer.ts'
import type { ReportWorld } from '../replay/recording-world.ts'
import type { Subject } from '../replay/subject.ts'
import { hex, Namer, type Inflate } from './stacks.ts'

/** What was heard of one place; see checks/heap.ts. */
interface Fault {
  first: HeapEvent
  times: number
}

export interface HeapFacts {
  faults: readonly Fault[]
  leaks: readonly LeakEvent[]
}

/** Blocks that were not freed whose stacks are found out one by one; of more, those of the same call and size stand for each other. */
const MAX_STOPS = 20_000

const VALGRIND: Record<HeapEvent['kind'] | LeakedBlock['state'], string> = {
  'double-free': 'InvalidFree',
  'invalid-free': 'InvalidFree',
  'invalid-realloc': 'InvalidFree',
  'mismatched-free': 'MismatchedFree',
  'mismatched-size': 'MismatchedFree',
  'mismatched-alignment': 'MismatchedFree',
  'realloc-zero': 'ReallocSizeZero',
  'absurd-size': 'FishyValue',
  overlap: 'Overlap',
  redzone: 'InvalidWrite',
  'invalid-read': 'InvalidRead',
  'invalid-write': 'InvalidWrite',
  'syscall-read': 'SyscallParam',
  'syscall-write': 'SyscallParam',
  definite: 'Leak_DefinitelyLost',
  indirect: 'Leak_IndirectlyLost',
  possible: 'Leak_PossiblyLost',
  reachable: 'Leak_StillReachable',
}

/** A call to be looked at: right before this moment, in this task. */
interface Stop {
  moment: number
  pid: number
  tid: number
}

/** What is seen at a stop. */
interface Seen {
  thread: ThreadState
  source: Finding['source']
  /** What the address of an event is, in words, where it is no block of the heap. */
  what: string
  /** Memory around the address of an event, where that can be read. */
  memory: Memory | null
}

/** Bytes of a process. */
interface Memory {
  start: number
  bytes: Uint8Array
}

/** Bytes read around an address for a dump. */
const AROUND = 64

/** The findings behind the facts, in the order of their moments, those of leaks last. `again` is the same run at its start; it is used up. */
export function heapFindings(
  facts: HeapFacts,
  seed: number,
  again: Subject,
  world: ReportWorld,
  inflate: Inflate,
): Finding[] {
  const visits = new Visits(again, world, inflate)
  for (const { first } of facts.faults) {
    visits.want({ moment: first.moment, pid: first.task.pid, tid: first.task.tid }, first.address)
    if (first.block !== null) visits.wantBlock(first.block, first.task.pid)
  }
  const groups = facts.leaks.flatMap(({ blocks, task, moment }) => groupLeaks(blocks, task.pid, moment))
  for (const { block, pid } of groups) visits.want({ moment: block.madeAt, pid, tid: block.madeTid }, 0)
  visits.run()
  const faults = mergeFaults(facts.faults.map(({ first, times }) => faultFinding(first, times, seed, visits)))
  return [...faults, ...leakFindings(groups, seed, visits)]
}

/** Stops of the second run, and what was seen there. */
class Visits {
  private readonly subject: Subject
  private readonly world: ReportWorld
  private readonly inflate: Inflate
  private readonly stops = new Map<string, { stop: Stop; address: number }>()
  private readonly seen = new Map<string, Seen>()
  private namer: Namer | null = null
  private namedMappings = ''

  constructor(subject: Subject, world: ReportWorld, inflate: Inflate) {
    this.subject = subject
    this.world = world
    this.inflate = inflate
  }

  want(stop: Stop, address: number): void {
    const key = keyOf(stop)
    const known = this.stops.get(key)
    if (known === undefined || known.address === 0) this.stops.set(key, { stop, address })
  }

  wantBlock(block: HeapBlock, pid: number): void {
    this.want({ moment: block.madeAt, pid, tid: block.madeTid }, 0)
    if (block.state === 'freed') this.want({ moment: block.freedAt, pid, tid: block.freedTid }, 0)
  }

  run(): void {
    for (const [key, { stop, address }] of [...this.stops].toSorted(([, a], [, b]) => a.stop.moment - b.stop.moment)) {
      this.subject.advance(stop.moment - 1)
      const task = this.subject.tasks().find(({ tid }) => tid === stop.tid)
      if (task === undefined) continue
      const namer = this.namerOf(stop.pid)
      const thread = namer.thread(task)
      const what = address === 0 ? '' : this.describe(namer, address, Number(task.registers[4]!))
      const bytes = address < AROUND ? null : this.subject.read(stop.pid, address - AROUND, 2 * AROUND)
      const memory = bytes === null ? null : { start: address - AROUND, bytes }
      this.seen.set(key, { thread, source: namer.sources.excerpt(thread.stack.frames), what, memory })
    }
  }

  at(stop: Stop): Seen | undefined {
    return this.seen.get(keyOf(stop))
  }

  private namerOf(pid: number): Namer {
    const mappings = JSON.stringify([pid, this.subject.mappedFiles(pid)])
    if (this.namer === null || mappings !== this.namedMappings) {
      this.namer = new Namer(this.subject, pid, this.world, this.inflate)
      this.namedMappings = mappings
    }
    return this.namer
  }

  private describe(namer: Namer, address: number, stack: number): string {
    if (address >= stack && address < stack + 0x80_0000 && this.isMappedBetween(stack, address))
      return 'an address on the stack'
    const [place] = namer.places(address)
    if (place?.module !== undefined) {
      const name = place.function ?? `${place.module}+${place.moduleOffset}`
      const offset = place.offset === undefined || place.offset === 0 ? '' : `+${place.offset}`
      return `an address in the program's own data (${name}${offset})`
    }
    return this.subject.read(this.subject.tasks()[0]!.pid, address, 1) === null
      ? 'an address where nothing is mapped'
      : 'an address that no allocation function returned'
  }

  private isMappedBetween(from: number, to: number): boolean {
    const { pid } = this.subject.tasks()[0]!
    return this.subject.read(pid, from, to - from + 1) !== null
  }
}

function keyOf({ moment, pid, tid }: Stop): string {
  return `${moment} ${pid} ${tid}`
}

// Wrong calls.

function faultFinding(event: HeapEvent, times: number, seed: number, visits: Visits): Finding {
  const seen = visits.at({ moment: event.moment, pid: event.task.pid, tid: event.task.tid })
  const finding: Finding = {
    kind:
      event.kind === 'redzone' ? (event.address < event.block!.address ? 'heap-underrun' : 'heap-overrun') : event.kind,
    what: sentence(event, seen?.what ?? ''),
    valgrind: VALGRIND[event.kind],
    moment: event.moment,
    seed,
    others: [],
    remarks: event.kind === 'redzone' ? ['noticed now; the bytes were overwritten some time before'] : [],
  }
  if (times > 1) finding.times = times
  if (seen !== undefined) finding.thread = named(seen.thread, isCalled(event) ? event.by : null)
  if (event.kind === 'invalid-read' || event.kind === 'invalid-write') finding.bytes = event.numbers.size!
  if (seen?.source !== undefined) finding.source = seen.source
  if (event.block !== null) {
    finding.block = blockReport(event.block, event, visits)
    if (DUMPED.has(event.kind) && seen !== undefined && seen.memory !== null) {
      const dump = dumpOf(event, event.block, seen.memory)
      if (dump !== null) finding.block.dump = dump
    }
  }
  return finding
}

/** Events that are about bytes, and not about the block as a whole. */
const DUMPED = new Set<HeapEvent['kind']>(['invalid-read', 'invalid-write', 'syscall-read', 'syscall-write', 'redzone'])

/** The row with the address, the one before and the one behind it; null where the memory at hand does not hold them. */
function dumpOf({ address, numbers }: HeapEvent, block: HeapBlock, memory: Memory): BlockDump | null {
  const at = address - block.address
  const from = Math.floor(at / 16) * 16 - 16
  const first = block.address + from - memory.start
  if (first < 0 || first + 48 > memory.bytes.length) return null
  const bytes = [...memory.bytes.subarray(first, first + 48)].map((byte, i) => {
    const offset = from + i
    return offset < 0 || offset >= block.size ? '··' : byte.toString(16).padStart(2, '0')
  })
  return { from, bytes, at, length: numbers.size ?? numbers.length ?? 1 }
}

/** Is the innermost frame that of the function in `by`? */
function isCalled({ kind, by }: HeapEvent): boolean {
  return by !== '' && by !== 'exit' && !kind.startsWith('syscall-')
}

/** The innermost frame is the function that was called, whatever alias its symbol has. */
function named(thread: ThreadState, by: string | null): ThreadState {
  const { stack } = thread
  const main = stack.frames.findIndex((frame) => frame.function === 'main')
  // What calls main is the same in every program.
  const [first, ...rest] = main < 0 ? stack.frames : stack.frames.slice(0, main + 1)
  if (first === undefined) return thread
  const frames: Frame[] = [
    by === null || by.startsWith('operator') ? first : { ...first, function: by, symbol: by },
    ...rest,
  ]
  return { ...thread, stack: { frames, end: main < 0 ? stack.end : 'outermost' } }
}

function blockReport(block: HeapBlock, { address, task, kind }: HeapEvent, visits: Visits): BlockReport {
  const { pid } = task
  const stackOf = (moment: number, tid: number, by: string): { stack?: Stack } => {
    const seen = visits.at({ moment, pid, tid })
    return seen === undefined ? {} : { stack: named(seen.thread, by).stack }
  }
  const { madeAt, madeTid, madeBy, freedAt, freedTid, freedBy } = block
  const report: BlockReport = {
    address: hex(block.address),
    size: block.size,
    state: block.state,
    allocated: { by: madeBy, moment: madeAt, tid: madeTid, ...stackOf(madeAt, madeTid, madeBy) },
  }
  if (kind !== 'overlap' && address !== block.address) report.offset = address - block.address
  if (block.state === 'freed')
    report.freed = { by: freedBy, moment: freedAt, tid: freedTid, ...stackOf(freedAt, freedTid, freedBy) }
  return report
}

const FREES: Record<string, string> = {
  malloc: 'free',
  calloc: 'free',
  realloc: 'free',
  'operator new': 'delete',
  'operator new[]': 'delete[]',
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}

function sentence(event: HeapEvent, where: string): string {
  const { kind, by, block, numbers } = event
  const at = hex(event.address)
  switch (kind) {
    case 'double-free':
      return `${by}(${at}): the block was freed already`
    case 'invalid-free':
    case 'invalid-realloc': {
      if (block === null || block.address === event.address) {
        if (block !== null) return `${by}(${at}): the block was freed already`
        return `${by}(${at}): ${where === '' ? 'no block begins there' : `${where}, where no block begins`}`
      }
      const offset = event.address - block.address
      if (offset < 0) return `${by}(${at}): ${bytes(-offset)} before a block of ${bytes(block.size)}`
      if (offset >= block.size)
        return `${by}(${at}): ${bytes(offset - block.size)} behind a block of ${bytes(block.size)}`
      return `${by}(${at}): ${bytes(offset)} inside a block of ${bytes(block.size)}, not at its start`
    }
    case 'mismatched-free':
      return `${by}(${at}): the block was made by ${block!.madeBy}, and is given back by ${FREES[block!.madeBy] ?? 'free'}`
    case 'mismatched-size':
      return `${by}(${at}, ${numbers.size}): the block was made with ${bytes(block!.size)}`
    case 'mismatched-alignment':
      return numbers.align === 0
        ? `${by}(${at}): the block was made with alignment ${numbers.made}, and is given back without one`
        : `${by}(${at}): alignment ${numbers.align} is given, and the block was made with ${numbers.made === 0 ? 'none' : numbers.made}`
    case 'realloc-zero':
      return `realloc(${at}, 0): whether this frees the block depends on the C library`
    case 'absurd-size':
      return event.address === 0
        ? `${by}: a size of ${numbers.size} bytes is negative`
        : `${by}(${at}): a size of ${numbers.size} bytes is negative`
    case 'overlap': {
      const length = numbers.length! < 0 ? '' : `, ${numbers.length}`
      return `${by}(${at}, ${hex(numbers.source!)}${length}): source and destination overlap`
    }
    case 'invalid-read':
    case 'invalid-write': {
      const what = `${kind === 'invalid-read' ? 'read' : 'write'} of ${bytes(numbers.size!)} at ${at}`
      return `${by === '' ? what : `${by}: ${what}`}: ${block === null ? 'no block is there' : relation(event.address, block)}`
    }
    case 'syscall-read':
    case 'syscall-write': {
      const how = kind === 'syscall-read' ? 'is to read' : 'has written'
      const place = block === null ? 'where no block is' : relation(event.address, block)
      return `${by}: the kernel ${how} ${bytes(numbers.size!)} at ${at}: ${place}`
    }
    case 'redzone': {
      const offset = event.address - block!.address
      const place =
        offset < 0
          ? `${bytes(-offset)} before a block of ${bytes(block!.size)}`
          : `${offset === block!.size ? 'right' : bytes(offset - block!.size)} behind a block of ${bytes(block!.size)}`
      const count = numbers.length!
      return `${bytes(count)} ${count === 1 ? 'was' : 'were'} overwritten ${place}`
    }
  }
}

/** Where an address is, seen from a block. */
function relation(address: number, block: HeapBlock): string {
  const offset = address - block.address
  const what = `a ${block.state === 'freed' ? 'freed ' : ''}block of ${bytes(block.size)}`
  if (offset < 0) return `${bytes(-offset)} before ${what}`
  if (offset >= block.size)
    return offset === block.size ? `right behind ${what}` : `${bytes(offset - block.size)} behind ${what}`
  return offset === 0 ? `the start of ${what}` : `${bytes(offset)} inside ${what}`
}

/** Faults whose stacks turn out to be the same lines are one. */
function mergeFaults(findings: Finding[]): Finding[] {
  const byPlace = new Map<string, Finding>()
  for (const finding of findings) {
    const key = `${finding.kind} ${placeOf(finding.thread?.stack)} ${placeOf(finding.block?.allocated.stack)}`
    const known = byPlace.get(key)
    if (known === undefined || finding.thread === undefined)
      byPlace.set(known === undefined ? key : `${key} ${finding.moment}`, finding)
    else known.times = (known.times ?? 1) + (finding.times ?? 1)
  }
  return [...byPlace.values()].toSorted((a, b) => a.moment - b.moment)
}

function placeOf(stack: Stack | undefined): string {
  return (stack?.frames ?? []).map(({ address, inlined }) => (inlined ? '' : address)).join(' ')
}

// Leaks.

interface LeakGroup {
  state: LeakedBlock['state']
  block: HeapBlock
  pid: number
  /** When the process ended. */
  ended: number
  bytes: number
  blocks: number
  indirectBytes: number
  indirectBlocks: number
}

function groupLeaks(blocks: readonly LeakedBlock[], pid: number, ended: number): LeakGroup[] {
  const groups = new Map<string, LeakGroup>()
  const alone = blocks.length <= MAX_STOPS
  blocks.forEach(({ block, state, site, indirectBytes, indirectBlocks }, i) => {
    const key = alone ? String(i) : `${state} ${site} ${block.size}`
    addTo(groups, key, { state, block, pid, ended, bytes: block.size, blocks: 1, indirectBytes, indirectBlocks })
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
function leakFindings(groups: readonly LeakGroup[], seed: number, visits: Visits): Finding[] {
  const merged = new Map<string, LeakGroup>()
  const stop = ({ block, pid }: LeakGroup): Stop => ({ moment: block.madeAt, pid, tid: block.madeTid })
  for (const group of groups) {
    const place = placeOf(visits.at(stop(group))?.thread.stack)
    addTo(merged, `${group.state} ${group.pid} ${group.block.madeBy} ${place}`, group)
  }
  const rank = Object.keys(WORDS).toReversed()
  const weight = ({ bytes: own, indirectBytes }: LeakGroup): number => own + indirectBytes
  const sorted = [...merged.values()].toSorted(
    (a, b) => rank.indexOf(a.state) - rank.indexOf(b.state) || weight(a) - weight(b) || a.block.madeAt - b.block.madeAt,
  )
  return sorted.map((group) => {
    const { state, block, ended, bytes: own, blocks, indirectBytes, indirectBlocks } = group
    const seen = visits.at(stop(group))
    const also =
      indirectBlocks === 0
        ? ''
        : `, and ${bytes(indirectBytes)} in ${count(indirectBlocks)} because of ${blocks === 1 ? 'it' : 'them'}`
    const finding: Finding = {
      kind: `leak-${state}`,
      what: `${bytes(own)} in ${count(blocks)} ${own === 1 ? 'is' : 'are'} ${WORDS[state]} when the program ends${also}`,
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
