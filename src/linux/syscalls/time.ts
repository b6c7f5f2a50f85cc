/** Exists to declare the calls that tell time, sleep, and set timers. */
import {
  asInt,
  i64At,
  number,
  oneOf,
  ptr,
  shown,
  structIn,
  structOut,
  timespecIn,
  timespecOut,
  timespecText,
  timevalText,
  uint,
} from '../arguments.ts'
import { monotonicNs, NS_PER_SECOND, realtime, realtimeToMonotonicNs, type TimeOfDay } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { SIG, SIGNAL_MAX, signalName } from '../signal-names.ts'
import type { PosixTimer, Task } from '../state.ts'
import { hex, pointerText } from '../strace.ts'
import { CLOCK_NAMES } from '../table-task-flags.ts'
import { newWait } from '../tasks.ts'
import { cpuNs, cpuTimeOf, setCpuTimer, setPosixTimer, setRealTimer } from '../timers.ts'
import { readTimespec, readTimeval, split, writeTimespec, writeTimeval } from '../user.ts'

const CLOCK = {
  realtime: 0,
  monotonic: 1,
  processCpu: 2,
  threadCpu: 3,
  monotonicRaw: 4,
  realtimeCoarse: 5,
  monotonicCoarse: 6,
  boottime: 7,
  realtimeAlarm: 8,
  boottimeAlarm: 9,
  tai: 11,
} as const
/** Ticks of times(2) per second. */
const TICK_NS = NS_PER_SECOND / 100
const clockArg = shown(asInt, (value) => CLOCK_NAMES[value] || dynamicClockText(value))

/** Clock ids of pthread_getcpuclockid and clock_getcpuclockid: ~id in the upper bits, 4 for a thread, 2 for the scheduler's clock. */
function dynamicClockText(clock: number): string {
  if (clock >= 0) return `${hex(clock)} /* CLOCK_??? */`
  const kind = ['CPUCLOCK_PROF', 'CPUCLOCK_VIRT', 'CPUCLOCK_SCHED', 'CLOCKFD'][clock & 3]!
  return `MAKE_${clock & 4 ? 'THREAD' : 'PROCESS'}_CPUCLOCK(${~(clock >> 3)}, ${kind})`
}

/** The time of a clock, or a negative errno. */
function clockTime(k: Kernel, t: Task, clock: number): TimeOfDay | number {
  switch (clock) {
    case CLOCK.realtime:
    case CLOCK.realtimeCoarse:
    case CLOCK.realtimeAlarm:
    case CLOCK.tai:
      return realtime(k.state)
    case CLOCK.monotonic:
    case CLOCK.monotonicRaw:
    case CLOCK.monotonicCoarse:
    case CLOCK.boottime:
    case CLOCK.boottimeAlarm:
      return split(monotonicNs(k.state))
    case CLOCK.processCpu:
      return split(cpuNs(k, k.process(t)))
    case CLOCK.threadCpu:
      return split(t.count * k.state.constants.nsPerInstruction)
    default:
      return dynamicClockTime(k, t, clock)
  }
}

/** The CPU time that a clock shows, as PosixTimer.cpuOf says it; 0 for clocks of another kind. */
function cpuClockOf(t: Task, clock: number): number {
  if (clock === CLOCK.processCpu) return t.pid
  if (clock === CLOCK.threadCpu) return -t.tid
  if (clock >= 0) return 0
  const id = ~(clock >> 3)
  return clock & 4 ? -(id === 0 ? t.tid : id) : id === 0 ? t.pid : id
}

function dynamicClockTime(k: Kernel, t: Task, clock: number): TimeOfDay | number {
  if (clock >= 0 || (clock & 3) === 3) return -ERRNO.EINVAL
  const id = ~(clock >> 3)
  if (clock & 4) {
    const target = id === 0 ? t : k.state.tasks.get(id)
    return target === undefined || target.pid !== t.pid
      ? -ERRNO.EINVAL
      : split(target.count * k.state.constants.nsPerInstruction)
  }
  const process = id === 0 ? k.process(t) : k.state.processes.get(id)
  return process === undefined ? -ERRNO.EINVAL : split(cpuNs(k, process))
}

function clockGettime(k: Kernel, t: Task, [clock, address]: number[]): number {
  const time = clockTime(k, t, clock!)
  return typeof time === 'number' ? time : writeTimespec(k, t, address!, time)
}

