/** Exists to declare epoll and timerfd. */
import {
  asU64,
  fd,
  flags,
  int,
  number,
  oneOf,
  setI64,
  structIn,
  structOut,
  structText,
  timespecText,
} from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, installOrDrop, signalActivity, unwatch } from '../fs/description.ts'
import { timerExpiry, toMonotonic } from '../fs/event-files.ts'
import { O } from '../fs/open.ts'
import { activityOf, EPOLL_EDGE, EPOLL_ONESHOT, itemEvents } from '../fs/ready.ts'
import type { Description, EpollItem } from '../fs/state.ts'
import { applyMask, isOver, limitOf, waitForAny, type Limit } from '../fs/waiting.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { flagsText, pointerText } from '../strace.ts'
import { CLOCKS, EPOLL_EVENTS, EPOLL_FLAGS, EPOLL_OPS, TIMERFD_FLAGS } from '../table-flags.ts'
import { readTimespec, split } from '../user.ts'
import { sigmask } from './poll.ts'

/** Bytes of struct epoll_event, which is packed on x86-64. */
const EVENT_SIZE = 12
const OP = { add: 1, del: 2, mod: 3 } as const
/** Events that an item may ask for. */
const KNOWN_EVENTS = 0xf000_3fff
/** INT_MAX bytes of struct epoll_event. */
const MAX_EVENTS = Math.floor(0x7fff_ffff / EVENT_SIZE)
const EPOLL_EXCLUSIVE = 0x1000_0000
/** What EPOLLEXCLUSIVE goes with: IN, OUT, ERR, HUP, WAKEUP, ET. */
const EXCLUSIVE_WITH = 0xb000_001d

function epollCreate(k: Kernel, t: Task, how: number): number {
  if (how & ~O.cloexec) return -ERRNO.EINVAL
  return installOrDrop(
    k,
    t,
    addDescription(k.state.fs, 'epoll', 2, null, { items: new Map() }),
    (how & O.cloexec) !== 0,
  )
}

/** Whether poll means anything for it: epoll refuses the others. */
function canWatch(d: Description): boolean {
  return [
    'pipe',
    'stdin',
    'stdout',
    'stderr',
    'eventfd',
    'timerfd',
    'epoll',
    'socket',
    'tty',
    'ptmx',
    'signalfd',
    'mqueue',
    'inotify',
    'ring',
  ].includes(d.type)
}

/** Whether `from` watches `to`, directly or through other instances. */
function reaches(k: Kernel, from: Description, to: number): boolean {
  if (from.id === to) return true
  return [...(from.items?.values() ?? [])].some((item) => {
    const next = k.state.fs.descriptions.get(item.id)
    return next?.type === 'epoll' && reaches(k, next, to)
  })
}

/** Epoll instances that may lie in one another. */
const MAX_DEPTH = 4

/** How many levels of epoll instances the instance watches. */
function depthBelow(k: Kernel, epoll: Description): number {
  let depth = 0
  for (const { id } of epoll.items!.values()) {
    const below = k.state.fs.descriptions.get(id)!
    if (below.type === 'epoll') depth = Math.max(depth, 1 + depthBelow(k, below))
  }
  return depth
}

/** How many levels of epoll instances watch it. */
function depthAbove(k: Kernel, epoll: Description): number {
  return Math.max(0, ...epoll.watchers.map((id) => 1 + depthAbove(k, k.state.fs.descriptions.get(id)!)))
}

function epollCtl(k: Kernel, t: Task, args: number[]): number {
  const [instance, operation, number, address] = args as [number, number, number, number]
  let events = 0
  let data = 0n
  if (operation !== OP.del) {
    const bytes = k.space(t).read(address, EVENT_SIZE)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, EVENT_SIZE)
    events = view.getUint32(0, true) & KNOWN_EVENTS
    data = view.getBigUint64(4, true)
  }
  const epoll = descriptionOf(k, t, instance)
  const d = descriptionOf(k, t, number)
  if (!epoll || !d) return -ERRNO.EBADF
  if (epoll.type === 'path' || d.type === 'path') return -ERRNO.EBADF
  if (!canWatch(d)) return -ERRNO.EPERM
  if (epoll.type !== 'epoll' || epoll === d) return -ERRNO.EINVAL
  if (operation !== OP.del && events & EPOLL_EXCLUSIVE) {
    const odd = d.type === 'epoll' || (events & ~EXCLUSIVE_WITH) !== 0
    if (operation === OP.mod || (operation === OP.add && odd)) return -ERRNO.EINVAL
  }
  const key = `${number}:${d.id}`
  const items = epoll.items!
  const item = items.get(key)
  if (operation === OP.add) {
    if (item) return -ERRNO.EEXIST
    if (d.type === 'epoll') {
      if (reaches(k, d, epoll.id)) return -ERRNO.ELOOP
      if (depthBelow(k, d) + 1 + depthAbove(k, epoll) > MAX_DEPTH) return -ERRNO.ELOOP
    }
    items.set(key, { fd: number, id: d.id, events, data, disabled: false, seen: -1 })
    d.watchers.push(epoll.id)
    signalActivity(k, epoll.id, 'read')
    return 0
  }
  if (operation !== OP.del && operation !== OP.mod) return -ERRNO.EINVAL
  if (!item) return -ERRNO.ENOENT
  if (operation === OP.del) {
    items.delete(key)
    unwatch(k.state.fs, d.id, epoll.id)
    return 0
  }
  if (item.events & EPOLL_EXCLUSIVE) return -ERRNO.EINVAL
  items.set(key, { ...item, events, data, disabled: false, seen: -1 })
  signalActivity(k, epoll.id, 'read')
  return 0
}

