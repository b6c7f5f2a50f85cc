/** Exists to keep message queues (msgget(2)): senders wait for room and receivers for messages, each served in turn. */
import { CAP, capable } from '../capabilities.ts'
import { i64At, setI64, u64At } from '../arguments.ts'
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { newWait, wake } from '../tasks.ts'
import {
  atIndex,
  find,
  get,
  highest,
  IPC,
  IPC_NOWAIT,
  ipcWait,
  owns,
  permits,
  putPerm,
  seconds,
  takePerm,
  waiters,
} from './common.ts'
import type { IpcWait, Message, MsgQueue } from './state.ts'

const MSG = { stat: 11, info: 12, statAny: 13 } as const
const RECEIVE = { noError: 0o10000, except: 0o20000, copy: 0o40000 } as const
/** Bytes of a message, and of all messages of a queue, at most. */
const MESSAGE_MAX = 8192
const QUEUE_MAX = 16384
/** Bytes of struct msqid64_ds. */
const MSQID_SIZE = 120
const INT_MAX = 0x7fff_ffff

export function msgget(k: Kernel, t: Task, [key, flags]: number[]): number {
  return get(
    k,
    t,
    k.state.ipc.msg,
    key!,
    flags!,
    () => 0,
    (base): MsgQueue => ({
      ...base,
      messages: [],
      bytes: 0,
      limit: QUEUE_MAX,
      stime: 0,
      rtime: 0,
      lastSender: 0,
      lastReceiver: 0,
    }),
  )
}

function hasRoom(queue: MsgQueue, bytes: number): boolean {
  return queue.bytes + bytes <= queue.limit && queue.messages.length + 1 <= queue.limit
}

function put(k: Kernel, queue: MsgQueue, message: Message, pid: number): void {
  queue.messages.push(message)
  queue.bytes += message.bytes.length
  queue.lastSender = pid
  queue.stime = seconds(k)
}

/** Index of the message that a receiver takes, or -1. */
function choose(queue: MsgQueue, wanted: number, flags: number): number {
  const { messages } = queue
  if (flags & RECEIVE.copy) return wanted < messages.length ? wanted : -1
  if (wanted === 0) return messages.length > 0 ? 0 : -1
  if (wanted > 0) return messages.findIndex(({ type }) => (flags & RECEIVE.except ? type !== wanted : type === wanted))
  let best = -1
  messages.forEach(({ type }, i) => {
    if (type <= -wanted && (best < 0 || type < messages[best]!.type)) best = i
  })
  return best
}

/** Takes a message for a receiver: null for none, -E2BIG for one that does not fit. */
function take(k: Kernel, queue: MsgQueue, wait: IpcWait, pid: number): Message | number | null {
  const index = choose(queue, wait.wanted, wait.flags)
  if (index < 0) return null
  const message = queue.messages[index]!
  if (message.bytes.length > wait.room && !(wait.flags & RECEIVE.noError)) return -ERRNO.E2BIG
  if (wait.flags & RECEIVE.copy) return message
  queue.messages.splice(index, 1)
  queue.bytes -= message.bytes.length
  queue.lastReceiver = pid
  queue.rtime = seconds(k)
  return message
}

/** Lets those who wait at a queue go on, as far as what has changed allows. */
function serve(k: Kernel, queue: MsgQueue): void {
  for (let again = true; again;) {
    again = false
    for (const { t, wait } of waiters(k, 'receive', queue.id)) {
      const taken = take(k, queue, wait, t.pid)
      if (taken === null) continue
      if (typeof taken === 'number') wait.result = taken
      else {
        wait.message = taken
        wait.result = Math.min(taken.bytes.length, wait.room)
        again = true
      }
      wake(k, t, 'ready')
    }
    for (const { t, wait } of waiters(k, 'send', queue.id)) {
      if (!hasRoom(queue, wait.message!.bytes.length)) continue
      put(k, queue, wait.message!, t.pid)
      wait.result = 0
      again = true
      wake(k, t, 'ready')
    }
  }
}

/** Whether there was room. */
function send(k: Kernel, t: Task, queue: MsgQueue, message: Message): boolean {
  if (!hasRoom(queue, message.bytes.length)) return false
  put(k, queue, message, t.pid)
  serve(k, queue)
  return true
}

export function msgsnd(k: Kernel, t: Task, args: number[]): number {
  const [id, address, size, flags] = args as [number, number, number, number]
  if (t.wait !== null) {
    const { result, message } = t.wait.detail as IpcWait
    if (result !== null) return result
    // While a signal was on its way nobody served it.
    const queue = k.state.ipc.msg.objects.get(id)
    return queue === undefined ? -ERRNO.EIDRM : send(k, t, queue, message!) ? 0 : BLOCKED
  }
  const head = k.space(t).read(address, 8)
  if (head === null) return -ERRNO.EFAULT
  const type = i64At(new DataView(head.buffer, head.byteOffset, 8), 0)
  if (!(size <= MESSAGE_MAX) || id < 0 || type < 1) return -ERRNO.EINVAL
  const bytes = k
    .space(t)
    .read(address + 8, size)
    ?.slice()
  if (bytes === undefined) return -ERRNO.EFAULT
  const queue = find(k.state.ipc.msg, id)
  if (typeof queue === 'number') return queue
  if (!permits(t, queue, 2)) return -ERRNO.EACCES
  const message = { type, bytes }
  if (send(k, t, queue, message)) return 0
  if (flags & IPC_NOWAIT) return -ERRNO.EAGAIN
  const detail = ipcWait(k, { queue: 'send', id, message })
  t.wait = newWait({ nr: 69, args, kind: 'ipc', restart: 'eintr', detail })
  return BLOCKED
}