function clockGetres(k: Kernel, t: Task, [clock, address]: number[]): number {
  const time = clockTime(k, t, clock!)
  if (typeof time === 'number') return time
  const coarse = clock === CLOCK.realtimeCoarse || clock === CLOCK.monotonicCoarse
  return address === 0 ? 0 : writeTimespec(k, t, address!, { seconds: 0, ns: coarse ? 4_000_000 : 1 })
}

/** Sleeps until CLOCK_MONOTONIC `deadline`; a relative sleep that a handler interrupts stores what was left at `remaining` (0: nowhere). */
function sleepUntil(k: Kernel, t: Task, nr: number, args: number[], deadline: number, remaining: number): number {
  if (k.now() >= deadline) return 0
  if (t.wait?.outcome === 'signal' && remaining !== 0) {
    // The kernel writes it before the handler runs; when no handler comes, the sleep goes on and it is written again.
    if (writeTimespec(k, t, remaining, split(deadline - k.now())) !== 0) return -ERRNO.EFAULT
  }
  t.wait ??= newWait({ nr, args, kind: 'time', deadline, restart: 'eintr' })
  return BLOCKED
}

function nanosleep(k: Kernel, t: Task, args: number[]): number {
  if (t.wait !== null) return sleepUntil(k, t, 35, args, t.wait.deadline!, args[1]!)
  const time = readTimespec(k, t, args[0]!)
  if (typeof time === 'number') return time
  return sleepUntil(k, t, 35, args, k.now() + time.seconds * NS_PER_SECOND + time.ns, args[1]!)
}

const TIMER_ABSTIME = 1
/** Clocks that can be read and not waited for. */
const WITHOUT_SLEEP: readonly number[] = [
  CLOCK.threadCpu,
  CLOCK.monotonicRaw,
  CLOCK.realtimeCoarse,
  CLOCK.monotonicCoarse,
]

/** CLOCK_MONOTONIC nanoseconds at which `clock` shows `time` (absolute), or `time` from now; a negative errno for clocks that nobody can wait for. */
function deadlineOn(k: Kernel, clock: number, time: TimeOfDay, absolute: boolean): number {
  if (clock > CLOCK.tai || clock === 10) return -ERRNO.EINVAL
  if (WITHOUT_SLEEP.includes(clock)) return -ERRNO.EOPNOTSUPP
  const ns = time.seconds * NS_PER_SECOND + time.ns
  if (!absolute) return k.now() + ns
  const real = clock === CLOCK.realtime || clock === CLOCK.realtimeAlarm || clock === CLOCK.tai
  // A moment before the machine started is past: that is all that matters.
  return Math.max(0, real ? realtimeToMonotonicNs(k.state, time.seconds, time.ns) : ns)
}

function clockNanosleep(k: Kernel, t: Task, args: number[]): number {
  const [clock, flags, request, remaining] = args as [number, number, number, number]
  const absolute = (flags & TIMER_ABSTIME) !== 0
  const left = absolute ? 0 : remaining
  if (t.wait?.kind === 'cpu') return wakeOnCpu(k, t, left)
  if (t.wait !== null) return sleepUntil(k, t, 230, args, t.wait.deadline!, left)
  const time = readTimespec(k, t, request)
  if (typeof time === 'number') return time
  if (clock < 0 || clock === CLOCK.processCpu) return sleepOnCpu(k, t, args, time)
  const deadline = deadlineOn(k, clock, time, absolute)
  return deadline < 0 ? deadline : sleepUntil(k, t, 230, args, deadline, left)
}

/** Waits until CPU time has passed: the process' own, or another thread's. */
function sleepOnCpu(k: Kernel, t: Task, args: number[], time: TimeOfDay): number {
  const cpuOf = cpuClockOf(t, args[0]!)
  const now = cpuTimeOf(k, cpuOf)
  if (now === null || cpuOf === -t.tid || (args[0]! & 3) === 3) return -ERRNO.EINVAL
  const ns = time.seconds * NS_PER_SECOND + time.ns
  const at = args[1]! & TIMER_ABSTIME ? ns : now + ns
  if (now >= at) return 0
  t.wait = newWait({ nr: 230, args, kind: 'cpu', restart: 'eintr', detail: { cpuOf, at } })
  k.state.cpuSleeps.push({ tid: t.tid, cpuOf, at })
  k.attention = true
  return BLOCKED
}

function wakeOnCpu(k: Kernel, t: Task, remaining: number): number {
  const { cpuOf, at } = t.wait!.detail as { cpuOf: number; at: number }
  const now = cpuTimeOf(k, cpuOf)
  if (now === null || now >= at) return 0
  if (t.wait!.outcome === 'signal' && remaining !== 0 && writeTimespec(k, t, remaining, split(at - now)) !== 0)
    return -ERRNO.EFAULT
  if (!k.state.cpuSleeps.some(({ tid }) => tid === t.tid)) k.state.cpuSleeps.push({ tid: t.tid, cpuOf, at })
  return BLOCKED
}

