/** Exists to make findings of mutexes that are taken in different orders: both orders, with their stacks. */
import type { Finding, LockSide } from '../tool/finding.ts'
import { lockName } from './locks.ts'
import { named, type Stop, type Visits } from './visits.ts'

/** A thread took a mutex while it held another; see checks/lock.ts. */
interface Taken {
  pid: number
  tid: number
  moment: number
  lock: number
  held: number
  kind: string
}

/** Two orders that do not go together. */
export interface LockOrder {
  earlier: Taken
  later: Taken
}

const stopOf = ({ moment, pid, tid }: Taken): Stop => ({ moment: moment + 1, pid, tid })

/** Asks for what `lockFindings` needs. */
export function wantLocks(orders: readonly LockOrder[], visits: Visits): void {
  for (const { earlier, later } of orders)
    for (const taken of [earlier, later])
      visits.want(stopOf(taken), 0, 'lock', (_, namer) => [lockName(namer, taken.lock), lockName(namer, taken.held)])
}

/** Findings in the order of the facts. */
export function lockFindings(orders: readonly LockOrder[], seed: number, visits: Visits): Finding[] {
  return orders.map(({ earlier, later }) => {
    const [now, before] = [sideOf(later, visits), sideOf(earlier, visits)]
    const seen = visits.at(stopOf(later))
    const finding: Finding = {
      kind: 'lock-order',
      what: `thread ${now.tid} takes ${later.kind} ${now.lock} while it holds ${now.held}; thread ${before.tid} took ${before.lock} while it held ${before.held}`,
      valgrind: 'LockOrder',
      moment: later.moment,
      seed,
      order: { later: now, earlier: before },
      others: [],
      remarks: [],
    }
    if (seen !== undefined) finding.thread = named(seen.thread, null)
    if (seen?.source !== undefined) finding.source = seen.source
    return finding
  })
}

function sideOf(taken: Taken, visits: Visits): LockSide {
  const seen = visits.at(stopOf(taken))
  const [lock = '', held = ''] = (seen?.looked.get('lock') as string[] | undefined) ?? []
  const { tid, moment } = taken
  return { tid, moment, lock, held, ...(seen !== undefined && { thread: named(seen.thread, null) }) }
}
