/** Exists to make findings of accesses that the processor refused: what is at the address, and who took it away. */
import type { BlockCall, Finding, MemoryReport } from '../tool/finding.ts'
import type { FaultAccess, TaskInfo } from '../tool/observer.ts'
import { explainAddress } from './address.ts'
import { blockReport, bytes, relation, wantBlock } from './blocks.ts'
import type { Removal } from './removals.ts'
import { hex } from './stacks.ts'
import { named, type Stop, type Visits } from './visits.ts'

/** An access that raised a signal, and how often at its place; see checks/faults.ts. */
export interface MemoryFault {
  first: { task: TaskInfo; moment: number; address: bigint; bus: boolean; signal: string; fatal: boolean } & FaultAccess
  times: number
}

const KINDS = {
  read: { kind: 'invalid-read', valgrind: 'InvalidRead', what: 'read' },
  write: { kind: 'invalid-write', valgrind: 'InvalidWrite', what: 'write' },
  execute: { kind: 'invalid-execute', valgrind: 'InvalidJump', what: 'jump' },
  unknown: { kind: 'invalid-access', valgrind: 'InvalidRead', what: 'access' },
} as const

/** The instruction was not executed, and so is behind the moment. */
function stopOf({ first }: MemoryFault): Stop {
  return { moment: first.moment + 1, pid: first.task.pid, tid: first.task.tid }
}

/** Asks for what `faultFindings` needs. */
export function wantFaults(faults: readonly MemoryFault[], visits: Visits): void {
  for (const fault of faults) {
    const { task, address, access, bus, block } = fault.first
    visits.want(stopOf(fault), 0, 'fault', (subject, namer) =>
      explainAddress(subject, namer, { pid: task.pid, tid: task.tid, address, access, bus }),
    )
    if (block !== null) wantBlock(visits, block, task.pid)
  }
}

/** Asks who made the removals. */
export function wantRemovals(removals: readonly (Removal | null)[], visits: Visits): void {
  for (const removal of removals) if (removal !== null) visits.want(removal, 0)
}

/** Findings in the order of the faults; `removals` belong to the faults one by one, and `earlier` has their stacks. */
export function faultFindings(
  faults: readonly MemoryFault[],
  seed: number,
  visits: Visits,
  removals: readonly (Removal | null)[],
  earlier: Visits,
): Finding[] {
  return faults.map((fault, i) => {
    const { first, times } = fault
    const { address, access, size, moment, task, block, signal, fatal } = first
    const seen = visits.at(stopOf(fault))
    const memory = memoryOf(seen?.looked.get('fault') as MemoryReport | undefined, removals[i] ?? null, earlier)
    const { kind, valgrind, what } = KINDS[access]
    const length = size === 0 ? '' : ` of ${bytes(size)}`
    const where = access === 'unknown' ? '' : ` ${access === 'execute' ? 'to' : 'at'} ${hex(address)}`
    const finding: Finding = {
      kind: memory?.kind === 'stack' ? 'stack-overflow' : kind,
      what: `${what}${length}${where}: ${placeOf(memory, block, Number(address))}`,
      valgrind,
      moment,
      seed,
      others: [],
      remarks: fatal ? [] : [`the program handles the ${signal}`],
    }
    if (times > 1) finding.times = times
    if (size > 0) finding.bytes = size
    if (memory !== undefined) finding.memory = memory
    if (seen !== undefined) finding.thread = named(seen.thread, null)
    if (seen?.source !== undefined) finding.source = seen.source
    if (block !== null && isAboutBlock(memory)) finding.block = blockReport(block, Number(address), task.pid, visits)
    return finding
  })
}

/** Next to nothing else, an address is seen from the heap's blocks. */
function isAboutBlock(memory: MemoryReport | undefined): boolean {
  return memory === undefined || memory.kind === 'hole' || memory.kind === 'protected' || memory.kind === 'data'
}

function placeOf(memory: MemoryReport | undefined, block: FaultAccess['block'], address: number): string {
  if (block !== null && isAboutBlock(memory)) return relation(address, block)
  return memory?.what ?? 'nothing is known of the address'
}

/** What was in a hole has been unmapped. */
export function memoryOf(
  memory: MemoryReport | undefined,
  removal: Removal | null,
  earlier: Visits,
): MemoryReport | undefined {
  if (memory === undefined || memory.kind !== 'hole' || removal === null) return memory
  const stack = earlier.at(removal)
  const removed: BlockCall = { by: removal.by || 'munmap', moment: removal.moment, tid: removal.tid }
  if (stack !== undefined) removed.stack = named(stack.thread, null).stack
  const offset = Number(memory.address) - removal.start
  const size = bytes(removal.end - removal.start)
  return { ...memory, kind: 'unmapped', what: `offset ${offset} of ${size} that ${removed.by} has unmapped`, removed }
}
