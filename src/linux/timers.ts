/** Exists to run the timers of processes: ITIMER_REAL and POSIX timers on the clock, ITIMER_VIRTUAL and ITIMER_PROF on the process' own instructions. */
import { addEvent, removeEvent } from './clock.ts'
import type { Kernel } from './kernel.ts'
import { CODE, SIG } from './signal-names.ts'
import { sendToProcess, sendToTask, signalInfo } from './signals.ts'
import type { IntervalTimer, PosixTimer, Process, Task, TimedEvent } from './state.ts'
import { wake } from './tasks.ts'

/** CPU time of a process in nanoseconds: all its instructions, at the clock's rate. */
export function cpuNs(k: Kernel, process: Process): number {
  return process.count * k.state.constants.nsPerInstruction
}

/** Arms ITIMER_REAL `valueNs` from now (0: disarms it, and then it has no interval, unlike the others). */
export function setRealTimer(k: Kernel, process: Process, valueNs: number, intervalNs: number): void {
  removeEvent(k.state, 'itimer', process.pid)
  const at = valueNs === 0 ? 0 : k.now() + valueNs
  process.itimers.real = { at, interval: at === 0 ? 0 : intervalNs }
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

/** Whose CPU time the clock of a PosixTimer.cpuOf shows, in nanoseconds; of one that has ended what it had is forgotten, and null. */
export function cpuTimeOf(k: Kernel, cpuOf: number): number | null {
  if (cpuOf > 0) {
    const process = k.state.processes.get(cpuOf)
    return process === undefined ? null : cpuNs(k, process)
  }
  const t = k.state.tasks.get(-cpuOf)
  return t === undefined ? null : t.count * k.state.constants.nsPerInstruction
}

/** Arms a POSIX timer at CLOCK_MONOTONIC `at` (0: disarms it). */
export function setPosixTimer(k: Kernel, process: Process, timer: PosixTimer, at: number, interval: number): void {
  removeEvent(k.state, 'timer', process.pid, timer.id)
  timer.at = at
  timer.interval = interval
  timer.overrun = 0
  if (at !== 0 && timer.cpuOf === 0) addEvent(k.state, at, 'timer', process.pid, timer.id)
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
  const now = timer.cpuOf === 0 ? k.now() : (cpuTimeOf(k, timer.cpuOf) ?? 0)
  timer.at = timer.interval === 0 ? 0 : nextAfter(timer, now)
  if (timer.at !== 0 && timer.cpuOf === 0) addEvent(k.state, timer.at, 'timer', process.pid, timer.id)
}

/** RLIMIT_CPU's index in Process.rlimits; it counts seconds. */
const RLIMIT_CPU = 0
const SECOND = 1e9

/** Instructions until the next timer, sleep or limit on the CPU time of the process or its running task is reached. */
export function cpuTimersLeft(k: Kernel, process: Process, t: Task): number {
  const { virtual, prof } = process.itimers
  const [soft, hard] = process.rlimits[RLIMIT_CPU]!
  const perInstruction = k.state.constants.nsPerInstruction
  let left = Infinity
  const reach = (at: number, count: number): void => {
    left = Math.min(left, Math.max(1, Math.ceil(at / perInstruction) - count))
  }
  if (virtual.at !== 0) reach(virtual.at, process.count)
  if (prof.at !== 0) reach(prof.at, process.count)
  if (soft !== Infinity) reach(Math.min(soft, hard) * SECOND, process.count)
  for (const { at, cpuOf } of process.timers) {
    if (at === 0) continue
    if (cpuOf === process.pid) reach(at, process.count)
    else if (cpuOf === -t.tid) reach(at, t.count)
  }
  for (const { at, cpuOf } of k.state.cpuSleeps) {
    if (cpuOf === process.pid) reach(at, process.count)
    else if (cpuOf === -t.tid) reach(at, t.count)
  }
  return left
}

/** Does what is due when CPU time has passed. */
export function expireCpuTimers(k: Kernel, process: Process, t: Task): void {
  const { virtual, prof } = process.itimers
  if (virtual.at !== 0 || prof.at !== 0) {
    expireOne(k, process, virtual, SIG.vtalrm)
    expireOne(k, process, prof, SIG.prof)
  }
  for (const timer of process.timers) {
    if (timer.at === 0 || (timer.cpuOf !== process.pid && timer.cpuOf !== -t.tid)) continue
    if (timer.at <= (cpuTimeOf(k, timer.cpuOf) ?? 0)) expirePosix(k, process, timer)
  }
  if (k.state.cpuSleeps.length > 0) wakeCpuSleepers(k)
  if (process.rlimits[RLIMIT_CPU]![0] !== Infinity) limitCpuTime(k, process)
}

function wakeCpuSleepers(k: Kernel): void {
  for (const { tid, cpuOf, at } of k.state.cpuSleeps.slice()) {
    const t = k.state.tasks.get(tid)
    const now = cpuTimeOf(k, cpuOf)
    if (t?.wait?.kind === 'cpu' && now !== null && now < at) continue
    k.state.cpuSleeps = k.state.cpuSleeps.filter((other) => other.tid !== tid)
    if (t?.wait?.kind === 'cpu') wake(k, t, 'timeout')
  }
}

/** SIGXCPU each second from the soft limit on, SIGKILL at the hard one (setrlimit(2)). */
function limitCpuTime(k: Kernel, process: Process): void {
  const limits = process.rlimits[RLIMIT_CPU]!
  const used = cpuNs(k, process) / SECOND
  if (used >= limits[1]) return sendToProcess(k, process, signalInfo(SIG.kill, CODE.kernel))
  if (used < limits[0]) return
  limits[0] = Math.max(1, limits[0]) + 1
  sendToProcess(k, process, signalInfo(SIG.xcpu, CODE.kernel))
}

function expireOne(k: Kernel, process: Process, timer: IntervalTimer, signal: number): void {
  const now = cpuNs(k, process)
  if (timer.at === 0 || timer.at > now) return
  timer.at = timer.interval === 0 ? 0 : nextAfter(timer, now)
  sendToProcess(k, process, signalInfo(signal, CODE.kernel))
}
