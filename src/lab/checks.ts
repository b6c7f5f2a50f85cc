/** Exists to turn what checks heard into what is told: findings with stacks, without those that are suppressed, and sums. */
import type { CheckFacts } from '../checks/checks.ts'
import { RaceCheck, type RaceFact } from '../checks/race.ts'
import { startMachine } from '../replay/machine.ts'
import { BUILT_IN, isSuppressed } from '../report/suppressions.ts'
import { findingsOf, type Again } from '../session/findings.ts'
import { atomicPlaces, isWithinLibrary } from '../session/race-findings.ts'
import type { Session } from '../session/session.ts'
import type { Inflate } from '../session/stacks.ts'
import type { Finding, LeakSummary } from '../tool/finding.ts'
import type { SuppressionUse } from '../tool/suppression.ts'
import type { LeakedBlock, LeakEvent } from '../tool/observer.ts'
import { silent } from './silent.ts'

/** Findings and sums of the run that `session` has executed; `facts` are what its check heard. */
export function findingsOfChecks(
  { inputs, world, subject }: Session,
  facts: CheckFacts,
  inflate: Inflate,
): { findings: Finding[]; leaks: LeakSummary | null; suppressions: SuppressionUse[] } {
  const { suppressions, leakKinds, names } = inputs.checks!
  const summary = names.includes('leak') ? emptySummary() : null
  // Only what will be told, or may be suppressed, is worth a second execution.
  const isExplained = ({ state }: LeakedBlock): boolean => leakKinds.includes(state) || suppressions.length > 0
  const searches = withoutInherited(facts.heap.leaks)
  const leaks = searches.map((event) => ({ ...event, blocks: event.blocks.filter(isExplained) }))
  const again = {
    seed: inputs.seed,
    start: (definedness: boolean) => startMachine(inputs, silent(world), { definedness }),
    world,
    inflate,
  }
  const races = orderedBySource(facts.races, again, subject.count)
  const all = findingsOf({ ...facts, races, heap: { ...facts.heap, leaks } }, again)
  // What a program asks for on its way is no part of the sums.
  const ends = searches.filter(({ asked }) => asked === null)
  const isAtEnd = ({ moment }: Finding): boolean => ends.some((end) => end.moment === moment)
  for (const one of ends.flatMap(({ blocks }) => blocks)) {
    if (isExplained(one)) continue
    summary![one.state].bytes += one.block.size
    summary![one.state].blocks++
  }
  const findings: Finding[] = []
  const uses = suppressions.map(({ name, place = '' }): SuppressionUse => ({ name, place, times: 0 }))
  for (const finding of all) {
    if (isWithinLibrary(finding) || isSuppressed(finding, BUILT_IN)) continue
    const cover = suppressions.findIndex((one) => isSuppressed(finding, [one]))
    const suppressed = cover >= 0
    if (suppressed) uses[cover]!.times += finding.times ?? 1
    const kind = finding.kind.startsWith('leak-') ? finding.kind.slice('leak-'.length) : null
    if (kind !== null && summary !== null && isAtEnd(finding)) {
      const sum = summary[suppressed ? 'suppressed' : (kind as keyof LeakSummary)]
      sum.bytes += finding.leak!.bytes
      sum.blocks += finding.leak!.blocks
    }
    if (!suppressed && (kind === null || leakKinds.includes(kind))) findings.push(finding)
  }
  if (facts.heap.dropped > 0)
    findings.at(-1)?.remarks.push(`${facts.heap.dropped} more events, at other places, are not told`)
  return { findings, leaks: summary, suppressions: uses }
}

/** What a process was forked with, and lost in the same way as the process that made it, is told of that one. */
function withoutInherited(searches: readonly LeakEvent[]): readonly LeakEvent[] {
  const owners = new Map<string, number>()
  const keyOf = ({ block, state }: LeakedBlock): string =>
    `${state} ${block.madeAt} ${block.madeTid} ${block.address} ${block.size}`
  const ends = searches.filter(({ asked }) => asked === null)
  for (const { task, blocks } of ends.toSorted((a, b) => b.task.pid - a.task.pid))
    for (const one of blocks) owners.set(keyOf(one), task.pid)
  return searches.map((search) => {
    const { asked, task, blocks } = search
    return asked === null ? { ...search, blocks: blocks.filter((one) => owners.get(keyOf(one)) === task.pid) } : search
  })
}

/** Instructions are plain for the processor that are atomic for the program. How often that is looked for among what is left. */
const ROUNDS = 4

/**
 * The races that are left once accesses that the source says are atomic are taken for such: found by watching the same run, of `count` instructions, again. Where the
 * program has locks of its own making, accesses of threads to their own frames are watched, too: who waits at a variable of a function's own is ordered by it.
 */
function orderedBySource(races: readonly RaceFact[], again: Again, count: number): readonly RaceFact[] {
  const places = new Set<number>()
  // Threads wait for each other at variables of theirs by atomic instructions of their own, or not at all.
  const frames = races.some(({ lockFree }) => lockFree)
  for (let round = 0; round < ROUNDS && races.length > 0; round++) {
    const known = places.size
    for (const pc of atomicPlaces(findingsOf({ ...NOTHING, races }, again))) places.add(pc)
    if (places.size === known && (!frames || round > 0)) break
    const check = new RaceCheck(places, frames)
    const subject = again.start(false)
    subject.addObserver(check)
    subject.advance(count)
    subject.release()
    races = check.facts
  }
  return races
}

const NOTHING = { heap: { faults: [], dropped: 0, leaks: [] }, faults: [], undefined: [], locks: [], misuses: [] }

function emptySummary(): LeakSummary {
  const none = (): { bytes: number; blocks: number } => ({ bytes: 0, blocks: 0 })
  return { definite: none(), indirect: none(), possible: none(), reachable: none(), suppressed: none() }
}