function gettimeofday(k: Kernel, t: Task, [address, zone]: number[]): number {
  if (address !== 0 && writeTimeval(k, t, address!, realtime(k.state)) !== 0) return -ERRNO.EFAULT
  if (zone !== 0 && !k.space(t).write(zone!, new Uint8Array(8))) return -ERRNO.EFAULT
  return 0
}

function time(k: Kernel, t: Task, [address]: number[]): number {
  const { seconds } = realtime(k.state)
  return address === 0 || k.space(t).writeU64(address!, BigInt(seconds)) ? seconds : -ERRNO.EFAULT
}

/** All CPU time is user time: the kernel's own costs no instruction. */
function times(k: Kernel, t: Task, [address]: number[]): number {
  if (address !== 0) {
    const view = new DataView(new ArrayBuffer(32))
    const process = k.process(t)
    const ofChildren = process.childrenCount * k.state.constants.nsPerInstruction
    view.setBigInt64(0, BigInt(Math.floor(cpuNs(k, process) / TICK_NS)), true)
    view.setBigInt64(16, BigInt(Math.floor(ofChildren / TICK_NS)), true)
    if (!k.space(t).write(address!, new Uint8Array(view.buffer))) return -ERRNO.EFAULT
  }
  return Math.floor(k.now() / TICK_NS)
}

const ITIMERS = ['real', 'virtual', 'prof'] as const

/** What is left of an interval timer, and its interval. */
function itimerLeft(k: Kernel, t: Task, which: number): [TimeOfDay, TimeOfDay] {
  const process = k.process(t)
  const timer = process.itimers[ITIMERS[which]!]
  const now = which === 0 ? k.now() : cpuNs(k, process)
  // An armed timer never shows 0.
  const left = timer.at === 0 ? 0 : Math.max(1000, timer.at - now)
  return [split(timer.interval), split(left)]
}

function getitimer(k: Kernel, t: Task, [which, address]: number[]): number {
  if (which! < 0 || which! > 2) return -ERRNO.EINVAL
  const [interval, left] = itimerLeft(k, t, which!)
  return writeTimeval(k, t, address!, interval) || writeTimeval(k, t, address! + 16, left)
}

function setitimer(k: Kernel, t: Task, args: number[]): number {
  const [which, newAddress, oldAddress] = args as [number, number, number]
  if (which < 0 || which > 2) return -ERRNO.EINVAL
  let interval = 0
  let value = 0
  if (newAddress !== 0) {
    const first = readTimeval(k, t, newAddress)
    const second = readTimeval(k, t, newAddress + 16)
    if (typeof first === 'number') return first
    if (typeof second === 'number') return second
    interval = first.seconds * NS_PER_SECOND + first.ns
    value = second.seconds * NS_PER_SECOND + second.ns
  }
  const [oldInterval, oldLeft] = itimerLeft(k, t, which)
  const process = k.process(t)
  if (which === 0) setRealTimer(k, process, value, interval)
  else setCpuTimer(k, process, which === 1 ? 'virtual' : 'prof', value, interval)
  if (oldAddress === 0) return 0
  return writeTimeval(k, t, oldAddress, oldInterval) || writeTimeval(k, t, oldAddress + 16, oldLeft)
}

function alarm(k: Kernel, t: Task, [seconds]: number[]): number {
  const [, left] = itimerLeft(k, t, 0)
  setRealTimer(k, k.process(t), seconds! * NS_PER_SECOND, 0)
  // Rounded as Linux does, and never to 0 while an alarm is set.
  return left.seconds + (left.ns >= NS_PER_SECOND / 2 || (left.seconds === 0 && left.ns > 0) ? 1 : 0)
}

const SIGEV = { signal: 0, none: 1, threadId: 4 }