function epollWait(k: Kernel, t: Task, nr: number, args: number[], limit: Limit): number {
  const [instance, address, max] = args as [number, number, number]
  if (max <= 0 || max > MAX_EVENTS) return -ERRNO.EINVAL
  const epoll = descriptionOf(k, t, instance)
  if (!epoll) return -ERRNO.EBADF
  if (epoll.type !== 'epoll') return -ERRNO.EINVAL
  const found: { item: EpollItem; key: string; events: number }[] = []
  for (const [key, item] of epoll.items!) {
    const events = itemEvents(k, item)
    if (events === 0) continue
    found.push({ item, key, events })
    if (found.length === max) break
  }
  if (found.length === 0 && !isOver(k, limit))
    return waitForAny(k, t, nr, args, [{ id: epoll.id, events: 'read' }], limit)
  const bytes = new Uint8Array(found.length * EVENT_SIZE)
  const view = new DataView(bytes.buffer)
  found.forEach(({ item, events }, i) => {
    view.setUint32(i * EVENT_SIZE, events, true)
    view.setBigUint64(i * EVENT_SIZE + 4, item.data, true)
  })
  if (!k.space(t).write(address, bytes)) return -ERRNO.EFAULT
  for (const { item, key } of found) {
    if (item.events & EPOLL_ONESHOT) item.disabled = true
    if (item.events & EPOLL_EDGE) item.seen = activityOf(k, k.state.fs.descriptions.get(item.id)!)
    // What was reported goes to the end, so that nobody starves behind it.
    epoll.items!.delete(key)
    epoll.items!.set(key, item)
  }
  return found.length
}

function epollPwait(k: Kernel, t: Task, nr: number, args: number[], limit: Limit): number {
  const denied = applyMask(k, t, args[4]!, args[5]!)
  return denied !== 0 ? denied : epollWait(k, t, nr, args, limit)
}

function epollPwait2(k: Kernel, t: Task, args: number[]): number {
  let limit = limitOf(k, t, -1)
  if (args[3] !== 0 && t.wait === null) {
    const time = readTimespec(k, t, args[3]!)
    if (typeof time === 'number') return time
    limit = limitOf(k, t, time.seconds * 1e9 + time.ns)
  }
  return epollPwait(k, t, 441, args, limit)
}

const milliseconds = (k: Kernel, t: Task, timeout: number): Limit => limitOf(k, t, timeout < 0 ? -1 : timeout * 1e6)

const TIMER = { absolute: 1, cancelOnSet: 2 } as const

function timerfdCreate(k: Kernel, t: Task, args: number[]): number {
  const [clock, how] = args as [number, number]
  if (how & ~(O.cloexec | O.nonblock) || ![0, 1, 7, 8, 9].includes(clock)) return -ERRNO.EINVAL
  const d = addDescription(k.state.fs, 'timerfd', 2 | (how & O.nonblock), null, {
    timer: { clock, at: 0, interval: 0 },
  })
  return installOrDrop(k, t, d, (how & O.cloexec) !== 0)
}

function timerOf(k: Kernel, t: Task, number: number): Description | number {
  const d = descriptionOf(k, t, number)
  if (!d) return -ERRNO.EBADF
  return d.type === 'timerfd' ? d : -ERRNO.EINVAL
}

/** struct itimerspec of what is left and the interval. */
function remaining(k: Kernel, d: Description): Uint8Array {
  const { interval } = d.timer!
  const at = timerExpiry(d)
  const now = k.now()
  let rest = at === null ? 0 : at - now
  if (at !== null && rest <= 0) rest = interval === 0 ? 0 : interval - ((now - at) % interval)
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  for (const [offset, ns] of [
    [0, interval],
    [16, rest],
  ] as const) {
    const time = split(ns)
    setI64(view, offset, time.seconds)
    setI64(view, offset + 8, time.ns)
  }
  return bytes
}

