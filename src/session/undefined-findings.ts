/** Exists to make findings of uses of undefined values: what depended on one, and where it came from. */
import type { Finding } from '../tool/finding.ts'
import type { Observer, SyscallEvent, UndefinedEvent } from '../tool/observer.ts'
import { blockReport, bytes, wantBlock } from './blocks.ts'
import { isOfMemory, LOOK_BACK, LOOK_BACK_FAR, Origin, type Found } from './origins.ts'
import { hex } from './stacks.ts'
import { named, type Stop, type Visits } from './visits.ts'

/** What was used, and how often at its place; see checks/undefined.ts. */
export interface UndefinedUse {
  first: UndefinedEvent
  times: number
}

/** What Origin.report has found. */
type Looked = ReturnType<Origin['report']>

/** Uses whose values are followed back, one instruction at a time. */
const FOLLOWED = 64
/** Those that are followed farther. */
const FOLLOWED_FAR = 16

const KINDS: Record<UndefinedEvent['kind'], { kind: string; valgrind: string }> = {
  argument: { kind: 'undefined-argument', valgrind: 'UninitCondition' },
  jump: { kind: 'undefined-jump', valgrind: 'UninitCondition' },
  target: { kind: 'undefined-jump', valgrind: 'UninitValue' },
  address: { kind: 'undefined-address', valgrind: 'UninitValue' },
  'syscall-register': { kind: 'undefined-argument', valgrind: 'SyscallParam' },
  'syscall-memory': { kind: 'undefined-write', valgrind: 'SyscallParam' },
  request: { kind: 'client-check', valgrind: 'ClientCheck' },
}

/** The instruction that used the value; a call has been counted already. */
function stopOf({ moment, kind, task }: UndefinedEvent): Stop {
  const isCounted = kind.startsWith('syscall-') || kind === 'request' || kind === 'argument'
  return { moment: isCounted ? moment : moment + 1, pid: task.pid, tid: task.tid }
}

/** Keeps the texts of system calls that are told. */
export class CallTexts implements Observer {
  readonly name = 'call-texts'
  private readonly wanted: Set<string>
  private readonly texts = new Map<string, string>()

  constructor(uses: readonly UndefinedUse[]) {
    this.wanted = new Set(uses.filter(({ first }) => first.by !== '').map(({ first }) => keyOf(first)))
  }

  syscall(event: SyscallEvent): void {
    const key = keyOf(event)
    if (!this.wanted.has(key)) return
    this.texts.set(key, event.text().replace(/\s+= [^=]*$/, ''))
  }

  /** The call in strace's format, without its result. */
  of(event: UndefinedEvent): string {
    return this.texts.get(keyOf(event)) ?? `${event.by}()`
  }
}

function keyOf({ moment, task }: { moment: number; task: { tid: number } }): string {
  return `${moment} ${task.tid}`
}

/** Asks for what `undefinedFindings` needs. */
export function wantUndefined(uses: readonly UndefinedUse[], visits: Visits): void {
  uses.forEach(({ first }, i) => {
    const origin = new Origin(first)
    const stop = stopOf(first)
    visits.want(stop, 0, 'undefined', (subject, namer) => origin.report(subject, namer))
    if (i < FOLLOWED && !isOfMemory(first))
      visits.follow(stop, i < FOLLOWED_FAR ? LOOK_BACK_FAR : LOOK_BACK, (subject) => origin.step(subject))
  })
}

/** Asks who made the blocks that the values were in. */
export function wantOrigins(uses: readonly UndefinedUse[], visits: Visits, earlier: Visits): void {
  for (const { first } of uses) {
    const found = visits.at(stopOf(first))?.looked.get('undefined') as Looked | undefined
    if (found !== 'told' && found?.block) wantBlock(earlier, found.block, first.task.pid)
  }
}

/** Findings in the order of the uses; `earlier` has the stacks of blocks. */
export function undefinedFindings(
  uses: readonly UndefinedUse[],
  seed: number,
  visits: Visits,
  earlier: Visits | null,
  texts: CallTexts,
): Finding[] {
  return uses.flatMap(({ first, times }) => {
    const seen = visits.at(stopOf(first))
    const found = (seen?.looked.get('undefined') ?? null) as Looked
    if (found === 'told') return []
    const finding: Finding = {
      ...KINDS[first.kind],
      what: sentence(first, found, texts),
      moment: first.moment,
      seed,
      others: [],
      remarks:
        found === null
          ? ['the value was read more than a few hundred instructions before, or was computed from others']
          : [],
    }
    if (times > 1) finding.times = times
    if (KINDS[first.kind].valgrind === 'UninitValue') finding.bytes = 8
    if (seen !== undefined) finding.thread = named(seen.thread, first.kind === 'argument' ? first.by : null)
    if (seen?.source !== undefined) finding.source = seen.source
    if (found === null) return finding
    finding.origin = found.origin
    if (found.block !== null && earlier !== null) {
      const address = isOfMemory(first) ? first.address : Number(found.origin.address)
      finding.block = blockReport(found.block, address, first.task.pid, earlier)
      if (found.dump !== null) finding.block.dump = found.dump
    }
    return finding
  })
}

function sentence(event: UndefinedEvent, found: Found | null, texts: CallTexts): string {
  switch (event.kind) {
    case 'argument':
      return `${event.by}: argument ${event.argument + 1} is undefined`
    case 'jump':
      return 'a conditional jump or move depends on undefined bytes'
    case 'target':
      return 'a jump or call goes where undefined bytes say'
    case 'address':
      return 'an address is computed from undefined bytes'
    case 'syscall-register':
      return event.argument < 0
        ? `the number of a system call is undefined`
        : `${texts.of(event)}: argument ${event.argument + 1} is undefined`
    case 'request':
      return `${event.by} of ${bytes(event.length)}: what is at ${hex(event.address)} is undefined`
    case 'syscall-memory': {
      const count = found === null ? 'undefined bytes' : bytes(found.origin.undefined).replace('byte', 'undefined byte')
      return `${texts.of(event)} passes ${count} to the kernel, from ${hex(event.address)} on`
    }
  }
}
