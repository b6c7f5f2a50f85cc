/** Exists to deliver signals: what a signal that a task takes does, from a handler's frame to the end of the process. */
import { syncMounted } from './fs/mapping.ts'
import type { Kernel } from './kernel.ts'
import { exitGroup, tellExiting } from './exit.ts'
import { pushFrame } from './signal-frame.ts'
import { bit, CODE, defaultAction, SA, SIG, SIG_DFL, SIG_IGN } from './signal-names.ts'
import { dequeue, forceSignal, reconsider, setSignalMask, signalInfo, tell, tellParent } from './signals.ts'
import type { Process, SignalAction, SignalInfo, Task } from './state.ts'
import { isOrphaned, makeIdle, tasksOf } from './tasks.ts'

/** Signals that tell of a bug when they end a process. */
const CRASHES: readonly number[] = [SIG.segv, SIG.bus, SIG.ill, SIG.fpe, SIG.abrt, SIG.sys]
/** Crashes of child processes that are kept for the report. */
const MAX_CRASHES = 16

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
      // Nobody could continue a process of an orphaned group; only SIGSTOP stops it all the same.
      if (info.signal !== SIG.stop && isOrphaned(k.state, process.pgid)) continue
      stop(k, process, info.signal)
      return null
    }
  }
}

/** All threads of the process wait until SIGCONT or SIGKILL. A signal that still waits is taken then. */
function stop(k: Kernel, process: Process, signal: number): void {
  process.stopSignal = signal
  process.unreported = 'stopped'
  for (const t of tasksOf(k.state, process.pid)) {
    makeIdle(k.state, t)
    reconsider(t, process)
  }
  tellParent(k, process, CODE.childStopped, signal)
}

/**
 * A signal whose default action ends the process. For the first process that is the end of the run: tasks and memory stay as they are, for those who
 * ask what happened.
 */
function terminate(k: Kernel, t: Task, info: SignalInfo): void {
  const { state } = k
  const process = k.process(t)
  const { signal, code, address } = info
  // What a terminal sends counts as sent: of the kernel's own signals only faults are raised by an instruction.
  const sent = code <= 0 || (code === CODE.kernel && !CRASHES.includes(signal))
  if (process.pid === state.initPid) {
    tellExiting(k, t, signal)
    process.exitStatus = signal
    syncMounted(k, process.spaceId)
    state.ended = { kind: 'signal', signal, code, address, tid: t.tid, sent }
    return
  }
  if (CRASHES.includes(signal) && state.crashes.length < MAX_CRASHES) {
    const { pid, argv } = process
    state.crashes.push({ moment: state.count, pid, tid: t.tid, name: t.name, argv, signal, code, address, sent })
  }
  exitGroup(k, t, signal)
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
