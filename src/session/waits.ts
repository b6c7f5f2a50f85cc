/** Exists to say of threads that do not get on what each waits for, since when, who would have to wake it, and whether they wait in a circle. */
import type { Subject, TaskView } from '../replay/subject.ts'
import type { Finding, ThreadState, WaitReport } from '../tool/finding.ts'
import { lockName, mutexOwner } from './locks.ts'
import { hex, type Namer } from './stacks.ts'

/** Functions of the C library, innermost first, by what a thread waits for in them. Names without underscores in front. */
const WAITS: readonly [RegExp, WaitReport['kind']][] = [
  [/^(GI_)*(pthread_mutex_|mutex_lock|lll_lock_wait|lll_timedlock)/, 'mutex'],
  [/^(GI_)*pthread_(clockjoin|timedjoin|join)/, 'thread'],
  [/^(GI_)*pthread_cond_/, 'condition'],
  [/^(GI_)*pthread_rwlock_/, 'rwlock'],
  [/^(GI_)*pthread_barrier_wait/, 'barrier'],
  [/^(GI_)*(new_)*sem_(timed|clock)?wait/, 'semaphore'],
]

/** Offset of the writer's thread in glibc's pthread_rwlock_t, and of the words on which threads wait. */
const RWLOCK_WRITER = 24
const RWLOCK_WORDS = [8, 12]

/** What the thread waits for; undefined when it waits for no other thread as far as can be told. */
export function explainWait(
  subject: Subject,
  namer: Namer,
  task: TaskView,
  { stack }: ThreadState,
): WaitReport | undefined {
  const { wait, pid } = task
  if (wait === null || wait.futex === null) return undefined
  const kind = kindOf(stack.frames.map((frame) => frame.symbol ?? frame.function ?? ''))
  const { since, futex: address, expected } = wait
  const report = (what: string, holders: number[]): WaitReport => ({
    kind,
    what,
    address: hex(address),
    since,
    holders,
  })
  const owner = mutexOwner(subject, pid, address)
  if (kind === 'mutex' || (kind === 'futex' && owner !== null && owner !== 0))
    return {
      ...report(`mutex ${lockName(namer, address)}`, owner === null || owner === 0 ? [] : [owner]),
      kind: 'mutex',
    }
  if (kind === 'thread') return report(`the end of thread ${expected}`, [expected])
  if (kind === 'condition')
    return report(`condition ${lockName(namer, address, true)}, which somebody has to signal`, [])
  if (kind === 'rwlock') return rwlock(subject, namer, pid, address, report)
  if (kind === 'barrier') return report(`others at barrier ${lockName(namer, address, true)}`, [])
  if (kind === 'semaphore') return report(`semaphore ${lockName(namer, address)}, which somebody has to post`, [])
  return report(`futex ${lockName(namer, address)}`, [])
}

function kindOf(functions: readonly string[]): WaitReport['kind'] {
  for (const name of functions) {
    const bare = name.replace(/^_+/, '')
    const found = WAITS.find(([pattern]) => pattern.test(bare))
    if (found !== undefined) return found[1]
  }
  return 'futex'
}

function rwlock(
  subject: Subject,
  namer: Namer,
  pid: number,
  address: number,
  report: (what: string, holders: number[]) => WaitReport,
): WaitReport {
  const tids = subject.tasks().map(({ tid }) => tid)
  for (const word of RWLOCK_WORDS) {
    const bytes = subject.read(pid, address - word + RWLOCK_WRITER, 4)
    const writer = bytes === null ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
    if (tids.includes(writer)) return report(`reader-writer lock ${lockName(namer, address - word)}`, [writer])
  }
  return report(`reader-writer lock ${lockName(namer, address)}`, [])
}

/** `mutex second (0x40a0), held by thread 1002`. */
function waitText({ kind, what, holders }: WaitReport): string {
  return kind === 'thread' || holders.length === 0 ? what : `${what}, held by thread ${holders.join(', ')}`
}

/** Threads that wait for each other in a circle, or null. */
function circleOf(threads: readonly ThreadState[]): ThreadState[] | null {
  const byTid = new Map(threads.map((thread) => [thread.tid, thread]))
  for (const start of threads) {
    const path: ThreadState[] = []
    for (let at: ThreadState | undefined = start; at !== undefined;) {
      const from = path.indexOf(at)
      if (from >= 0) return path.slice(from)
      path.push(at)
      const next: number | undefined = at.waitsFor?.holders[0]
      at = next === undefined ? undefined : byTid.get(next)
    }
  }
  return null
}

