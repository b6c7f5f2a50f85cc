/** Exists to report crashes of processes that the run survived: executes it once more, up to each of them. */
import { startMachine } from '../replay/machine.ts'
import { describeCrash } from '../session/describe.ts'
import type { Session } from '../session/session.ts'
import type { Inflate } from '../session/stacks.ts'
import type { Finding } from '../tool/finding.ts'
import { silent } from './silent.ts'

/** A finding for each crash of a process other than the first. */
export function childCrashes({ subject, inputs, world }: Session, inflate: Inflate): Finding[] {
  const again = startMachine(inputs, silent(world))
  const findings = subject.crashes().map((crash) => {
    again.advance(crash.moment)
    return describeCrash(crash, again, world, inputs.seed, inflate)
  })
  again.release()
  return findings
}
