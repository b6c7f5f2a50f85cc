/**
 * Exists because the tasks of OpenMP are no threads: what a thread did before it took a task does not come before the task, and what it does afterwards does not come after it. What orders tasks is
 * where they were made, what they depend on, and who waits for them (OpenMP 5.2, chapter 12), and not the locks of libgomp's queue.
 */
import type { CallEvent, MachineView } from '../tool/observer.ts'
import { join, type Clock } from './clocks.ts'
import { wordAt } from './glibc.ts'

/** What the machine calls the body of a task when it is entered and left. */
export const TASK_BODY = '(task)'

/** libgomp's functions that make tasks, and those that come back when tasks have ended: those of the one who waits, or all. */
const MAKES = ['GOMP_task', 'GOMP_taskloop', 'GOMP_taskloop_ull']
const WAITS = ['GOMP_taskwait', 'GOMP_taskwait_depend']
const BARRIERS = [
  'GOMP_taskgroup_end',
  'GOMP_barrier',
  'GOMP_barrier_cancel',
  'GOMP_parallel',
  'GOMP_parallel_end',
  'GOMP_loop_end',
  'GOMP_loop_end_cancel',
  'GOMP_sections_end',
  'GOMP_sections_end_cancel',
]
export const TASK_FUNCTIONS: readonly string[] = [TASK_BODY, ...MAKES, ...WAITS, ...BARRIERS]

/** Flags of GOMP_task and GOMP_taskloop. */
const DEPEND = 8
const NOGROUP = 2048

/** Dependences that are looked at. */
const MOST_DEPENDENCES = 1000
/** Tasks with a clock of their own; later ones are taken for parts of their threads. */
const MOST_TASKS = 4000

/** A task that was made. */
interface Made {
  /** The block that has its data. */
  block: { start: number; end: number } | null
  /** Of whom it is a child. */
  parent: number
  /** What its maker knew; and what it knew itself when it ended. */
  clock: Clock
  ended: Clock | null
  after: Made[]
}

/** A thread, or a task that it executes. */
export interface Context {
  number: number
  clock: Clock
}

/** What a thread is at. */
interface Doing {
  /** Calls that make tasks, the innermost last, with those that they have made. */
  making: { stack: number; after: Made[]; made: Made[] }[]
  /** Tasks under way, and what the thread was before. */
  tasks: { stack: number; made: Made | null; before: Context }[]
  /** Stack pointers of calls that wait for tasks. */
  waiting: number[]
}

/** The tasks of a process' threads: plain data. */
export class Tasks {
  private readonly threads = new Map<number, Doing>()
  private pending: Made[] = []
  /** What tasks knew when they ended: by their parents, and all. */
  private readonly children = new Map<number, Clock>()
  private readonly all: Clock = []
  /** By parent and address: who writes it last, and who reads it since. */
  private readonly dependences = new Map<string, { out: Made[]; ins: Made[] }>()
  private started = 0

  /** Is the thread in the runtime for the sake of tasks? What it does there orders nothing. */
  isBusy(tid: number): boolean {
    const doing = this.threads.get(tid)
    if (doing === undefined) return false
    const inner = doing.tasks.at(-1)?.stack ?? Infinity
    return (doing.making.at(-1)?.stack ?? Infinity) < inner || (doing.waiting.at(-1) ?? Infinity) < inner
  }

  /** A block was given out to the runtime. */
  allocated(tid: number, start: number, size: number, context: Context): void {
    const making = this.threads.get(tid)?.making.at(-1)
    if (making === undefined || size === 0) return
    const known = making.made.find(({ block }) => block === null) ?? this.make(making, null, context)
    known.block = { start, end: start + size }
  }

  private make(making: Doing['making'][number], block: Made['block'], { number, clock }: Context): Made {
    const made: Made = { block, parent: number, clock: [...clock], ended: null, after: making.after }
    this.pending.push(made)
    making.made.push(made)
    return made
  }

