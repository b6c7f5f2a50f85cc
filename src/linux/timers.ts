/** Exists to run the timers of processes: ITIMER_REAL and POSIX timers on the clock, ITIMER_VIRTUAL and ITIMER_PROF on the process' own instructions. */
import { addEvent, removeEvent } from './clock.ts'
import type { Kernel } from './kernel.ts'
import { CODE, SIG } from './signal-names.ts'
import { sendToProcess, sendToTask, signalInfo } from './signals.ts'
import type { IntervalTimer, PosixTimer, Process, TimedEvent } from './state.ts'

/** CPU time of a process in nanoseconds: all its instructions, at the clock's rate. */
export function cpuNs(k: Kernel, process: Process): number {
  return process.count * k.state.constants.nsPerInstruction
}

/** Arms ITIMER_REAL `valueNs` from now (0: disarms it). */
export function setRealTimer(k: Kernel, process: Process, valueNs: number, intervalNs: number): void {
  removeEvent(k.state, 'itimer', process.pid)
  const at = valueNs === 0 ? 0 : k.now() + valueNs
  process.itimers.real = { at, interval: intervalNs }
  if (at !== 0) addEvent(k.state, at, 'itimer', process.pid)
  k.attention = true
}

/** Arms ITIMER_VIRTUAL or ITIMER_PROF `valueNs` of CPU time from now (0: disarms it). */
export function setCpuTimer(
  k: Kernel,
  process: Process,
  which: 'virtual' | 'prof',
  valueNs: number,
  intervalNs: number,
): void {
  process.itimers[which] = { at: valueNs === 0 ? 0 : cpuNs(k, process) + valueNs, interval: intervalNs }
  k.attention = true
}

/** Arms a POSIX timer at CLOCK_MONOTONIC `at` (0: disarms it). */
export function setPosixTimer(k: Kernel, process: Process, timer: PosixTimer, at: number, interval: number): void {
  removeEvent(k.state, 'timer', process.pid, timer.id)
  timer.at = at
  timer.interval = interval
  timer.overrun = 0
  if (at !== 0) addEvent(k.state, at, 'timer', process.pid, timer.id)
  k.attention = true
}

/** A timer's event has come. */
export function expireTimer(k: Kernel, event: TimedEvent): void {
  const process = k.state.processes.get(event.id)
  if (process === undefined) return
  if (event.kind === 'itimer') {
    sendToProcess(k, process, signalInfo(SIG.alrm, CODE.kernel))
    const timer = process.itimers.real
    timer.at = timer.interval === 0 ? 0 : nextAfter(timer, k.now())
    if (timer.at !== 0) addEvent(k.state, timer.at, 'itimer', process.pid)
    return
  }
  const timer = process.timers.find(({ id }) => id === event.timer)
  if (timer !== undefined) expirePosix(k, process, timer)
}

/** The first expiration behind `now` of a timer that expires regularly. */
function nextAfter(timer: IntervalTimer, now: number): number {
  return timer.at + timer.interval * Math.max(1, Math.floor((now - timer.at) / timer.interval) + 1)
}

const SIGEV_SIGNAL = 0
const SIGEV_NONE = 1
const SIGEV_THREAD_ID = 4

/** A signal that is still pending from before is not sent again: its overrun grows, as timer_getoverrun(2) says. */
function expirePosix(k: Kernel, process: Process, timer: PosixTimer): void {
  if (timer.notify !== SIGEV_NONE) {
    const target = timer.notify === SIGEV_THREAD_ID ? k.state.tasks.get(timer.tid) : undefined
    const queue = target?.pending ?? process.pending
    const waiting = queue.find((info) => info.code === CODE.timer && info.timer === timer.id)
    if (waiting !== undefined) waiting.overrun = ++timer.overrun
    else {
      timer.overrun = 0
      const info = signalInfo(timer.signal, CODE.timer, { timer: timer.id, value: timer.value })
      if (timer.notify === SIGEV_SIGNAL) sendToProcess(k, process, info)
      else if (target !== undefined) sendToTask(k, target, info)
    }
  }
  timer.at = timer.interval === 0 ? 0 : nextAfter(timer, k.now())
  if (timer.at !== 0) addEvent(k.state, timer.at, 'timer', process.pid, timer.id)
}

/** Instructions until the process' next CPU timer expires. */
export function cpuTimersLeft(k: Kernel, process: Process): number {
  const { virtual, prof } = process.itimers
  if (virtual.at === 0 && prof.at === 0) return Infinity
  const next = Math.min(virtual.at || Infinity, prof.at || Infinity)
  return Math.max(1, Math.ceil(next / k.state.constants.nsPerInstruction) - process.count)
}

/** Sends the signals of CPU timers that have expired. */
export function expireCpuTimers(k: Kernel, process: Process): void {
  const { virtual, prof } = process.itimers
  if (virtual.at === 0 && prof.at === 0) return
  expireOne(k, process, virtual, SIG.vtalrm)
  expireOne(k, process, prof, SIG.prof)
}

function expireOne(k: Kernel, process: Process, timer: IntervalTimer, signal: number): void {
  const now = cpuNs(k, process)
  if (timer.at === 0 || timer.at > now) return
  timer.at = timer.interval === 0 ? 0 : nextAfter(timer, now)
  sendToProcess(k, process, signalInfo(signal, CODE.kernel))
}