function timerfdSettime(k: Kernel, t: Task, args: number[]): number {
  const [number, how, address, old] = args as [number, number, number, number]
  const interval = readTimespec(k, t, address)
  const value = readTimespec(k, t, address + 16)
  if (typeof interval === 'number') return interval
  if (typeof value === 'number') return value
  const d = timerOf(k, t, number)
  if (typeof d === 'number') return d
  if (how & ~(TIMER.absolute | TIMER.cancelOnSet)) return -ERRNO.EINVAL
  const before = remaining(k, d)
  const timer = d.timer!
  const armed = value.seconds !== 0 || value.ns !== 0
  const at =
    how & TIMER.absolute
      ? toMonotonic(k, timer.clock, value.seconds, value.ns)
      : k.now() + value.seconds * 1e9 + value.ns
  d.timer = { clock: timer.clock, at: armed ? Math.max(1, at) : 0, interval: interval.seconds * 1e9 + interval.ns }
  signalActivity(k, d.id, 'read')
  return old === 0 || k.space(t).write(old, before) ? 0 : -ERRNO.EFAULT
}

function timerfdGettime(k: Kernel, t: Task, args: number[]): number {
  const d = timerOf(k, t, args[0]!)
  if (typeof d === 'number') return d
  return k.space(t).write(args[1]!, remaining(k, d)) ? 0 : -ERRNO.EFAULT
}

function eventText(view: DataView, at: number): string {
  const events = flagsText(view.getUint32(at, true), EPOLL_EVENTS, 'EPOLL???')
  return `{events=${events}, data={u32=${view.getUint32(at + 4, true)}, u64=${view.getBigUint64(at + 4, true)}}}`
}

const eventIn = structIn(EVENT_SIZE, (view) => eventText(view, 0))

const eventsOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call: CallView) => {
    const count = call.result ?? -1
    if (count < 0) return pointerText(value)
    return structText(
      value,
      count * EVENT_SIZE,
      (view) => `[${Array.from({ length: count }, (_, i) => eventText(view, i * EVENT_SIZE)).join(', ')}]`,
      call,
    )
  },
  writes: (value, { result }) => [{ start: value, length: Math.max(0, result ?? 0) * EVENT_SIZE }],
  offers: (value, { args }) => [{ start: value, length: Math.max(0, args[2]! | 0) * EVENT_SIZE }],
}

const itimerspec = (view: DataView): string =>
  `{it_interval=${timespecText(view, 0)}, it_value=${timespecText(view, 16)}}`
const sigsetSize: ArgType = { decode: asU64, when: 'in', text: String }
const timerfdFlags = flags(TIMERFD_FLAGS, 'TFD_???')

export const epollCalls: Declaration[] = [
  syscall(213, 'epoll_create', [['size', int]], number, (k, t, a) =>
    a[0]! <= 0 ? -ERRNO.EINVAL : epollCreate(k, t, 0),
  ),
  syscall(291, 'epoll_create1', [['flags', flags(EPOLL_FLAGS, 'EPOLL_???')]], number, (k, t, a) =>
    epollCreate(k, t, a[0]!),
  ),
  syscall(
    233,
    'epoll_ctl',
    [
      ['epfd', fd],
      ['op', oneOf(EPOLL_OPS, 'EPOLL_CTL_???')],
      ['fd', fd],
      ['event', eventIn],
    ],
    number,
    epollCtl,
  ),
  syscall(
    232,
    'epoll_wait',
    [
      ['epfd', fd],
      ['events', eventsOut],
      ['maxevents', int],
      ['timeout', int],
    ],
    number,
    (k, t, a) => epollWait(k, t, 232, a, milliseconds(k, t, a[3]!)),
  ),
  syscall(
    281,
    'epoll_pwait',
    [
      ['epfd', fd],
      ['events', eventsOut],
      ['maxevents', int],
      ['timeout', int],
      ['sigmask', sigmask],
      ['sigsetsize', sigsetSize],
    ],
    number,
    (k, t, a) => epollPwait(k, t, 281, a, milliseconds(k, t, a[3]!)),
  ),
  syscall(
    441,
    'epoll_pwait2',
    [
      ['epfd', fd],
      ['events', eventsOut],
      ['maxevents', int],
      ['timeout', structIn(16, (view) => timespecText(view))],
      ['sigmask', sigmask],
      ['sigsetsize', sigsetSize],
    ],
    number,
    epollPwait2,
  ),
  syscall(
    283,
    'timerfd_create',
    [
      ['clockid', oneOf(CLOCKS, 'CLOCK_???')],
      ['flags', timerfdFlags],
    ],
    number,
    timerfdCreate,
  ),
  syscall(
    286,
    'timerfd_settime',
    [
      ['fd', fd],
      ['flags', timerfdFlags],
      ['new_value', structIn(32, itimerspec)],
      ['old_value', structOut(32, itimerspec)],
    ],
    number,
    timerfdSettime,
  ),
  syscall(
    287,
    'timerfd_gettime',
    [
      ['fd', fd],
      ['curr_value', structOut(32, itimerspec)],
    ],
    number,
    timerfdGettime,
  ),
]
