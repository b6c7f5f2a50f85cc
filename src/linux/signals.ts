/** Exists to send signals to tasks and processes: who takes them, what is dropped, and what a process hears of its children (signal(7), kernel/signal.c's rules). */
import { CAP, capable } from './capabilities.ts'
import { CpuState } from '../engine/cpu-state.ts'
import { GUEST_LIMIT } from '../engine/layout.ts'
import { REG } from '../ir/registers.ts'
import type { FaultAccess } from '../tool/observer.ts'
import { stir } from './fs/activity.ts'
import type { Kernel } from './kernel.ts'
import { writeInfo } from './signal-frame.ts'
import {
  bit,
  CODE,
  defaultAction,
  PF,
  REALTIME_MIN,
  SA,
  SIG,
  SIG_DFL,
  SIG_IGN,
  SYNCHRONOUS,
  TRAP,
  UNBLOCKABLE,
} from './signal-names.ts'
import { infoText } from './signal-text.ts'
import type { KernelState, Process, SignalAction, SignalInfo, Task } from './state.ts'
import { makeRunnable, tasksOf, wake } from './tasks.ts'

/** A siginfo with everything else 0. */
export function signalInfo(signal: number, code: number, more: Partial<SignalInfo> = {}): SignalInfo {
  return {
    signal,
    code,
    errno: 0,
    pid: 0,
    uid: 0,
    status: 0,
    value: 0n,
    address: 0n,
    timer: 0,
    overrun: 0,
    trap: 0,
    errorCode: 0,
    ...more,
  }
}

/** siginfo of a signal that task `from` sends by kill (SI_USER) or tkill (SI_TKILL). */
export function userSignal(from: Task, signal: number, code: number): SignalInfo {
  return signalInfo(signal, code, { pid: from.pid, uid: from.credentials.uid[0] })
}

/** Whether task `from` may send a signal to a process (kill(2)): as root, as the same user, or SIGCONT within the session. */
export function maySignal(k: Kernel, from: Task, process: Process, signal: number): boolean {
  const own = k.process(from)
  const [real, effective] = from.credentials.uid
  const [targetReal, , targetSaved] = process.credentials.uid
  if (own === process || capable(from, CAP.kill) || (signal === SIG.cont && own.sid === process.sid)) return true
  return [real, effective].some((uid) => uid === targetReal || uid === targetSaved)
}

/** Tells observers that a task has taken a signal, or that one to it had no effect. */
export function tell(
  k: Kernel,
  t: Task,
  info: SignalInfo,
  disposition: 'handler' | 'ignore' | 'terminate' | 'stop' | 'continue',
): void {
  for (const observer of k.observers) {
    observer.signal?.(
      {
        task: k.info(t),
        moment: k.state.count,
        signal: info.signal,
        code: info.code,
        address: info.address,
        disposition,
        fault: faultOf(k, t, info),
        text: () => infoText(new DataView(bytesOf(info).buffer)),
        info: () => bytesOf(info),
      },
      k,
    )
  }
}

function bytesOf(info: SignalInfo): Uint8Array {
  const bytes = new Uint8Array(128)
  writeInfo(bytes, info)
  return bytes
}

/** What the instruction wanted of memory by which a signal was raised; null for a signal that was sent, and for other faults. */
function faultOf(k: Kernel, t: Task, { signal, trap, errorCode, address }: SignalInfo): FaultAccess | null {
  if ((signal !== SIG.segv && signal !== SIG.bus) || (trap !== TRAP.page && trap !== TRAP.protection)) return null
  const cpu = new CpuState(k.registers(t))
  const refused = trap === TRAP.protection ? k.refused : null
  const access =
    trap === TRAP.protection
      ? (refused?.access ?? 'unknown')
      : errorCode & PF.fetch
        ? 'execute'
        : errorCode & PF.write
          ? 'write'
          : 'read'
  return {
    access,
    ...(refused === null ? {} : { refused: refused.address }),
    size: access === 'read' || access === 'write' ? (k.processor.faultSize?.() ?? 0) : 0,
    pc: cpu.rip,
    stack: cpu.gpr(REG.rsp),
    block: k.heap === null || address >= GUEST_LIMIT ? null : k.heap.lookup(k, t, Number(address)),
  }
}

