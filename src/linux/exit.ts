/** Exists to end threads and processes: what a dying thread owes its siblings, what a dying process owes its parent and children, and what is left of it. */
import { removeEvent } from './clock.ts'
import { releaseDescription, signalActivity } from './fs/description.ts'
import { forgetTree } from './fs/directory.ts'
import { releaseInode } from './fs/inode.ts'
import { ANY_BITSET, exitRobustList, futexKey, wakeFutex } from './futex.ts'
import { syncMounted } from './fs/mapping.ts'
import { undoSemaphores } from './ipc/sem.ts'
import { endsInPowerLoss } from './power/loss.ts'
import { leaveShared } from './shared.ts'
import type { Kernel } from './kernel.ts'
import { CODE, SA, SIG, SIG_IGN } from './signal-names.ts'
import { sendToProcess, signalInfo, tellParent } from './signals.ts'
import { leaveSpace } from './spaces.ts'
import type { Process, Task } from './state.ts'
import { disownTty } from './tty/tell.ts'
import { isOrphaned, isZombie, leaveFutexes, makeIdle, tasksOf, wake } from './tasks.ts'

/** Who takes in orphans when nobody else does; outside of the machine. */
const OUTSIDE_INIT = 1

/** Ends one thread with `status` (as wait4 would report it); with the last one the process ends. */
export function exitTask(k: Kernel, t: Task, status: number): void {
  const process = k.process(t)
  if (process.tids.length === 1 && process.exitStatus === null) tellExiting(k, t, status)
  dropTask(k, t, status)
  if (process.tids.length > 0) return
  process.lastName = t.name
  exitProcess(k, process, process.exitStatus ?? status)
}

/** The thread is gone; its process lives on even without one. */
export function dropTask(k: Kernel, t: Task, status: number): void {
  const { state } = k
  const process = k.process(t)
  releaseMemoryOf(k, t)
  if (t.wait?.holds !== undefined) releaseDescription(k, t.wait.holds)
  makeIdle(state, t)
  removeEvent(state, 'wait', t.tid)
  process.tids.splice(process.tids.indexOf(t.tid), 1)
  state.tasks.delete(t.tid)
  k.strategy.gone?.(state.strategy, t.tid)
  for (const observer of k.observers) observer.taskExit?.(k.info(t), status, k)
}

/** Lets go what the thread holds in its address space: robust futexes, and the word that says whether it lives (exit_mm_release). */
export function releaseMemoryOf(k: Kernel, t: Task): void {
  if (t.robustList !== 0) exitRobustList(k, t)
  if (t.clearTid !== 0 && k.memory(t).map.users + k.process(t).tids.length > 2 && k.space(t).writeU32(t.clearTid, 0)) {
    wakeFutex(k, futexKey(k, t, t.clearTid, true), 1, ANY_BITSET)
    for (const observer of k.observers) observer.threadEnd?.(k.info(t), t.clearTid, k)
  }
  t.clearTid = 0
  leaveFutexes(k.state, t)
}

/** exit_group: all threads end with `status`, the caller last. */
export function exitGroup(k: Kernel, t: Task, status: number): void {
  const process = k.process(t)
  if (process.exitStatus === null) tellExiting(k, t, status)
  process.exitStatus = status
  for (const other of tasksOf(k.state, t.pid)) if (other !== t) exitTask(k, other, status)
  exitTask(k, t, status)
}

/** Lets the heap be looked at while its process is still whole. SIGKILL says nothing about a process. */
export function tellExiting(k: Kernel, t: Task, status: number): void {
  if (k.heapObservers.length > 0 && (status & 0x7f) !== SIG.kill) k.heap?.exiting(k, t)
}

