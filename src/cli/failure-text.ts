/** Exists to lay out what went wrong in a run that is a failure: what the checks found, and then how it ended. */
import { reportText } from '../report/text.ts'
import { isFailure, type Finding } from '../tool/finding.ts'

/** Findings that are told before the end of a run. */
const SHOWN = 3

/** The reports of a failure. `finding` is what it is called after, `findings` all that the checks told, in the order of their moments. */
export function failureText(finding: Finding, findings: readonly Finding[], again: string): string {
  const wrong = findings.filter(isFailure)
  const isSame = ({ kind, moment }: Finding): boolean => kind === finding.kind && moment === finding.moment
  const others = wrong.filter((one) => !isSame(one))
  // What ended a process comes last, but for what it left behind.
  const shown = finding.kind !== 'crash' && others.length < wrong.length ? [] : others.slice(0, SHOWN)
  const more = others.length - shown.length
  const [left, before] = [shown.filter((one) => isLeft(one, finding)), shown.filter((one) => !isLeft(one, finding))]
  const reports = [
    ...before.map((one) => reportText(one, { again })),
    reportText(finding, { again, told: isTold(finding, before) }),
    ...left.map((one) => reportText(one, { again })),
  ]
  if (more > 0) reports.push(`and ${more === 1 ? '1 more finding' : `${more} more findings`}: ${again}`)
  return reports.join('\n')
}

/** Is it a block that was lost when what `ending` tells had happened? */
export function isLeft(finding: Finding, ending: Finding): boolean {
  return finding.kind.startsWith('leak-') && !ending.kind.startsWith('leak-') && finding.moment >= ending.moment
}

/** Whether a check has told the access already that ended the run. */
export function isTold(ending: Finding, findings: readonly Finding[]): boolean {
  return (
    ending.kind === 'crash' &&
    findings.some(
      ({ kind, memory, moment, thread }) =>
        kind !== 'crash' && memory !== undefined && moment === ending.moment && thread?.tid === ending.thread?.tid,
    )
  )
}
