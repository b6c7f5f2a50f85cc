/** Exists to end threads and processes: what a dying thread owes its siblings, and what is left when the last one goes. */
import { removeEvent } from './clock.ts'
import { closeAll } from './fs/description.ts'
import { ANY_BITSET, exitRobustList, futexKey, wakeFutex } from './futex.ts'
import type { Kernel } from './kernel.ts'
import type { Process, Task } from './state.ts'
import { leaveFutex, makeIdle, tasksOf } from './tasks.ts'

/** Ends one thread with `status` (as wait4 would report it); with the last one the process ends. */
export function exitTask(k: Kernel, t: Task, status: number): void {
  const { state } = k
  const process = k.process(t)
  if (t.robustList !== 0) exitRobustList(k, t)
  if (t.clearTid !== 0 && process.tids.length > 1 && k.space(t).writeU32(t.clearTid, 0)) {
    wakeFutex(k, futexKey(k, t, t.clearTid, true), 1, ANY_BITSET)
  }
  if (t.wait?.futex !== undefined) leaveFutex(state, t, t.wait.futex.key)
  makeIdle(state, t)
  removeEvent(state, 'wait', t.tid)
  process.tids.splice(process.tids.indexOf(t.tid), 1)
  state.tasks.delete(t.tid)
  for (const observer of k.observers) observer.taskExit?.(k.info(t), status, k)
  if (process.tids.length === 0) exitProcess(k, process, process.exitStatus ?? status)
}

/** exit_group: all threads end with `status`, the caller last. */
export function exitGroup(k: Kernel, t: Task, status: number): void {
  const process = k.process(t)
  process.exitStatus = status
  for (const other of tasksOf(k.state, t.pid)) if (other !== t) exitTask(k, other, status)
  exitTask(k, t, status)
}

function exitProcess(k: Kernel, process: Process, status: number): void {
  const { state } = k
  process.exitStatus = status
  closeAll(k, process)
  removeEvent(state, 'itimer', process.pid)
  for (const timer of process.timers) removeEvent(state, 'timer', process.pid, timer.id)
  const map = state.spaces.get(process.spaceId)!
  map.users--
  if (process.pid === state.initPid) state.ended = { kind: 'exit', code: (status >>> 8) & 0xff }
}
