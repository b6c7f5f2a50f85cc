/** Exists to send signals to tasks and processes and to deliver them: which one is taken, by whom, and what it does (signal(7), kernel/signal.c's rules). */
import { LemmingError } from '../base/errors.ts'
import type { Kernel } from './kernel.ts'
import { pushFrame } from './signal-frame.ts'
import {
  bit,
  CODE,
  defaultAction,
  REALTIME_MIN,
  SA,
  SIG,
  SIG_DFL,
  SIG_IGN,
  signalName,
  SYNCHRONOUS,
  UNBLOCKABLE,
} from './signal-names.ts'
import type { KernelState, Process, SignalAction, SignalInfo, Task } from './state.ts'
import { tasksOf, wake } from './tasks.ts'

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
export function userSignal(k: Kernel, from: Task, signal: number, code: number): SignalInfo {
  return signalInfo(signal, code, { pid: from.pid, uid: k.process(from).credentials.uid[0] })
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
  forgetOpposite(k, process, info.signal)
  if (isIgnored(process, t, info.signal) || !enqueue(t.pending, info)) return
  if ((bit(info.signal) & t.signalMask) === 0n) interrupt(k, t)
  else acceptWaited(k, [t], info.signal)
}

/** Sends a signal to a process: its main thread takes it unless it blocks it, else the first thread that does not. */
export function sendToProcess(k: Kernel, process: Process, info: SignalInfo): void {
  const tasks = tasksOf(k.state, process.pid)
  const main = tasks[0]
  if (main === undefined) return
  forgetOpposite(k, process, info.signal)
  if (isIgnored(process, main, info.signal) || !enqueue(process.pending, info)) return
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
  if (t.wait !== null) wake(k, t, 'signal')
  if (t === k.current) k.attention = true
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

/** SIGCONT takes pending stop signals away, and a stop signal a pending SIGCONT. */
function forgetOpposite(k: Kernel, process: Process, signal: number): void {
  const opposite = signal === SIG.cont ? STOPS : (bit(signal) & STOPS) !== 0n ? bit(SIG.cont) : 0n
  if (opposite !== 0n) dropPending(k.state, process, opposite)
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

/**
 * Takes the task's signals until one has a handler, which is returned and not yet called; null when none is left or the run has ended.
 * Default actions happen here.
 */
export function nextHandled(k: Kernel, t: Task): { info: SignalInfo; action: SignalAction } | null {
  const process = k.process(t)
  for (;;) {
    const info = dequeue(t, process, ~t.signalMask)
    if (info === null) {
      t.interrupted = false
      return null
    }
    const action = process.actions[info.signal]!
    const effect =
      action.handler === SIG_IGN ? 'ignore' : action.handler === SIG_DFL ? defaultAction(info.signal) : 'handler'
    tell(k, t, info, effect)
    if (effect === 'handler') {
      reconsider(t, process)
      return { info, action }
    }
    if (effect === 'terminate') {
      terminate(k, t, info)
      return null
    }
    if (effect === 'stop') {
      throw new LemmingError(
        'unsupported-signal',
        `${signalName(info.signal)} stops process ${process.pid}: job control is not supported`,
        'do not stop the program with a signal; nobody could continue it',
      )
    }
  }
}

function tell(
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
      },
      k,
    )
  }
}

/** A signal whose default action ends the process: tasks and memory stay as they are, for those who ask what happened. */
function terminate(k: Kernel, t: Task, info: SignalInfo): void {
  k.process(t).exitStatus = info.signal
  const sent = info.code <= 0
  k.state.ended = { kind: 'signal', signal: info.signal, code: info.code, address: info.address, tid: t.tid, sent }
}

/**
 * Enters the handler of a signal on the task's registers: pushes the frame, applies SA_RESETHAND and the handler's mask. A frame that cannot be
 * written is a SIGSEGV.
 */
export function enterHandler(k: Kernel, t: Task, info: SignalInfo, action: SignalAction): void {
  const process = k.process(t)
  const mask = t.savedMask ?? t.signalMask
  if (!pushFrame(k, t, info, action, mask)) {
    // A second SIGSEGV while entering the handler of the first ends the process.
    if (info.signal === SIG.segv) process.actions[SIG.segv]!.handler = SIG_DFL
    forceSignal(k, t, signalInfo(SIG.segv, CODE.kernel))
    return
  }
  t.savedMask = null
  let blocked = t.signalMask | action.mask
  if (!(action.flags & SA.noDefer)) blocked |= bit(info.signal)
  if (action.flags & SA.resetHand) action.handler = SIG_DFL
  setSignalMask(k, t, blocked)
}
