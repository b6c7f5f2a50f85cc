/** Exists for watchpoints on what is in a register: no access to memory tells of it, so the thread is executed one instruction at a time, as by gdb. */
import type { Reached, Search, Timeline } from '../replay/timeline.ts'
import type { TaskView } from '../replay/subject.ts'
import type { RegisterSpot } from './protocol.ts'

const RIP = 16
/** Instructions of the thread that are looked at, at most. */
const MOST = 2_000_000
/** Moments that are looked at first when going backwards, and by how much more each time nothing is found there. */
const FIRST_WINDOW = 512
const WIDER = 8

/** A register that has changed: the moments on both sides of the instruction that did it, and its values there. */
export interface Changed {
  index: number
  from: number
  to: number
  before: bigint
  after: bigint
}

/** What was found: a change, something else that was looked for (the timeline stands there), the end of what can be seen, or nothing in as many instructions as are looked at. */
export type Found =
  | { why: 'changed'; change: Changed }
  | { why: 'other'; reached: Reached }
  | { why: 'none' | 'interrupted' | 'tired' }

interface Watched {
  spot: RegisterSpot
  /** Its value where it was last looked at. */
  value: bigint | null
}

class Watcher {
  private readonly timeline: Timeline
  private readonly watched: Watched[]

  constructor(timeline: Timeline, spots: readonly RegisterSpot[]) {
    this.timeline = timeline
    this.watched = spots.map((spot) => ({ spot, value: null }))
  }

  get tid(): number {
    return this.watched[0]!.spot.tid
  }

  get task(): TaskView | undefined {
    return this.timeline.subject.tasks().find(({ tid }) => tid === this.tid)
  }

  /** Looks at the registers of the thread; the first that is not as it was. A variable is in its register only while its function is executed. */
  look(from: number): Changed | null {
    const { task } = this
    if (task === undefined) return null
    const pc = Number(task.registers[RIP]!)
    let changed: Changed | null = null
    for (const [index, one] of this.watched.entries()) {
      const { register, within } = one.spot
      if (within !== undefined && (pc < within.start || pc >= within.end)) continue
      const after = task.registers[register]!
      const before = one.value
      one.value = after
      if (before !== null && before !== after) changed ??= { index, from, to: this.timeline.moment, before, after }
    }
    return changed
  }
}

/** Goes on until a register of a thread has another value, or `search` finds something first. All spots are of one thread. */
export function runToChange(timeline: Timeline, spots: readonly RegisterSpot[], search: Search): Found {
  const watcher = new Watcher(timeline, spots)
  watcher.look(timeline.moment)
  for (let i = 0; i < MOST; i++) {
    const { task } = watcher
    const reached = timeline.run(
      task === undefined ? search : { ...search, task: { tid: watcher.tid, count: task.count + 1 } },
    )
    if (reached.why === 'interrupted') return { why: 'interrupted' }
    if (reached.why !== 'task') return { why: 'other', reached }
    const change = watcher.look(timeline.moment - 1)
    if (change !== null) return { why: 'changed', change }
  }
  return { why: 'tired' }
}

/** The last change before this moment; where the machine is afterwards is not said. */
export function lastChangeOf(timeline: Timeline, spots: readonly RegisterSpot[]): Found {
  const end = timeline.moment
  let stop = end
  let seen = 0
  for (let window = FIRST_WINDOW; stop > 0; window *= WIDER) {
    const start = Math.max(0, stop - window)
    timeline.seek(start)
    const watcher = new Watcher(timeline, spots)
    watcher.look(start)
    let last: Changed | null = null
    while (timeline.moment < stop) {
      const { task } = watcher
      if (task === undefined) {
        timeline.seek(Math.min(stop, timeline.moment + FIRST_WINDOW))
        continue
      }
      const reached = timeline.run({ task: { tid: watcher.tid, count: task.count + 1 }, limit: stop })
      if (reached.why === 'interrupted') return { why: 'interrupted' }
      // At its own limit the thread may not have had its turn.
      last = watcher.look(timeline.moment - 1) ?? last
      if (reached.why !== 'task') break
      if (++seen > MOST) return { why: 'tired' }
    }
    if (last !== null) return { why: 'changed', change: last }
    stop = start
  }
  return { why: 'none' }
}