/** All actions SIG_DFL. */
export function defaultActions(): SignalAction[] {
  return Array.from({ length: 65 }, () => ({ handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n }))
}

/** The set of signals in a queue. */
export function pendingSet(queue: readonly SignalInfo[]): bigint {
  let set = 0n
  for (const { signal } of queue) set |= bit(signal)
  return set
}

/** Whether a signal of the set waits for the task or its process. */
export function isPending(process: Process, t: Task, set: bigint): boolean {
  return ((pendingSet(t.pending) | pendingSet(process.pending)) & set) !== 0n
}

/** Sets a task's mask, and lets it (or, for what it no longer takes, its siblings) see the signals that wait for the process. */
export function setSignalMask(k: Kernel, t: Task, mask: bigint): void {
  t.signalMask = mask & ~UNBLOCKABLE
  const process = k.process(t)
  reconsider(t, process)
  if (process.pending.length === 0) return
  for (const other of tasksOf(k.state, t.pid)) {
    if (other === t || other.interrupted) continue
    reconsider(other, process)
    if (other.interrupted) interrupt(k, other)
  }
}

/** Recomputes whether the task has a signal to take. */
export function reconsider(t: Task, process: Process): void {
  t.interrupted = false
  if (t.pending.length === 0 && process.pending.length === 0) return
  t.interrupted = isPending(process, t, ~t.signalMask)
}

/** Sends a signal to one thread (tgkill, faults). */
export function sendToTask(k: Kernel, t: Task, info: SignalInfo): void {
  const process = k.process(t)
  prepare(k, process, info.signal)
  if (isIgnored(process, t, info.signal)) return tell(k, t, info, 'ignore')
  if (!enqueue(t.pending, info)) return
  tellSignalfds(k, info.signal)
  if ((bit(info.signal) & t.signalMask) === 0n) interrupt(k, t)
  else acceptWaited(k, [t], info.signal)
}

/** Sends a signal to a process: its main thread takes it unless it blocks it, else the first thread that does not. */
export function sendToProcess(k: Kernel, process: Process, info: SignalInfo): void {
  const tasks = tasksOf(k.state, process.pid)
  const main = tasks[0]
  if (main === undefined) return
  prepare(k, process, info.signal)
  if (isIgnored(process, main, info.signal)) return tell(k, main, info, 'ignore')
  if (!enqueue(process.pending, info)) return
  tellSignalfds(k, info.signal)
  const target = tasks.find((t) => (bit(info.signal) & t.signalMask) === 0n)
  if (target !== undefined) interrupt(k, target)
  else acceptWaited(k, tasks, info.signal)
}

/** A signal that an instruction raised: it cannot be blocked or ignored; who tries ends by it (force_sig). */
export function forceSignal(k: Kernel, t: Task, info: SignalInfo): void {
  const action = k.process(t).actions[info.signal]!
  if (action.handler === SIG_IGN || (bit(info.signal) & t.signalMask) !== 0n) {
    action.handler = SIG_DFL
    t.signalMask &= ~bit(info.signal)
  }
  t.pending.unshift(info)
  t.interrupted = true
}

/** Makes a task take its signal: at once when it runs, by ending its wait when it waits. */
function interrupt(k: Kernel, t: Task): void {
  t.interrupted = true
  // Who waits in vfork takes its signals afterwards.
  if (t.wait !== null && t.wait.kind !== 'vfork') wake(k, t, 'signal')
  if (t === k.current) k.attention = true
}

/** Lets those look who read signals from descriptors (signalfd(2)). */
function tellSignalfds(k: Kernel, signal: number): void {
  for (const d of k.state.fs.descriptions.values())
    if (d.type === 'signalfd' && (d.counter & bit(signal)) !== 0n) stir(k, d.id, 'read')
}