  /** A call of one of TASK_FUNCTIONS. `tick` is to be called when others have heard of the context; `fresh` gives a number to a new one. */
  call(event: CallEvent, view: MachineView, context: Context, tick: () => void, fresh: () => number): void {
    const { task, name, args, stack, result } = event
    let doing = this.threads.get(task.tid)
    if (doing === undefined) this.threads.set(task.tid, (doing = { making: [], tasks: [], waiting: [] }))
    const { making, waiting } = doing
    if (name === TASK_BODY)
      return result === null ? this.begin(doing, event, context, fresh) : this.end(doing, stack, context)
    if (MAKES.includes(name)) {
      if (result !== null) {
        const at = making.findLastIndex((one) => one.stack === stack)
        if (at < 0) return
        const { made } = making[at]!
        making.length = at
        // What it has written meanwhile is the tasks' data.
        tick()
        // Without a group nobody waits.
        if (name !== 'GOMP_task' && (args[5]! & NOGROUP) === 0)
          for (const one of made) join(context.clock, one.ended ?? [])
        return
      }
      const one = { stack, after: [] as Made[], made: [] as Made[] }
      making.push(one)
      if (name === 'GOMP_task') {
        const depends = this.dependencesOf(event, view, context.number)
        if (depends !== null) {
          one.after = depends.after
          // The one task of the call is known before it is given its block.
          const made = this.make(one, null, context)
          for (const { entry, isOut } of depends.entries) {
            if (isOut) Object.assign(entry, { out: [made], ins: [] })
            else entry.ins.push(made)
          }
        }
      }
      return
    }
    if (result === null) {
      if (
        name !== 'GOMP_parallel' &&
        name !== 'GOMP_parallel_end' &&
        !name.includes('_end') &&
        !name.includes('barrier')
      )
        waiting.push(stack)
      return
    }
    while (waiting.length > 0 && waiting.at(-1)! <= stack) waiting.pop()
    join(context.clock, WAITS.includes(name) ? (this.children.get(context.number) ?? []) : this.all)
  }

  private begin(doing: Doing, { args, stack }: CallEvent, context: Context, fresh: () => number): void {
    const data = args[0]!
    const within = ({ block }: Made): boolean => block !== null && block.start <= data && data < block.end
    const making = doing.making.at(-1)
    let at = this.pending.findIndex(within)
    // One that is not deferred is executed by the call that makes it, on the maker's own data.
    const own =
      making === undefined
        ? undefined
        : (making.made.find(({ ended }) => ended === null) ?? this.make(making, null, context))
    if (at < 0 && own !== undefined) at = this.pending.indexOf(own)
    if (at < 0) at = 0
    const made = this.pending.splice(at, 1)[0] ?? null
    doing.tasks.push({ stack, made, before: { ...context } })
    if (made === null) return
    const known: Clock = [...made.clock]
    for (const earlier of made.after) join(known, earlier.ended ?? [])
    if (this.started++ < MOST_TASKS) {
      context.number = fresh()
      context.clock = known
      known[context.number] = 1
    } else join(context.clock, known)
  }

  private end(doing: Doing, stack: number, context: Context): void {
    const at = doing.tasks.findLastIndex((one) => one.stack === stack)
    if (at < 0) return
    const { made, before } = doing.tasks[at]!
    doing.tasks.length = at
    if (made === null) return
    made.ended = context.clock
    join(this.all, context.clock)
    const siblings = this.children.get(made.parent) ?? []
    join(siblings, context.clock)
    this.children.set(made.parent, siblings)
    const ended = context.clock
    Object.assign(context, before)
    // The maker goes on when it is done.
    if (doing.making.at(-1)?.made.includes(made) === true) join(context.clock, ended)
  }

  /** What a task depends on: earlier children of the same parent that work on the same addresses; null for nothing. */
  private dependencesOf({ task, stack }: CallEvent, view: MachineView, parent: number) {
    const word = (address: number): number => wordAt(view, task, address)
    // The seventh and eighth argument.
    if ((word(stack + 8) & DEPEND) === 0) return null
    const list = word(stack + 16)
    const isShort = word(list) !== 0
    const [count, outs, first] = isShort
      ? [word(list), word(list + 8), list + 16]
      : [word(list + 8), word(list + 16) + word(list + 24), list + 40]
    const entries: { entry: { out: Made[]; ins: Made[] }; isOut: boolean }[] = []
    const after: Made[] = []
    for (let i = 0; i < Math.min(count, MOST_DEPENDENCES); i++) {
      const key = `${parent} ${word(first + 8 * i)}`
      let entry = this.dependences.get(key)
      if (entry === undefined) this.dependences.set(key, (entry = { out: [], ins: [] }))
      const isOut = i < outs
      after.push(...entry.out, ...(isOut ? entry.ins : []))
      entries.push({ entry, isOut })
    }
    return { after, entries }
  }
}