/** What msgrcv returns, or null when no message is there for the task. */
function receive(k: Kernel, t: Task, queue: MsgQueue, wait: IpcWait, address: number): number | null {
  const taken = take(k, queue, wait, t.pid)
  if (taken === null || typeof taken === 'number') return taken
  serve(k, queue)
  return deliver(k, t, address, taken, wait.room)
}

export function msgrcv(k: Kernel, t: Task, args: number[]): number {
  const [id, address, size, wanted, flags] = args as [number, number, number, number, number]
  if (t.wait !== null) {
    const detail = t.wait.detail as IpcWait
    if (detail.result !== null) return detail.result < 0 ? detail.result : deliver(k, t, address, detail.message!, size)
    const queue = k.state.ipc.msg.objects.get(id)
    return queue === undefined ? -ERRNO.EIDRM : (receive(k, t, queue, detail, address) ?? BLOCKED)
  }
  if (id < 0 || !(size <= INT_MAX)) return -ERRNO.EINVAL
  if (flags & RECEIVE.copy && (flags & RECEIVE.except || !(flags & IPC_NOWAIT))) return -ERRNO.EINVAL
  const queue = find(k.state.ipc.msg, id)
  if (typeof queue === 'number') return queue
  if (!permits(t, queue, 4)) return -ERRNO.EACCES
  const detail = ipcWait(k, { queue: 'receive', id, wanted, room: size, flags })
  const received = receive(k, t, queue, detail, address)
  if (received !== null) return received
  if (flags & IPC_NOWAIT) return -ERRNO.ENOMSG
  t.wait = newWait({ nr: 70, args, kind: 'ipc', restart: 'eintr', detail })
  return BLOCKED
}

function deliver(k: Kernel, t: Task, address: number, { type, bytes }: Message, room: number): number {
  const part = bytes.subarray(0, room)
  const head = new DataView(new ArrayBuffer(8))
  setI64(head, 0, type)
  const { space } = k.memory(t)
  return space.write(address, new Uint8Array(head.buffer)) && space.write(address + 8, part)
    ? part.length
    : -ERRNO.EFAULT
}

export function msgctl(k: Kernel, t: Task, args: number[]): number {
  const [id, command, buffer] = args as [number, number, number]
  const table = k.state.ipc.msg
  const { space } = k.memory(t)
  if (id < 0 || command < 0) return -ERRNO.EINVAL
  switch (command) {
    case IPC.info:
    case MSG.info:
      return space.write(buffer, infoBytes(k, command === MSG.info)) ? highest(table) : -ERRNO.EFAULT
    case IPC.stat:
    case MSG.stat:
    case MSG.statAny: {
      const queue = command === IPC.stat ? find(table, id) : atIndex(table, id)
      if (typeof queue === 'number') return queue
      if (command !== MSG.statAny && !permits(t, queue, 4)) return -ERRNO.EACCES
      if (!space.write(buffer, describe(queue))) return -ERRNO.EFAULT
      return command === IPC.stat ? 0 : queue.id
    }
    case IPC.set:
    case IPC.rmid: {
      const bytes = command === IPC.set ? space.read(buffer, MSQID_SIZE) : new Uint8Array(0)
      if (bytes === null) return -ERRNO.EFAULT
      const queue = find(table, id)
      if (typeof queue === 'number') return queue
      if (!owns(t, queue)) return -ERRNO.EPERM
      if (command === IPC.rmid) remove(k, queue)
      else {
        const view = new DataView(bytes.buffer, bytes.byteOffset, MSQID_SIZE)
        const limit = u64At(view, 88)
        if (limit > QUEUE_MAX && !capable(t, CAP.sysResource)) return -ERRNO.EPERM
        takePerm(k, queue, view)
        queue.limit = limit
        serve(k, queue)
      }
      return 0
    }
    default:
      return -ERRNO.EINVAL
  }
}

function remove(k: Kernel, queue: MsgQueue): void {
  for (const { t, wait } of [...waiters(k, 'receive', queue.id), ...waiters(k, 'send', queue.id)]) {
    wait.result = -ERRNO.EIDRM
    wake(k, t, 'ready')
  }
  k.state.ipc.msg.objects.delete(queue.id)
}

function describe(queue: MsgQueue): Uint8Array {
  const view = new DataView(new ArrayBuffer(MSQID_SIZE))
  putPerm(view, queue)
  const { stime, rtime, ctime, bytes, messages, limit } = queue
  ;[stime, rtime, ctime, bytes, messages.length, limit].forEach((value, i) => setI64(view, 48 + 8 * i, value))
  view.setInt32(96, queue.lastSender, true)
  view.setInt32(100, queue.lastReceiver, true)
  return new Uint8Array(view.buffer)
}

/** struct msginfo: limits, or with `used` what is in use in three of its fields. */
function infoBytes(k: Kernel, used: boolean): Uint8Array {
  const queues = [...k.state.ipc.msg.objects.values()]
  const count = queues.reduce((sum, { messages }) => sum + messages.length, 0)
  const bytes = queues.reduce((sum, queue) => sum + queue.bytes, 0)
  const [pool, map, most] = used ? [queues.length, count, bytes] : [512_000, QUEUE_MAX, QUEUE_MAX]
  return new Uint8Array(Int32Array.from([pool!, map!, MESSAGE_MAX, QUEUE_MAX, 32000, 16, most!, 0xffff]).buffer)
}
