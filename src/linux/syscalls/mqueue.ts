/** Exists to declare POSIX message queues. */
import {
  bufferText,
  fd,
  i64At,
  number,
  shown,
  size,
  structIn,
  structOut,
  structText,
  timespecIn,
  uint,
  asInt,
  asU64,
  path,
} from '../arguments.ts'
import { realtimeToMonotonicNs } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, installOrDrop } from '../fs/description.ts'
import { addInode, timeNow } from '../fs/inode.ts'
import type { Description } from '../fs/state.ts'
import { readPath } from '../fs/walk.ts'
import {
  askNotify,
  ATTR_SIZE,
  attributes,
  checkName,
  dropQueue,
  forgetNotify,
  makeQueue,
  mayOpen,
  PRIORITY_MAX,
  put,
  queueNamed,
  queueOf,
  take,
} from '../ipc/mqueue.ts'
import type { Kernel } from '../kernel.ts'
import { SIGNAL_MAX } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { pointerText } from '../strace.ts'
import { openFlagsText } from '../table-flags.ts'
import { newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'
import { modeText } from './file-text.ts'
import { sigevent } from './time.ts'

const O = { creat: 0o100, excl: 0o200, nonblock: 0o4000, cloexec: 0o2000000 } as const
/** Bytes that mq_notify's helper thread gets. */
const COOKIE_SIZE = 32

function mqOpen(k: Kernel, t: Task, args: number[]): number {
  const [address, flags, mode, attr] = args as [number, number, number, number]
  const name = readPath(k, t, address)
  if (typeof name === 'number') return name
  if (name === '') return -ERRNO.ENOENT
  let wanted: { messages: number; size: number } | null = null
  if (attr !== 0 && flags & O.creat) {
    const bytes = k.space(t).read(attr, ATTR_SIZE)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, ATTR_SIZE)
    wanted = { messages: i64At(view, 8), size: i64At(view, 16) }
  }
  const wrong = checkName(name)
  if (wrong !== 0) return wrong
  const access = flags & 3
  if (access === 3) return -ERRNO.EINVAL
  let queue = queueNamed(k, name)
  if (queue === undefined) {
    if (!(flags & O.creat)) return -ERRNO.ENOENT
    const made = makeQueue(k, t, name, mode, wanted)
    if (typeof made === 'number') return made
    queue = made
  } else {
    if (flags & O.creat && flags & O.excl) return -ERRNO.EEXIST
    if (!mayOpen(t, queue, (access !== 1 ? 4 : 0) | (access !== 0 ? 2 : 0))) return -ERRNO.EACCES
  }
  const inode = addInode(k.state.fs, { kind: 'file', mode: queue.mode, uid: queue.uid, gid: queue.gid }, timeNow(k))
  const kept = flags & (3 | O.nonblock)
  const d = addDescription(k.state.fs, 'mqueue', kept, inode, { counter: BigInt(queue.id), name: `/${name}` })
  queue.ends.push(d.id)
  return installOrDrop(k, t, d, true)
}

function mqUnlink(k: Kernel, t: Task, [address]: number[]): number {
  const name = readPath(k, t, address!)
  if (typeof name === 'number') return name
  const wrong = checkName(name)
  if (wrong !== 0) return wrong
  const queue = queueNamed(k, name)
  if (queue === undefined) return -ERRNO.ENOENT
  const user = t.credentials.uid[3]
  if (user !== 0 && user !== queue.uid) return -ERRNO.EACCES
  queue.name = null
  dropQueue(k, queue)
  return 0
}

/** The description that a call works on, or a negative errno; `access` 0 for reading, 1 for writing. */
function target(k: Kernel, t: Task, number: number, access: number): Description | number {
  const id = t.wait?.fds?.[0]?.id
  const d = id === undefined ? descriptionOf(k, t, number) : k.state.fs.descriptions.get(id)
  if (d?.type !== 'mqueue') return -ERRNO.EBADF
  return (d.flags & 3) === 1 - access ? -ERRNO.EBADF : d
}

/** When a call gives up, as CLOCK_MONOTONIC ns; null for never, a negative errno for a wrong time. */
function deadlineOf(k: Kernel, t: Task, address: number): number | null {
  if (t.wait !== null) return t.wait.deadline
  if (address === 0) return null
  const time = readTimespec(k, t, address)
  return typeof time === 'number' ? time : Math.max(0, realtimeToMonotonicNs(k.state, time.seconds, time.ns))
}

function waitFor(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  d: Description,
  events: 'read' | 'write',
  deadline: number | null,
): number {
  if (d.flags & O.nonblock) return -ERRNO.EAGAIN
  if (t.wait?.outcome === 'timeout' || (deadline !== null && k.now() >= deadline)) return -ERRNO.ETIMEDOUT
  t.wait = newWait({ nr, args, kind: 'fd', deadline, fds: [{ id: d.id, events }] })
  return BLOCKED
}

function mqTimedsend(k: Kernel, t: Task, args: number[]): number {
  const [number, address, length, priority, timeout] = args as [number, number, number, number, number]
  if (priority >= PRIORITY_MAX) return -ERRNO.EINVAL
  const deadline = deadlineOf(k, t, timeout)
  if (deadline !== null && deadline < 0) return deadline
  const d = target(k, t, number, 1)
  if (typeof d === 'number') return d
  const queue = queueOf(k, d)
  if (length > queue.messageSize) return -ERRNO.EMSGSIZE
  const bytes = k.space(t).read(address, length)
  if (bytes === null) return -ERRNO.EFAULT
  if (queue.messages.length >= queue.maxMessages) return waitFor(k, t, 242, args, d, 'write', deadline)
  put(k, t, queue, priority, bytes.slice())
  return 0
}

