/** Exists to say who may run: how tasks come to wait, wake, and leave. */
import { addEvent, removeEvent } from './clock.ts'
import type { Kernel } from './kernel.ts'
import type { FutexKey, KernelState, Process, Task, Wait, WaitOutcome } from './state.ts'

/** Returned by a handler that has set the registers itself, or that does not return: the call has no result. */
export const NO_RESULT = -0x7fff_fffe

/** The fields of a wait that most callers leave alone. */
type WaitSpec = Pick<Wait, 'nr' | 'args' | 'kind'> & Partial<Wait>

/** A wait without outcome; by default it has no deadline and is restarted after a handler with SA_RESTART. */
export function newWait(spec: WaitSpec): Wait {
  return { since: 0, deadline: null, restart: 'restart', progress: 0, outcome: null, ...spec }
}

/** Lets a task run; nothing while its process is stopped. */
export function makeRunnable(state: KernelState, t: Task): void {
  if (t.runIndex >= 0 || state.processes.get(t.pid)!.stopSignal !== 0) return
  t.runIndex = state.runnable.length
  state.runnable.push(t.tid)
}

/** Takes a task from the list of those that can run; the last one takes its place. */
export function makeIdle(state: KernelState, t: Task): void {
  const index = t.runIndex
  if (index < 0) return
  const last = state.runnable.pop()!
  if (last !== t.tid) {
    state.runnable[index] = last
    state.tasks.get(last)!.runIndex = index
  }
  t.runIndex = -1
}

/** Puts a task whose handler returned BLOCKED to sleep until its wait has an outcome. */
export function sleep(k: Kernel, t: Task): void {
  const wait = t.wait!
  wait.outcome = null
  if (wait.since === 0) wait.since = k.state.count
  makeIdle(k.state, t)
  if (wait.deadline !== null) addEvent(k.state, wait.deadline, 'wait', t.tid)
}

/** Gives a task's wait an outcome and lets it run, to complete the call; nothing when it waits no more. */
export function wake(k: Kernel, t: Task, outcome: WaitOutcome): void {
  const wait = t.wait
  if (wait === null || wait.outcome !== null) return
  wait.outcome = outcome
  if (wait.deadline !== null) removeEvent(k.state, 'wait', t.tid)
  leaveFutexes(k.state, t)
  makeRunnable(k.state, t)
  // A turn without end was planned while nobody else could run.
  if (k.state.turn.left === Infinity) k.attention = true
  tellRunnable(k)
}

/** Another task can run: a strategy that would rather have that one is asked. */
export function tellRunnable(k: Kernel): void {
  if (k.strategy.preempts !== true) return
  k.state.turn.woken = true
  k.attention = true
}

/** Takes a task from the queues of all futexes that it waits on. */
export function leaveFutexes(state: KernelState, t: Task): void {
  const futex = t.wait?.futex
  if (futex !== undefined) for (const key of futex.all ?? [futex.key]) leaveFutex(state, t, key)
}

/** Takes a task from a futex's queue, if it is there. */
export function leaveFutex(state: KernelState, t: Task, key: FutexKey): void {
  const queue = state.futexes.get(key)
  const index = queue?.indexOf(t.tid) ?? -1
  if (index < 0) return
  queue!.splice(index, 1)
  if (queue!.length === 0) state.futexes.delete(key)
}

/**
 * Wakes the tasks that wait for a file description to become readable or writable; to be called by whatever makes it so
 * (`events` 'both' for an end that closes). Each looks for itself whether there is anything left for it.
 */
export function wakeFd(k: Kernel, id: number, events: 'read' | 'write' | 'both'): void {
  for (const t of k.state.tasks.values()) {
    const wait = t.wait
    if (wait === null || wait.fds === undefined || wait.outcome !== null) continue
    if (wait.fds.some((fd) => fd.id === id && (events === 'both' || fd.events === 'both' || fd.events === events)))
      wake(k, t, 'ready')
  }
}

/** The tasks of a process, in order of creation. */
export function tasksOf(state: KernelState, pid: number): Task[] {
  const process = state.processes.get(pid)
  return process === undefined ? [] : process.tids.map((tid) => state.tasks.get(tid)!)
}

/** Whether the task still exists. */
export function isAlive(state: KernelState, t: Task): boolean {
  return state.tasks.get(t.tid) === t
}

/** Without threads: only the exit status is left. */
export function isZombie(process: Process): boolean {
  return process.tids.length === 0
}

/** Whether no process of the group has a parent outside of it in the same session (POSIX, orphaned process group); what lies outside of the machine does not count. */
export function isOrphaned(state: KernelState, pgid: number): boolean {
  for (const process of state.processes.values()) {
    if (process.pgid !== pgid || isZombie(process)) continue
    const parent = state.processes.get(process.ppid)
    if (parent !== undefined && parent.pgid !== pgid && parent.sid === process.sid) return false
  }
  return true
}
