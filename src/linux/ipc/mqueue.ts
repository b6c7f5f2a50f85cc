/** Exists to keep POSIX message queues (mq_overview(7)): named, ordered by priority, open like files, and able to tell of a message's arrival. */
import { CAP, capable } from '../capabilities.ts'
import { setI64 } from '../arguments.ts'
import { ERRNO } from '../errno.ts'
import { signalActivity } from '../fs/async.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { deliverCookie } from '../net/netlink.ts'
import { CODE } from '../signal-names.ts'
import { sendToProcess, signalInfo } from '../signals.ts'
import type { Process, Task } from '../state.ts'
import type { PosixNotify, PosixQueue } from './state.ts'

/** What mq_open(3) makes when nobody says otherwise, and the limits for who is not privileged (/proc/sys/fs/mqueue). */
const DEFAULT = { messages: 10, size: 8192 } as const
const LIMIT = { messages: 10, size: 8192 } as const
/** HARD_MSGMAX and HARD_MSGSIZEMAX: limits for everybody. */
const HARD = { messages: 65536, size: 16 * 1024 * 1024 } as const
/** Queues at most. */
const QUEUES_MAX = 256
/** MQ_PRIO_MAX. */
export const PRIORITY_MAX = 32768
const NAME_MAX = 255
const EVENT = { signal: 0, none: 1, thread: 2 } as const
/** What the last byte of a cookie says: a message has come, or the request has gone. */
const COOKIE = { woken: 1, removed: 2 } as const
/** Bytes of struct mq_attr. */
export const ATTR_SIZE = 64

/** 0, or the errno of a name: as the C library passes it, without the leading slash. */
export function checkName(name: string): number {
  if (name === '') return -ERRNO.EINVAL
  if (name.includes('/')) return -ERRNO.EACCES
  if (name === '.' || name === '..') return -ERRNO.EACCES
  return name.length > NAME_MAX ? -ERRNO.ENAMETOOLONG : 0
}

export function queueNamed(k: Kernel, name: string): PosixQueue | undefined {
  for (const queue of k.state.ipc.queues.values()) if (queue.name === name) return queue
  return undefined
}

/** A new queue, or a negative errno. `wanted` is null for the defaults. */
export function makeQueue(
  k: Kernel,
  t: Task,
  name: string,
  mode: number,
  wanted: { messages: number; size: number } | null,
): PosixQueue | number {
  const { uid, gid } = t.credentials
  const { messages, size } = wanted ?? DEFAULT
  const most = capable(t, CAP.sysResource) ? HARD : LIMIT
  if (!(messages > 0 && messages <= most.messages && size > 0 && size <= most.size)) return -ERRNO.EINVAL
  if (k.state.ipc.queues.size >= QUEUES_MAX && !capable(t, CAP.sysResource)) return -ERRNO.ENOSPC
  const id = k.state.ipc.nextQueue++
  const queue: PosixQueue = {
    id,
    name,
    uid: uid[3],
    gid: gid[3],
    mode: mode & 0o777 & ~k.process(t).where.umask,
    maxMessages: messages,
    messageSize: size,
    messages: [],
    ends: [],
    notify: null,
  }
  k.state.ipc.queues.set(id, queue)
  return queue
}

/** Whether the caller may open a queue for reading (4) and writing (2). */
export function mayOpen(t: Task, queue: PosixQueue, wanted: number): boolean {
  const { uid, gid, groups } = t.credentials
  if (capable(t, CAP.dacOverride)) return true
  const shift = uid[3] === queue.uid ? 6 : gid[3] === queue.gid || groups.includes(queue.gid) ? 3 : 0
  return ((queue.mode >> shift) & wanted) === wanted
}

export function queueOf(k: Kernel, d: Description): PosixQueue {
  return k.state.ipc.queues.get(Number(d.counter))!
}

