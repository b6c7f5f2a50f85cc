/** Exists to make findings of data races: both accesses with their stacks, what they are to, and the locks that each side held. */
import type { Finding, RaceSide } from '../tool/finding.ts'
import type { Subject } from '../replay/subject.ts'
import { bytes as sizeText } from './blocks.ts'
import { lockName, mutexOwner } from './locks.ts'
import { hex, type Namer } from './stacks.ts'
import { named, type Stop, type Visits } from './visits.ts'

/** One access; see checks/race.ts. */
interface Access {
  pid: number
  tid: number
  /** Instructions executed before it. */
  moment: number
  pc: number
  address: number
  bytes: number
  write: boolean
  atomic: boolean
  /** The system call by which the kernel did it, or ''. */
  by: string
}

/** Two accesses that nothing orders. */
export interface Race {
  earlier: Access
  later: Access
  times: number
  /** Where locks may be. */
  locks: readonly number[]
}

const stopOf = ({ moment, pid, tid }: Access): Stop => ({ moment: moment + 1, pid, tid })

/** Asks for what `raceFindings` needs. */
export function wantRaces(races: readonly Race[], visits: Visits): void {
  for (const { earlier, later, locks } of races)
    for (const access of [earlier, later])
      visits.want(stopOf(access), access.address, 'race', (subject, namer) => heldLocks(subject, namer, access, locks))
}

/** Names of the mutexes that a thread holds, of those at the given words. */
function heldLocks(subject: Subject, namer: Namer, { pid, tid }: Access, locks: readonly number[]): string[] {
  return locks
    .filter((address) => mutexOwner(subject, pid, address) === tid)
    .map((address) => `mutex ${lockName(namer, address)}`)
}

/** Findings in the order of the races. */
export function raceFindings(races: readonly Race[], seed: number, visits: Visits): Finding[] {
  return races.map(({ earlier, later, times }) => {
    const seen = visits.at(stopOf(later))
    const what = seen?.what ?? ''
    const [here, before] = [sideOf(later, visits), sideOf(earlier, visits)]
    const finding: Finding = {
      kind: 'race',
      what: `${here.what} by thread ${later.tid}, and ${before.what} by thread ${earlier.tid}, which nothing orders: ${what}`,
      valgrind: 'Race',
      moment: later.moment,
      seed,
      race: { address: hex(later.address), location: what, later: here, earlier: before },
      others: [],
      remarks: [],
    }
    if (times > 1) finding.times = times
    if (seen !== undefined) finding.thread = named(seen.thread, null)
    if (seen?.source !== undefined) finding.source = seen.source
    return finding
  })
}

function sideOf(access: Access, visits: Visits): RaceSide {
  const seen = visits.at(stopOf(access))
  const { tid, moment, write, bytes, atomic, pc, by } = access
  const kind = by === '' ? `${atomic ? 'atomic' : 'plain'} ` : ''
  return {
    what: `${kind}${write ? 'write' : 'read'} of ${sizeText(bytes)}${by === '' ? '' : ` in ${by}()`}`,
    tid,
    moment,
    pc: hex(by === '' ? pc : 0),
    atomic,
    write,
    bytes,
    locks: (seen?.looked.get('race') as string[] | undefined) ?? [],
    ...(seen !== undefined && { thread: named(seen.thread, null) }),
  }
}

/** Words by which C and C++ say that an access is atomic, whatever instruction it takes. */
const SAYS_ATOMIC = /atomic|__sync_|memory_order|(READ|WRITE|ACCESS)_ONCE|(store|write)_release|(load|read)_acquire/i

/** Instructions, of those that race, that are plain for the processor and atomic for the program, as its source says. */
export function atomicPlaces(findings: readonly Finding[]): number[] {
  return findings.flatMap(({ race }) =>
    race === undefined
      ? []
      : [race.later, race.earlier].filter((side) => !side.atomic && saysAtomic(side)).map(({ pc }) => Number(pc)),
  )
}

/**
 * Is it a race between two accesses of the C library in a static program? There its code is the program's own; it shows by having no lines where the code that called it has some,
 * in stacks that know no other object. What libraries do to memory of their own is their business.
 */
export function isWithinLibrary({ race }: Finding): boolean {
  const stacks = race === undefined ? [] : [race.later, race.earlier].map(({ thread }) => thread?.stack.frames ?? [])
  const isOwn = stacks.every((frames) => {
    const [first] = frames
    return first !== undefined && first.file === undefined && frames.every(({ module }) => module === first.module)
  })
  return isOwn && stacks.flat().some(({ file }) => file !== undefined)
}

function saysAtomic({ thread }: RaceSide): boolean {
  const frames = thread?.stack.frames ?? []
  const end = frames.findIndex(({ inlined }) => !inlined)
  return frames
    .slice(0, end + 1)
    .some(({ text, function: name }) => SAYS_ATOMIC.test(text ?? '') || SAYS_ATOMIC.test(name ?? ''))
}
