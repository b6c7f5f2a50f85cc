/** Exists to make findings of wrong calls of allocation and copying functions, and of accesses to what is no block. */
import type { Finding } from '../tool/finding.ts'
import type { HeapEvent } from '../tool/observer.ts'
import { blockReport, bytes, dumpOf, relation, wantBlock } from './blocks.ts'
import { hex } from './stacks.ts'
import { named, type Visits } from './visits.ts'

/** What was heard of one place; see checks/heap.ts. */
interface Fault {
  first: HeapEvent
  times: number
}

/** What was heard of the heap. */
export interface HeapFacts {
  faults: readonly Fault[]
}

const VALGRIND: Record<HeapEvent['kind'], string> = {
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
  'overlapping-block': 'InvalidMemPool',
  'syscall-read': 'SyscallParam',
  'syscall-write': 'SyscallParam',
  'syscall-fault': 'SyscallParam',
  'invalid-pool': 'InvalidMemPool',
  'client-check': 'ClientCheck',
}

/** Asks for what `heapFindings` needs. */
export function wantHeap(facts: HeapFacts, visits: Visits): void {
  for (const { first } of facts.faults) {
    visits.want({ moment: first.moment, pid: first.task.pid, tid: first.task.tid }, first.address)
    if (first.block !== null) wantBlock(visits, first.block, first.task.pid)
  }
}

/** The findings about wrong calls and accesses. */
export function heapFindings(facts: HeapFacts, seed: number, visits: Visits): Finding[] {
  return facts.faults.map(({ first, times }) => faultFinding(first, times, seed, visits))
}

// Wrong calls.

function faultFinding(event: HeapEvent, times: number, seed: number, visits: Visits): Finding {
  const seen = visits.at({ moment: event.moment, pid: event.task.pid, tid: event.task.tid })
  const finding: Finding = {
    kind: kindOf(event),
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
    const { address, numbers, task } = event
    finding.block = blockReport(event.block, event.kind === 'overlap' ? null : address, task.pid, visits)
    if (DUMPED.has(event.kind) && seen !== undefined && seen.memory !== null) {
      const dump = dumpOf(address, numbers.size ?? numbers.length ?? 1, event.block, seen.memory)
      if (dump !== null) finding.block.dump = dump
    }
  }
  return finding
}

function kindOf({ kind, address, block, numbers }: HeapEvent): string {
  if (kind === 'redzone') return address < block!.address ? 'heap-underrun' : 'heap-overrun'
  return kind === 'syscall-fault' ? (numbers.store === 1 ? 'syscall-write' : 'syscall-read') : kind
}

/** Events that are about bytes, and not about the block as a whole. */
const DUMPED = new Set<HeapEvent['kind']>([
  'invalid-read',
  'invalid-write',
  'syscall-read',
  'syscall-write',
  'client-check',
  'redzone',
])

/** Is the innermost frame that of the function in `by`? */
function isCalled({ kind, by }: HeapEvent): boolean {
  return by !== '' && by !== 'exit' && !kind.startsWith('syscall-') && !by.startsWith('VALGRIND_')
}

const FREES: Record<string, string> = {
  malloc: 'free',
  calloc: 'free',
  realloc: 'free',
  'operator new': 'delete',
  'operator new[]': 'delete[]',
}

/** What lies not farther below the stack pointer is a stack. */
const STACK_SIZE = 0x80_0000

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
      const below = event.stack - event.address
      const nobody = below > 0 && below < STACK_SIZE ? `${bytes(below)} below the stack pointer` : 'no block is there'
      return `${by === '' ? what : `${by}: ${what}`}: ${block === null ? nobody : relation(event.address, block)}`
    }
    case 'syscall-read':
    case 'syscall-write': {
      const how = kind === 'syscall-read' ? 'is to read' : 'may write'
      const place = block === null ? 'where no block is' : relation(event.address, block)
      return `${by}: the kernel ${how} ${bytes(numbers.size!)} at ${at}: ${place}`
    }
    case 'syscall-fault': {
      const how = numbers.store === 1 ? 'write' : 'read'
      if (event.address === 0) return `${by}: the kernel cannot ${how} at a null pointer`
      const place = block === null ? where : relation(event.address, block)
      return `${by}: the kernel cannot ${how} at ${at}: ${place}`
    }
    case 'client-check': {
      const place = block === null ? where : relation(event.address, block)
      return `${by} of ${bytes(numbers.size!)}: what is at ${at} may not be accessed: ${place}`
    }
    case 'invalid-pool':
      return `${by}(${at}): there is no such pool`
    case 'overlapping-block': {
      const other = `${bytes(block!.size)} at ${hex(block!.address)}`
      return `a block of ${bytes(numbers.size!)} is handed out at ${at}, where a live block of ${other} is`
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