/** struct mq_attr of a queue as a descriptor shows it. */
export function attributes(queue: PosixQueue, d: Description): Uint8Array {
  const view = new DataView(new ArrayBuffer(ATTR_SIZE))
  const nonblock = d.flags & 0o4000
  ;[nonblock, queue.maxMessages, queue.messageSize, queue.messages.length].forEach((value, i) =>
    setI64(view, 8 * i, value),
  )
  return new Uint8Array(view.buffer)
}

function stirAll(k: Kernel, queue: PosixQueue): void {
  for (const id of queue.ends) signalActivity(k, id, 'both')
}

/** Puts a message in its place; the queue has room. */
export function put(k: Kernel, t: Task, queue: PosixQueue, priority: number, bytes: Uint8Array): void {
  const { messages } = queue
  const first = messages.length === 0
  const index = messages.findIndex(({ type }) => type < priority)
  messages.splice(index < 0 ? messages.length : index, 0, { type: priority, bytes })
  // Somebody who waits in mq_receive takes it before anybody is told.
  if (first && queue.notify !== null && !hasReceiver(k, queue)) tell(k, t, queue, queue.notify)
  stirAll(k, queue)
}

function hasReceiver(k: Kernel, queue: PosixQueue): boolean {
  for (const { wait } of k.state.tasks.values())
    if (wait?.nr === 243 && wait.outcome === null && wait.fds?.some(({ id }) => queue.ends.includes(id))) return true
  return false
}

function tell(k: Kernel, t: Task, queue: PosixQueue, notify: PosixNotify): void {
  queue.notify = null
  const process = k.state.processes.get(notify.pid)
  if (process === undefined) return
  if (notify.how === EVENT.signal) {
    const uid = t.credentials.uid[0]
    sendToProcess(k, process, signalInfo(notify.signal, CODE.messageQueue, { pid: t.pid, uid, value: notify.value }))
  } else if (notify.how === EVENT.thread) cookie(k, notify, COOKIE.woken)
}

function cookie(k: Kernel, notify: PosixNotify, news: number): void {
  const bytes = notify.cookie.slice()
  bytes[bytes.length - 1] = news
  deliverCookie(k, notify.socket, bytes)
}

/** Takes the first message; there is one. */
export function take(k: Kernel, queue: PosixQueue): { type: number; bytes: Uint8Array } {
  const message = queue.messages.shift()!
  stirAll(k, queue)
  return message
}

/** Takes a process' request to be told away. */
export function forgetNotify(k: Kernel, queue: PosixQueue, process: Process): void {
  const { notify } = queue
  if (notify === null || notify.pid !== process.pid) return
  queue.notify = null
  if (notify.how === EVENT.thread) cookie(k, notify, COOKIE.removed)
}

/** Keeps a request to be told, or a negative errno. */
export function askNotify(queue: PosixQueue, notify: PosixNotify): number {
  if (queue.notify !== null) return -ERRNO.EBUSY
  queue.notify = notify
  return 0
}

/** The last descriptor of a description is closed: a queue without name and ends is gone. */
export function leaveQueue(k: Kernel, d: Description): void {
  const queue = queueOf(k, d)
  queue.ends.splice(queue.ends.indexOf(d.id), 1)
  dropQueue(k, queue)
}

export function dropQueue(k: Kernel, queue: PosixQueue): void {
  if (queue.name === null && queue.ends.length === 0) k.state.ipc.queues.delete(queue.id)
}

/** What reading a descriptor of a queue shows (mq_overview(7)). */
export function statusLine(k: Kernel, d: Description): Uint8Array {
  const queue = queueOf(k, d)
  const size = queue.messages.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const { how = 0, signal = 0, pid = 0 } = queue.notify ?? {}
  const columns = [size, how, how === EVENT.signal ? signal : 0, pid].map((value) => String(value))
  const [qsize, notify, signo, owner] = columns
  const line = `QSIZE:${qsize!.padEnd(10)} NOTIFY:${notify!.padEnd(5)} SIGNO:${signo!.padEnd(5)} NOTIFY_PID:${owner!.padEnd(6)}\n`
  return new TextEncoder().encode(line)
}