function exitProcess(k: Kernel, process: Process, status: number): void {
  const { state } = k
  process.exitStatus = status
  process.stopSignal = 0
  process.unreported = null
  syncMounted(k, process.spaceId)
  undoSemaphores(k, process)
  leaveShared(k, process)
  removeEvent(state, 'itimer', process.pid)
  for (const timer of process.timers) removeEvent(state, 'timer', process.pid, timer.id)
  process.timers = []
  if (process.pid === state.initPid) {
    state.spaces.get(process.spaceId)!.users--
    const code = (status >>> 8) & 0xff
    if (!endsInPowerLoss(k, code)) state.ended = { kind: 'exit', code }
    return
  }
  leaveSpace(k, process)
  if (process.exeInode !== 0) releaseInode(state.fs, process.exeInode)
  process.exeInode = 0
  endVfork(k, process)
  orphan(k, process)
  hangUp(k, process)
  disownTty(k, process)
  const signal = status & 0x7f
  tellParent(k, process, signal === 0 ? CODE.childExited : CODE.childKilled, signal === 0 ? status >>> 8 : signal)
  for (const description of state.fs.descriptions.values())
    if (description.type === 'pidfd' && Number(description.counter) === process.pid)
      signalActivity(k, description.id, 'read')
  if (nobodyWaits(k, process)) reap(k, process)
}

/** The process no longer uses its parent's memory: a parent that waits in vfork goes on. */
export function endVfork(k: Kernel, process: Process): void {
  const waiter = k.state.tasks.get(process.vforkWaiter)
  process.vforkWaiter = 0
  if (waiter !== undefined && waiter.wait?.kind === 'vfork') wake(k, waiter, 'ready')
}

/** Whether the process leaves no zombie: its parent lies outside of the machine, or said that it does not care. */
function nobodyWaits(k: Kernel, process: Process): boolean {
  const parent = k.state.processes.get(process.ppid)
  if (parent === undefined) return true
  if (process.exitSignal !== SIG.chld) return false
  const action = parent.actions[SIG.chld]!
  return action.handler === SIG_IGN || (action.flags & SA.noChildWait) !== 0
}

/** Forgets a zombie; its CPU time counts for its parent's children when `waited`. */
export function reap(k: Kernel, process: Process, waited = false): void {
  const { processes } = k.state
  const parent = processes.get(process.ppid)
  processes.delete(process.pid)
  const { fs } = k.state
  const proc = fs.inodes.get(fs.inodes.get(fs.root)!.entries!.get('proc') ?? 0)
  if (proc !== undefined) forgetTree(fs, proc, String(process.pid))
  if (parent === undefined) return
  const index = parent.children.indexOf(process.pid)
  if (index >= 0) parent.children.splice(index, 1)
  if (waited) parent.childrenCount += process.count + process.childrenCount
  // Whoever waits may have lost the last child.
  for (const t of tasksOf(k.state, parent.pid)) if (t.wait?.kind === 'child') wake(k, t, 'ready')
}

/** Gives the children of a process that ends to the nearest ancestor that takes orphans. */
function orphan(k: Kernel, process: Process): void {
  const { processes } = k.state
  const reaper = reaperOf(k, process)
  for (const pid of process.children) {
    const child = processes.get(pid)!
    child.ppid = reaper?.pid ?? OUTSIDE_INIT
    child.exitSignal = SIG.chld
    reaper?.children.push(pid)
    for (const t of tasksOf(k.state, pid))
      if (t.parentDeathSignal !== 0)
        sendToProcess(k, child, signalInfo(t.parentDeathSignal, CODE.user, { pid: process.pid }))
    if (!isZombie(child)) continue
    const status = child.exitStatus!
    const signal = status & 0x7f
    tellParent(k, child, signal === 0 ? CODE.childExited : CODE.childKilled, signal === 0 ? status >>> 8 : signal)
    if (nobodyWaits(k, child)) reap(k, child)
  }
  process.children = []
}

function reaperOf(k: Kernel, process: Process): Process | undefined {
  let at = k.state.processes.get(process.ppid)
  while (at !== undefined && !(at.subreaper && !isZombie(at))) at = k.state.processes.get(at.ppid)
  return at
}

/** Process groups that the end of `process` leaves orphaned and in which somebody is stopped are hung up (POSIX, _exit). */
function hangUp(k: Kernel, process: Process): void {
  const { state } = k
  const groups = new Set<number>([process.pgid])
  for (const other of state.processes.values()) if (other.sid === process.sid) groups.add(other.pgid)
  for (const pgid of groups) {
    const members = [...state.processes.values()].filter((other) => other.pgid === pgid && !isZombie(other))
    if (!members.some(({ stopSignal }) => stopSignal !== 0) || !isOrphaned(state, pgid)) continue
    for (const member of members) {
      sendToProcess(k, member, signalInfo(SIG.hup, CODE.kernel))
      sendToProcess(k, member, signalInfo(SIG.cont, CODE.kernel))
    }
  }
}
