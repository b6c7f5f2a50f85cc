/** Exists to make findings of wrong uses of synchronisation objects: in words, with the names of the objects and the stack of the call. */
import type { Finding } from '../tool/finding.ts'
import { lockName } from './locks.ts'
import { named, type Stop, type Visits } from './visits.ts'

/** What was done wrong; see checks/misuse.ts. */
export interface Misuse {
  kind: string
  pid: number
  tid: number
  moment: number
  call: string
  object: string
  address: number
  other: number
  times: number
}

/** What these functions return. */
const ERRORS = new Map([
  [1, 'EPERM (Operation not permitted)'],
  [12, 'ENOMEM (Cannot allocate memory)'],
  [22, 'EINVAL (Invalid argument)'],
  [35, 'EDEADLK (Resource deadlock avoided)'],
  [75, 'EOVERFLOW (Value too large for defined data type)'],
  [131, 'ENOTRECOVERABLE (State not recoverable)'],
])

/** Helgrind's names of kinds; all others are `Misc` there. */
const VALGRIND: Record<string, string> = {
  'unlock-free': 'UnlockUnlocked',
  'unlock-other': 'UnlockForeign',
  failed: 'PthAPIerror',
}

const stopOf = ({ moment, pid, tid }: Misuse): Stop => ({ moment: moment + 1, pid, tid })

/** Asks for what `misuseFindings` needs. */
export function wantMisuses(misuses: readonly Misuse[], visits: Visits): void {
  for (const one of misuses)
    visits.want(stopOf(one), 0, 'misuse', (_, namer) => [
      lockName(namer, one.address),
      one.kind === 'wait-mutexes' ? lockName(namer, one.other) : '',
    ])
}

/** Findings in the order of the facts. */
export function misuseFindings(misuses: readonly Misuse[], seed: number, visits: Visits): Finding[] {
  return misuses.map((one) => {
    const seen = visits.at(stopOf(one))
    const [name = '', other = ''] = (seen?.looked.get('misuse') as string[] | undefined) ?? []
    const finding: Finding = {
      kind: 'lock-misuse',
      what: text(one, `${one.object} ${name}`, other),
      valgrind: VALGRIND[one.kind] ?? 'Misc',
      moment: one.moment,
      seed,
      others: [],
      remarks: [],
    }
    if (one.times > 1) finding.times = one.times
    if (seen !== undefined) finding.thread = named(seen.thread, null)
    if (seen?.source !== undefined) finding.source = seen.source
    return finding
  })
}

function text({ kind, tid, call, other }: Misuse, object: string, second: string): string {
  const thread = `thread ${tid}`
  switch (kind) {
    case 'relock':
      return `${thread} locks ${object} (${call}), which it holds already and which is not recursive`
    case 'unlock-free':
      return `${thread} unlocks ${object} (${call}), which is not locked`
    case 'unlock-other':
      return `${thread} unlocks ${object} (${call}), which is held by thread ${other}`
    case 'destroy-locked':
      return `${thread} destroys ${object} (${call}), which is held by thread ${other}`
    case 'init-locked':
      return `${thread} initialises ${object} (${call}), which is held by thread ${other}`
    case 'free-locked':
      return `${thread} frees memory that contains ${object}, which is held by thread ${other}`
    case 'exit-holding':
      return `${thread} ends and still holds ${other === 1 ? '' : `${other} locks, among them `}${object}`
    case 'wait-unheld':
      return other === 0
        ? `${thread} waits (${call}) with ${object}, which is not locked`
        : `${thread} waits (${call}) with ${object}, which is held by thread ${other}`
    case 'wait-mutexes':
      return `${thread} waits for ${object} (${call}) with another mutex than those who wait for it already, who have ${second}`
    case 'destroy-waited':
      return `${thread} destroys ${object} (${call}), for which thread ${other} waits`
    case 'init-again':
      return `${thread} initialises ${object} (${call}) again, which was not destroyed${other === 0 ? '' : `, and at which thread ${other} waits`}`
    case 'init-zero':
      return `${thread} initialises ${object} (${call}) for no thread: the count is zero`
    case 'not-initialised':
      return `${thread} passes ${object} to ${call}, which was not initialised`
    case 'other-kind':
      return `${thread} passes ${object} to ${call}`
    default:
      return `${call} of ${object} by ${thread} failed with ${ERRORS.get(other) ?? `error ${other}`}`
  }
}