/** What a deadlock comes to. */
export function deadlockText(threads: readonly ThreadState[]): string {
  const circle = circleOf(threads)
  if (circle !== null) {
    const who = circle.map(({ tid, waitsFor }) => `thread ${tid} waits for ${waitText(waitsFor!)}`)
    return circle.length === 1
      ? `thread ${circle[0]!.tid} waits for itself: ${waitText(circle[0]!.waitsFor!)}`
      : `threads wait for each other: ${who.join('; ')}`
  }
  const alone = threads.find(({ waitsFor }) => waitsFor !== undefined && waitsFor.holders.length === 0)
  const why = alone === undefined ? '' : `; thread ${alone.tid} waits for ${waitText(alone.waitsFor!)}`
  return `every thread waits, and nothing is left that could wake any of them${why}`
}

/** Instructions at the end of a run without end that are looked at: at most so many, and a quarter of the run. */
const WINDOW = 2_000_000
const PART = 4

/** Calls that threads make which wait in a loop. */
const WAITING_CALLS =
  /^(sched_yield|futex|nanosleep|clock_nanosleep|clock_gettime|gettimeofday|poll|ppoll|select|pselect6|epoll_wait|epoll_pwait)$/

/** Instructions of a run of which nobody believes any more that it comes to an end. */
const LONG = 1_000_000_000
/** Changes of threads in which somebody would have got on, if anybody could. Who waits in a loop without giving way has long turns, and others get few. */
const MANY_TURNS = 500
/** Instructions that a loop has at most that is recognised by the registers that recur. */
const LOOP = 4096

/** Watches the thread that has the turn for a while; tells of a later moment whether its registers are then as they were at one of these. */
function circleFrom(subject: Subject, from: number): (later: Subject, tid: number) => boolean {
  const seen = new Set<string>()
  const standing = (at: Subject, tid: number): string => `${tid} ${at.task(tid)?.registers.join(' ')}`
  for (let moment = from + 1; moment <= from + LOOP; moment++) {
    subject.advance(moment)
    seen.add(standing(subject, subject.currentTid))
  }
  return (later, tid) => seen.has(standing(later, tid))
}

/** Finds out by executing the end of the run once more why a run with several threads has no end: kind and text of the finding, or null for no reason that is known. */
export function explainHang(
  start: () => Subject,
  end: Subject,
  finding: Finding,
): Pick<Finding, 'kind' | 'what'> | null {
  const after = new Map(end.tasks().map((task) => [task.tid, task]))
  if (after.size < 2) return null
  const from = Math.max(end.count - WINDOW, end.count - Math.floor(end.count / PART))
  const subject = start()
  subject.advance(from)
  const circle = circleFrom(subject, from)
  const before = new Map(subject.tasks().map(({ tid, count }) => [tid, count]))
  const calls = new Set<string>()
  let started = 0
  let turns = 0
  subject.addObserver({
    name: 'calls',
    syscall: ({ name }) => void calls.add(name),
    taskStart: () => void started++,
    taskExit: () => void started++,
    taskSwitch: () => void turns++,
  })
  subject.advance(end.count)
  subject.release()
  const ran = (tid: number): number => after.get(tid)!.count - (before.get(tid) ?? 0)
  const able = [...after.values()].filter(({ waiting }) => waiting === null).map(({ tid }) => tid)
  const starved = able.filter((tid) => before.has(tid) && ran(tid) === 0)
  const busy = able.filter((tid) => ran(tid) > 0)
  const list = (tids: number[]): string => `thread${tids.length === 1 ? '' : 's'} ${tids.join(', ')}`
  const span = `the last ${end.count - from} instructions`
  if (starved.length > 0)
    return {
      kind: 'starvation',
      what: `${finding.what}: ${list(starved)} could run and did not in ${span}, while ${list(busy)} did`,
    }
  if (busy.length > 0 && started === 0 && [...calls].every((name) => WAITING_CALLS.test(name))) {
    // One thread that others wait for may just have much to do.
    const isSure =
      calls.size > 0 || end.count >= LONG || (busy.length > 1 ? turns >= MANY_TURNS : circle(end, busy[0]!))
    if (!isSure) return null
    const only = calls.size === 0 ? 'no call' : `no call but ${[...calls].toSorted().join(', ')}`
    return { kind: 'livelock', what: `${finding.what}: in ${span} ${list(busy)} ran and made ${only}` }
  }
  return null
}