function timerCreate(k: Kernel, t: Task, args: number[]): number {
  const [clock, event, idAddress] = args as [number, number, number]
  const process = k.process(t)
  const { space } = k.memory(t)
  const timer: PosixTimer = {
    id: process.nextTimer,
    clock,
    notify: SIGEV.signal,
    signal: SIG.alrm,
    tid: 0,
    value: BigInt(process.nextTimer),
    at: 0,
    interval: 0,
    overrun: 0,
    cpuOf: cpuClockOf(t, clock),
  }
  const known = clockTime(k, t, clock)
  if (typeof known === 'number') return known
  if (clock === CLOCK.monotonicRaw || clock === CLOCK.realtimeCoarse || clock === CLOCK.monotonicCoarse)
    return -ERRNO.EOPNOTSUPP
  if (timer.cpuOf > 0 && timer.cpuOf !== t.pid)
    return k.refuse(t, "timer_create of another process' CPU clock", 'EINVAL')
  if (event !== 0) {
    const bytes = space.read(event, 64)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, 64)
    timer.value = view.getBigUint64(0, true)
    timer.signal = view.getInt32(8, true)
    timer.notify = view.getInt32(12, true)
    timer.tid = view.getInt32(16, true)
    const { notify, signal } = timer
    if (notify !== SIGEV.signal && notify !== SIGEV.none && notify !== SIGEV.threadId) return -ERRNO.EINVAL
    if (notify !== SIGEV.none && (signal < 1 || signal > SIGNAL_MAX)) return -ERRNO.EINVAL
    if (notify === SIGEV.threadId && k.state.tasks.get(timer.tid)?.pid !== t.pid) return -ERRNO.EINVAL
  }
  if (!space.writeU32(idAddress, timer.id)) return -ERRNO.EFAULT
  process.nextTimer++
  process.timers.push(timer)
  return 0
}

function timerSettime(k: Kernel, t: Task, args: number[]): number {
  const [id, flags, newAddress, oldAddress] = args as [number, number, number, number]
  const process = k.process(t)
  if (newAddress === 0) return -ERRNO.EINVAL
  const interval = readTimespec(k, t, newAddress)
  const value = readTimespec(k, t, newAddress + 16)
  if (typeof interval === 'number') return interval
  if (typeof value === 'number') return value
  const timer = process.timers.find((other) => other.id === id)
  if (timer === undefined) return -ERRNO.EINVAL
  const before = { ...timer }
  const armed = value.seconds !== 0 || value.ns !== 0
  const absolute = (flags & TIMER_ABSTIME) !== 0
  if (timer.cpuOf !== 0) {
    const ns = value.seconds * NS_PER_SECOND + value.ns
    const now = cpuTimeOf(k, timer.cpuOf)
    if (now === null) return -ERRNO.ESRCH
    const at = armed ? Math.max(1, absolute ? ns : now + ns) : 0
    setPosixTimer(k, process, timer, at, interval.seconds * NS_PER_SECOND + interval.ns)
    return oldAddress === 0 ? 0 : writeTimer(k, t, oldAddress, before)
  }
  const at = armed ? Math.max(1, deadlineOn(k, timer.clock, value, absolute)) : 0
  setPosixTimer(k, process, timer, at, interval.seconds * NS_PER_SECOND + interval.ns)
  return oldAddress === 0 ? 0 : writeTimer(k, t, oldAddress, before)
}

function writeTimer(k: Kernel, t: Task, address: number, { at, interval, cpuOf }: PosixTimer): number {
  const now = cpuOf === 0 ? k.now() : (cpuTimeOf(k, cpuOf) ?? at)
  const left = at === 0 ? 0 : Math.max(1, at - now)
  return writeTimespec(k, t, address, split(interval)) || writeTimespec(k, t, address + 16, split(left))
}

function timerGettime(k: Kernel, t: Task, [id, address]: number[]): number {
  const timer = k.process(t).timers.find((other) => other.id === id)
  return timer === undefined ? -ERRNO.EINVAL : writeTimer(k, t, address!, timer)
}

function timerDelete(k: Kernel, t: Task, [id]: number[]): number {
  const process = k.process(t)
  const timer = process.timers.find((other) => other.id === id)
  if (timer === undefined) return -ERRNO.EINVAL
  setPosixTimer(k, process, timer, 0, 0)
  process.timers.splice(process.timers.indexOf(timer), 1)
  return 0
}