function mqTimedreceive(k: Kernel, t: Task, args: number[]): number {
  const [number, address, room, priority, timeout] = args as [number, number, number, number, number]
  const deadline = deadlineOf(k, t, timeout)
  if (deadline !== null && deadline < 0) return deadline
  const d = target(k, t, number, 0)
  if (typeof d === 'number') return d
  const queue = queueOf(k, d)
  if (room < queue.messageSize) return -ERRNO.EMSGSIZE
  if (queue.messages.length === 0) return waitFor(k, t, 243, args, d, 'read', deadline)
  const message = take(k, queue)
  const { space } = k.memory(t)
  if (priority !== 0 && !space.writeU32(priority, message.type)) return -ERRNO.EFAULT
  return space.write(address, message.bytes) ? message.bytes.length : -ERRNO.EFAULT
}

function mqNotify(k: Kernel, t: Task, [number, event]: number[]): number {
  const process = k.process(t)
  const bytes = event === 0 ? null : k.space(t).read(event!, 64)
  if (event !== 0 && bytes === null) return -ERRNO.EFAULT
  let how = 0
  let signal = 0
  let value = 0n
  let socket = 0
  let cookie = new Uint8Array(0)
  if (bytes !== null) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 64)
    value = view.getBigUint64(0, true)
    signal = view.getInt32(8, true)
    how = view.getInt32(12, true)
    if (how < 0 || how > 2) return -ERRNO.EINVAL
    if (how === 0 && (signal < 1 || signal > SIGNAL_MAX)) return -ERRNO.EINVAL
    if (how === 2) {
      const read = k.space(t).read(Number(value), COOKIE_SIZE)
      if (read === null) return -ERRNO.EFAULT
      cookie = read.slice()
      const d = descriptionOf(k, t, signal)
      if (d === undefined) return -ERRNO.EBADF
      if (d.type !== 'socket') return -ERRNO.ENOTSOCK
      socket = d.socket
    }
  }
  const d = descriptionOf(k, t, number!)
  if (d?.type !== 'mqueue') return -ERRNO.EBADF
  const queue = queueOf(k, d)
  if (bytes === null) {
    forgetNotify(k, queue, process)
    return 0
  }
  return askNotify(queue, { pid: t.pid, how, signal, value, socket, cookie })
}

function mqGetsetattr(k: Kernel, t: Task, [number, next, old]: number[]): number {
  const { space } = k.memory(t)
  let flags = 0
  if (next !== 0) {
    const bytes = space.read(next!, ATTR_SIZE)
    if (bytes === null) return -ERRNO.EFAULT
    flags = i64At(new DataView(bytes.buffer, bytes.byteOffset, ATTR_SIZE), 0)
    if (flags & ~O.nonblock) return -ERRNO.EINVAL
  }
  const d = descriptionOf(k, t, number!)
  if (d?.type !== 'mqueue') return -ERRNO.EBADF
  const before = attributes(queueOf(k, d), d)
  if (next !== 0) d.flags = (d.flags & ~O.nonblock) | flags
  return old === 0 || space.write(old!, before) ? 0 : -ERRNO.EFAULT
}

const attrText = (view: DataView): string => {
  const n = (at: number): number => i64At(view, at)
  const flags = n(0) === 0 ? 'O_RDONLY' : openFlagsText(n(0))
  return `{mq_flags=${flags === 'O_RDONLY' ? '0' : flags.replace('O_RDONLY|', '')}, mq_maxmsg=${n(8)}, mq_msgsize=${n(16)}, mq_curmsgs=${n(24)}}`
}
const creates: (of: ArgType) => ArgType = (of) => ({
  ...of,
  text: (value, call) => (call.args[1]! & O.creat ? of.text(value, call) : null),
  reads: (value, call) => (call.args[1]! & O.creat ? (of.reads?.(value, call) ?? []) : []),
})
const messageOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) =>
    result === null || result < 0 ? pointerText(value) : bufferText(space, value, result),
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}
const messageIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, { space, args }) => bufferText(space, value, args[2]!),
  reads: (value, { args }) => [{ start: value, length: args[2]! }],
}
const priorityOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) =>
    call.result === null || call.result < 0
      ? pointerText(value)
      : structText(value, 4, (view) => `[${view.getUint32(0, true)}]`, call),
  writes: (value) => [{ start: value, length: 4 }],
}

export const mqueueCalls: readonly Declaration[] = [
  syscall(
    240,
    'mq_open',
    [
      ['name', path],
      ['oflag', shown(asInt, openFlagsText)],
      ['mode', creates(shown(asInt, (value) => modeText(value & 0xffff)))],
      ['attr', creates(structIn(ATTR_SIZE, attrText))],
    ],
    number,
    mqOpen,
  ),
  syscall(241, 'mq_unlink', [['name', path]], number, mqUnlink),
  syscall(
    242,
    'mq_timedsend',
    [
      ['mqdes', fd],
      ['msg', messageIn],
      ['length', size],
      ['priority', uint],
      ['timeout', timespecIn],
    ],
    number,
    mqTimedsend,
  ),
  syscall(
    243,
    'mq_timedreceive',
    [
      ['mqdes', fd],
      ['msg', messageOut],
      ['length', size],
      ['priority', priorityOut],
      ['timeout', timespecIn],
    ],
    number,
    mqTimedreceive,
  ),
  syscall(
    244,
    'mq_notify',
    [
      ['mqdes', fd],
      ['event', sigevent],
    ],
    number,
    mqNotify,
  ),
  syscall(
    245,
    'mq_getsetattr',
    [
      ['mqdes', fd],
      ['new', structIn(ATTR_SIZE, attrText)],
      ['old', structOut(ATTR_SIZE, attrText)],
    ],
    number,
    mqGetsetattr,
  ),
]
