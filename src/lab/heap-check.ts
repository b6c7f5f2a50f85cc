/** Exists to turn what a heap check heard into what is told: findings with stacks, without those that are suppressed, and sums. */
import type { HeapFacts } from '../checks/heap.ts'
import { startMachine } from '../replay/machine.ts'
import { isSuppressed } from '../report/suppressions.ts'
import { heapFindings } from '../session/heap-findings.ts'
import type { Session } from '../session/session.ts'
import type { Inflate } from '../session/stacks.ts'
import type { Finding, LeakSummary } from '../tool/finding.ts'
import type { LeakedBlock } from '../tool/observer.ts'
import { silent } from './silent.ts'

/** Findings and sums of the run that `session` has executed; `facts` are what its check heard. */
export function heapChecked(
  { inputs, world }: Session,
  facts: HeapFacts,
  inflate: Inflate,
): { findings: Finding[]; leaks: LeakSummary | null } {
  const { suppressions, leakKinds, names } = inputs.checks!
  const summary = names.includes('leak') ? emptySummary() : null
  // Only what will be told, or may be suppressed, is worth a second execution.
  const isExplained = ({ state }: LeakedBlock): boolean => leakKinds.includes(state) || suppressions.length > 0
  const all = explain(
    { inputs, world },
    { ...facts, leaks: facts.leaks.map((event) => ({ ...event, blocks: event.blocks.filter(isExplained) })) },
    inflate,
  )
  for (const one of facts.leaks.flatMap(({ blocks }) => blocks)) {
    if (isExplained(one)) continue
    summary![one.state].bytes += one.block.size
    summary![one.state].blocks++
  }
  const findings: Finding[] = []
  for (const finding of all) {
    const suppressed = isSuppressed(finding, suppressions)
    const kind = finding.kind.startsWith('leak-') ? finding.kind.slice('leak-'.length) : null
    if (kind !== null && summary !== null) {
      const sum = summary[suppressed ? 'suppressed' : (kind as keyof LeakSummary)]
      sum.bytes += finding.leak!.bytes
      sum.blocks += finding.leak!.blocks
    }
    if (!suppressed && (kind === null || leakKinds.includes(kind))) findings.push(finding)
  }
  if (facts.dropped > 0) findings.at(-1)?.remarks.push(`${facts.dropped} more events, at other places, are not told`)
  return { findings, leaks: summary }
}

function explain({ inputs, world }: Pick<Session, 'inputs' | 'world'>, facts: HeapFacts, inflate: Inflate): Finding[] {
  if (facts.faults.length === 0 && facts.leaks.every(({ blocks }) => blocks.length === 0)) return []
  const again = startMachine(inputs, silent(world))
  const findings = heapFindings(facts, inputs.seed, again, world, inflate)
  again.release()
  return findings
}

function emptySummary(): LeakSummary {
  const none = (): { bytes: number; blocks: number } => ({ bytes: 0, blocks: 0 })
  return { definite: none(), indirect: none(), possible: none(), reachable: none(), suppressed: none() }
}
