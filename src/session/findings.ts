/**
 * Exists to make findings of what checks heard. Detection pays for detection only: where it was and who made it so is found out by executing the same run again,
 * for what will be told.
 */
import type { ReportWorld } from '../replay/recording-world.ts'
import type { Subject } from '../replay/subject.ts'
import type { Finding, Stack } from '../tool/finding.ts'
import type { LeakEvent, Observer } from '../tool/observer.ts'
import { faultFindings, wantFaults, wantRemovals, type MemoryFault } from './fault-findings.ts'
import { heapFindings, wantHeap, type HeapFacts } from './heap-findings.ts'
import { leakFindings, wantLeaks } from './leak-findings.ts'
import { lockFindings, wantLocks, type LockOrder } from './lock-findings.ts'
import { misuseFindings, wantMisuses, type Misuse } from './misuse-findings.ts'
import { raceFindings, wantRaces, type Race } from './race-findings.ts'
import { Removals } from './removals.ts'
import type { Inflate } from './stacks.ts'
import { CallTexts, undefinedFindings, wantOrigins, wantUndefined, type UndefinedUse } from './undefined-findings.ts'
import { placeOf, Visits } from './visits.ts'

/** What the checks of a run heard, as plain data. */
export interface Facts {
  heap: HeapFacts & { leaks: readonly LeakEvent[] }
  faults: readonly MemoryFault[]
  undefined: readonly UndefinedUse[]
  races: readonly Race[]
  locks: readonly LockOrder[]
  misuses: readonly Misuse[]
}

/** The same run again. */
export interface Again {
  seed: number
  /** Makes the run's machine at its start, on request one that keeps which bits are defined; it is released when it is no longer needed. */
  start: (definedness: boolean) => Subject
  world: ReportWorld
  inflate: Inflate
}

/** The findings behind the facts, in the order of their moments, those of leaks last. */
export function findingsOf(facts: Facts, again: Again): Finding[] {
  const { heap, faults, undefined: uses, races, locks, misuses } = facts
  if (
    [heap.faults, faults, uses, races, locks, misuses, heap.leaks.flatMap(({ blocks }) => blocks)].every(
      (list) => list.length === 0,
    )
  )
    return []
  const { seed } = again
  let groups: ReturnType<typeof wantLeaks> = []
  const removals = new Removals(faults.map(({ first }) => first))
  const texts = new CallTexts(uses)
  const watchers = [...(faults.length === 0 ? [] : [removals]), ...(uses.length === 0 ? [] : [texts])]
  const visits = pass(again, uses.length > 0, watchers, (visits) => {
    wantHeap(heap, visits)
    wantFaults(faults, visits)
    wantUndefined(uses, visits)
    wantRaces(races, visits)
    wantLocks(locks, visits)
    wantMisuses(misuses, visits)
    groups = wantLeaks(heap.leaks, visits)
  })
  // What was done to the memory before is known only now.
  const gone = removals.found()
  const earlier = pass(again, false, [], (earlier) => {
    wantRemovals(gone, earlier)
    wantOrigins(uses, visits, earlier)
  })
  const found = [
    ...heapFindings(heap, seed, visits),
    ...faultFindings(faults, seed, visits, gone, earlier),
    ...raceFindings(races, seed, visits),
    ...lockFindings(locks, seed, visits),
    ...misuseFindings(misuses, seed, visits),
    ...undefinedFindings(uses, seed, visits, earlier, texts),
  ]
  return [...merged(found), ...leakFindings(groups, seed, visits)]
}

/** Looks at accesses, so that what may not be accessed is as undefined as it was in the run. */
const accesses: Observer = { name: 'accesses', accesses: true, heap: () => {} }

/** Executes the run once, as far as something is wanted. */
function pass(
  { start, world, inflate }: Again,
  definedness: boolean,
  watchers: readonly Observer[],
  want: (visits: Visits) => void,
): Visits {
  const visits = new Visits(world, inflate)
  want(visits)
  if (visits.isIdle) return visits
  const subject = start(definedness)
  if (definedness) subject.addObserver(accesses)
  for (const watcher of watchers) subject.addObserver(watcher)
  visits.run(subject)
  subject.release()
  return visits
}

/** A string function of the C library accesses memory in many places, which say nothing to its callers. */
const STRINGS =
  /^_*(?:w?mem(?:cpy|move|set|cmp|chr)|mempcpy|memrchr|rawmemchr|(?:str|wcs)n?(?:len|cmp|casecmp|cpy|cat)|(?:str|wcs)(?:r?chr|chrnul|c?spn|pbrk|str)|stpn?cpy)(?:_(?:sse|ssse|avx|evex|erms|generic)|$)/

function placeWithin(stack: Stack | undefined): string {
  const [first, ...callers] = stack?.frames ?? []
  const name = first?.symbol ?? ''
  return STRINGS.test(name) ? `${name} ${placeOf({ frames: callers, end: '' })}` : placeOf(stack)
}

/** Findings whose stacks turn out to be the same lines are one. */
function merged(findings: Finding[]): Finding[] {
  const byPlace = new Map<string, Finding>()
  for (const finding of findings) {
    const key = `${finding.kind} ${placeWithin(finding.thread?.stack)} ${placeOf(finding.block?.allocated.stack)}`
    const known = byPlace.get(key)
    if (known === undefined || finding.thread === undefined)
      byPlace.set(known === undefined ? key : `${key} ${finding.moment}`, finding)
    else known.times = (known.times ?? 1) + (finding.times ?? 1)
  }
  return [...byPlace.values()].toSorted((a, b) => a.moment - b.moment)
}