const itimerArg = oneOf(
  [
    [0, 'ITIMER_REAL'],
    [1, 'ITIMER_VIRTUAL'],
    [2, 'ITIMER_PROF'],
  ],
  'ITIMER_???',
)
const itimerval = (view: DataView): string => `{it_interval=${timevalText(view)}, it_value=${timevalText(view, 16)}}`
const itimerspec = (view: DataView): string => `{it_interval=${timespecText(view)}, it_value=${timespecText(view, 16)}}`
const remainingOut: ArgType = {
  ...timespecOut,
  text: (value, call) => (call.result === -ERRNO.EINTR ? timespecIn.text(value, call) : pointerText(value)),
}
/** struct sigevent. */
export const sigevent = structIn(64, (view) => {
  const notify =
    ['SIGEV_SIGNAL', 'SIGEV_NONE', 'SIGEV_THREAD', '', 'SIGEV_THREAD_ID'][view.getInt32(12, true)] ||
    `${hex(view.getUint32(12, true))} /* SIGEV_??? */`
  const thread = view.getInt32(12, true) === SIGEV.threadId ? `, sigev_notify_thread_id=${view.getInt32(16, true)}` : ''
  return `{sigev_value={sival_int=${view.getInt32(0, true)}, sival_ptr=${pointerText(i64At(view, 0))}}, sigev_signo=${signalName(view.getInt32(8, true))}, sigev_notify=${notify}${thread}}`
})
const timerArg = shown(asInt, String)
const flagsArg = oneOf(
  [
    [0, '0'],
    [1, 'TIMER_ABSTIME'],
  ],
  'TIMER_???',
)
const ownClocks = { support: 'partial: the CPU clock of another process is EINVAL and reported' } as const

export const timeCalls: readonly Declaration[] = [
  syscall(
    35,
    'nanosleep',
    [
      ['rqtp', timespecIn],
      ['rmtp', remainingOut],
    ],
    number,
    nanosleep,
  ),
  syscall(
    36,
    'getitimer',
    [
      ['which', itimerArg],
      ['value', structOut(32, itimerval)],
    ],
    number,
    getitimer,
  ),
  syscall(37, 'alarm', [['seconds', uint]], number, alarm),
  syscall(
    38,
    'setitimer',
    [
      ['which', itimerArg],
      ['value', structIn(32, itimerval)],
      ['ovalue', structOut(32, itimerval)],
    ],
    number,
    setitimer,
  ),
  syscall(
    96,
    'gettimeofday',
    [
      ['tv', structOut(16, (view) => timevalText(view))],
      ['tz', { ...ptr, writes: (value) => [{ start: value, length: 8 }] }],
    ],
    number,
    gettimeofday,
  ),
  syscall(
    100,
    'times',
    [
      [
        'buf',
        structOut(
          32,
          (view) =>
            `{tms_utime=${i64At(view, 0)}, tms_stime=${i64At(view, 8)}, tms_cutime=${i64At(view, 16)}, tms_cstime=${i64At(view, 24)}}`,
        ),
      ],
    ],
    number,
    times,
  ),
  syscall(201, 'time', [['tloc', { ...ptr, writes: (value) => [{ start: value, length: 8 }] }]], number, time),
  syscall(
    222,
    'timer_create',
    [
      ['clockid', clockArg],
      ['sevp', sigevent],
      ['timerid', structOut(4, (view) => `[${view.getInt32(0, true)}]`)],
    ],
    number,
    timerCreate,
    ownClocks,
  ),
  syscall(
    223,
    'timer_settime',
    [
      ['timerid', timerArg],
      ['flags', flagsArg],
      ['new', structIn(32, itimerspec)],
      ['old', structOut(32, itimerspec)],
    ],
    number,
    timerSettime,
  ),
  syscall(
    224,
    'timer_gettime',
    [
      ['timerid', timerArg],
      ['curr', structOut(32, itimerspec)],
    ],
    number,
    timerGettime,
  ),
  syscall(
    225,
    'timer_getoverrun',
    [['timerid', timerArg]],
    number,
    (k, t, [id]) => k.process(t).timers.find((timer) => timer.id === id)?.overrun ?? -ERRNO.EINVAL,
  ),
  syscall(226, 'timer_delete', [['timerid', timerArg]], number, timerDelete),
  syscall(
    227,
    'clock_settime',
    [
      ['clockid', clockArg],
      ['tp', timespecIn],
    ],
    number,
    (k, t, [clock, address]) => {
      if (clock !== CLOCK.realtime) return -ERRNO.EINVAL
      const time = readTimespec(k, t, address!)
      return typeof time === 'number' ? time : -ERRNO.EPERM
    },
  ),
  syscall(
    228,
    'clock_gettime',
    [
      ['clockid', clockArg],
      ['tp', timespecOut],
    ],
    number,
    clockGettime,
  ),
  syscall(
    229,
    'clock_getres',
    [
      ['clockid', clockArg],
      ['res', timespecOut],
    ],
    number,
    clockGetres,
  ),
  syscall(
    230,
    'clock_nanosleep',
    [
      ['clockid', clockArg],
      ['flags', flagsArg],
      ['request', timespecIn],
      ['remain', remainingOut],
    ],
    number,
    clockNanosleep,
  ),
]