/** Wakes a task that waits for this blocked signal in rt_sigtimedwait. */
function acceptWaited(k: Kernel, tasks: Task[], signal: number): void {
  for (const t of tasks) {
    if (t.wait?.signals === undefined || t.wait.outcome !== null || (t.wait.signals & bit(signal)) === 0n) continue
    wake(k, t, 'ready')
    return
  }
}

/** False when the signal is already pending and is of those that do not queue. */
function enqueue(queue: SignalInfo[], info: SignalInfo): boolean {
  if (info.signal < REALTIME_MIN && queue.some(({ signal }) => signal === info.signal)) return false
  queue.push(info)
  return true
}

/** Whether a signal would have no effect and is dropped when it is sent; a blocked one is kept, since the action may change. */
function isIgnored(process: Process, t: Task, signal: number): boolean {
  if ((bit(signal) & t.signalMask) !== 0n) return false
  const handler = process.actions[signal]!.handler
  if (handler === SIG_IGN) return true
  const action = defaultAction(signal)
  return handler === SIG_DFL && (action === 'ignore' || action === 'continue')
}

const STOPS = bit(SIG.stop) | bit(SIG.tstp) | bit(SIG.ttin) | bit(SIG.ttou)

/** SIGCONT takes pending stop signals away and lets a stopped process go on, whatever else becomes of it; a stop signal takes a pending SIGCONT away. */
function prepare(k: Kernel, process: Process, signal: number): void {
  const opposite = signal === SIG.cont ? STOPS : (bit(signal) & STOPS) !== 0n ? bit(SIG.cont) : 0n
  if (opposite !== 0n) dropPending(k.state, process, opposite)
  if (process.stopSignal === 0 || (signal !== SIG.cont && signal !== SIG.kill)) return
  process.stopSignal = 0
  process.unreported = null
  for (const t of tasksOf(k.state, process.pid))
    if (t.wait === null || t.wait.outcome !== null) makeRunnable(k.state, t)
  if (k.state.turn.left === Infinity) k.attention = true
  if (signal === SIG.kill) return
  process.unreported = 'continued'
  tellParent(k, process, CODE.childContinued, SIG.cont)
}

/** Tells a process' parent by SIGCHLD, and those who wait for children, that it ended, stopped or went on. */
export function tellParent(k: Kernel, process: Process, code: number, status: number): void {
  const parent = k.state.processes.get(process.ppid)
  if (parent === undefined) return
  const ended = code === CODE.childExited || code === CODE.childKilled || code === CODE.childDumped
  const signal = ended ? process.exitSignal : SIG.chld
  const quiet = !ended && (parent.actions[SIG.chld]!.flags & SA.noChildStop) !== 0
  if (signal !== 0 && !quiet) {
    const uid = process.credentials.uid[0]
    sendToProcess(k, parent, signalInfo(signal, code, { pid: process.pid, uid, status }))
  }
  for (const t of tasksOf(k.state, parent.pid)) if (t.wait?.kind === 'child') wake(k, t, 'ready')
}

/** Forgets pending signals of the set, of the process and of all its threads. */
export function dropPending(state: KernelState, process: Process, set: bigint): void {
  const keep = (queue: SignalInfo[]): SignalInfo[] => queue.filter(({ signal }) => (bit(signal) & set) === 0n)
  process.pending = keep(process.pending)
  for (const t of tasksOf(state, process.pid)) {
    t.pending = keep(t.pending)
    reconsider(t, process)
  }
}

/** Takes the next signal of `set` from the task's own queue, then from its process': faults first, then the lowest number, then the oldest. */
export function dequeue(t: Task, process: Process, set: bigint): SignalInfo | null {
  for (const queue of [t.pending, process.pending]) {
    let best = -1
    for (let i = 0; i < queue.length; i++) {
      const signal = queue[i]!.signal
      if ((bit(signal) & set) === 0n) continue
      if (best < 0 || rank(signal) < rank(queue[best]!.signal)) best = i
    }
    if (best >= 0) return queue.splice(best, 1)[0]!
  }
  return null
}

function rank(signal: number): number {
  return (bit(signal) & SYNCHRONOUS) !== 0n ? signal - 64 : signal
}
