/**
 * Exists to declare the kernel's asynchronous input and output (io_setup(2)). An operation is done when it is submitted, which a program cannot tell from
 * one that was fast; its event waits to be fetched.
 */
import { PROT } from '../../engine/address-space.ts'
import { PAGE_SIZE } from '../../engine/layout.ts'
import { asI64, asU64, hexU64, i64At, number, ptr, shown, structText, timespecText, u64At } from '../arguments.ts'
import { NS_PER_SECOND } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration, type Handler } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { writeEventfd } from '../fs/event-files.ts'
import type { Kernel } from '../kernel.ts'
import { MAP } from '../mm.ts'
import { setSignalMask } from '../signals.ts'
import type { AioContext, Task } from '../state.ts'
import { hex } from '../strace.ts'
import { newWait, tasksOf, wake } from '../tasks.ts'
import { readTimespec } from '../user.ts'
import { ioCalls } from './io.ts'

const GET_EVENTS = 208
const P_GET_EVENTS = 333

/** /proc/sys/fs/aio-max-nr. */
const MAX_EVENTS = 65_536
const IOCB_SIZE = 64
const EVENT_SIZE = 32
/** Offsets in struct iocb (linux/aio_abi.h). */
const IOCB = {
  data: 0,
  key: 8,
  rwFlags: 12,
  opcode: 16,
  fd: 20,
  buffer: 24,
  bytes: 32,
  offset: 40,
  reserved: 48,
} as const
const IOCB_FLAGS = 56
const IOCB_RESULT_FD = 60
const FLAG_RESULT_FD = 1

/** Commands, and the system calls that do the same. */
const COMMANDS = new Map([
  [0, 17],
  [1, 18],
  [2, 74],
  [3, 75],
  [7, 295],
  [8, 296],
])
const POLL = 5

function handlerOf(nr: number): Handler {
  return ioCalls.find((call) => call.nr === nr)!.handler
}

function contextOf(k: Kernel, t: Task, id: number): AioContext | undefined {
  return k.process(t).aio?.find((context) => context.id === id)
}

/** A context is known by the address of a page, in which a program may look for a ring of events; this one says that there is none. */
function setup(k: Kernel, t: Task, [count, pointer]: number[]): number {
  const space = k.space(t)
  const given = space.readU64(pointer!)
  if (given === null) return -ERRNO.EFAULT
  const wanted = count! % 0x1_0000_0000
  if (given !== 0n || wanted === 0) return -ERRNO.EINVAL
  if (wanted > 0x1_0000_0000 / EVENT_SIZE) return -ERRNO.EINVAL
  const process = k.process(t)
  const used = (process.aio ?? []).reduce((sum, { room }) => sum + room, 0)
  if (used + wanted > MAX_EVENTS) return -ERRNO.EAGAIN
  const memory = k.memory(t)
  const start = memory.place(PAGE_SIZE, 0)
  if (start < 0) return -ERRNO.ENOMEM
  if (!space.writeU64(pointer!, BigInt(start))) return -ERRNO.EFAULT
  const rights = PROT.read | PROT.write
  memory.add({
    start,
    end: start + PAGE_SIZE,
    prot: rights,
    flags: MAP.private,
    file: null,
    name: '/[aio] (deleted)',
    untouched: false,
    onFork: 'drop',
  })
  k.tellMapping(t, start, PAGE_SIZE, rights, '[aio]')
  ;(process.aio ??= []).push({ id: start, room: wanted, events: [] })
  return 0
}

function destroy(k: Kernel, t: Task, [id]: number[]): number {
  const process = k.process(t)
  const context = contextOf(k, t, id!)
  if (context === undefined) return -ERRNO.EINVAL
  process.aio!.splice(process.aio!.indexOf(context), 1)
  if (process.aio!.length === 0) delete process.aio
  k.memory(t).remove(context.id, context.id + PAGE_SIZE)
  k.tellMapping(t, context.id, PAGE_SIZE, -1, '')
  for (const waiter of waiters(k, t, context)) wake(k, waiter, 'ready')
  return 0
}

function waiters(k: Kernel, t: Task, context: AioContext): Task[] {
  return tasksOf(k.state, t.pid).filter(
    ({ wait }) => (wait?.nr === GET_EVENTS || wait?.nr === P_GET_EVENTS) && wait.args[0] === context.id,
  )
}

function submit(k: Kernel, t: Task, [id, count, list]: number[]): number {
  const context = contextOf(k, t, id!)
  if (context === undefined || count! < 0) return -ERRNO.EINVAL
  const space = k.space(t)
  let done = 0
  let error = 0
  for (; done < count! && error === 0; done++) {
    const pointer = space.readU64(list! + 8 * done)
    error = pointer === null ? -ERRNO.EFAULT : submitOne(k, t, context, Number(pointer))
    if (error !== 0) break
  }
  if (done > 0) for (const waiter of waiters(k, t, context)) wake(k, waiter, 'ready')
  return done > 0 ? done : error
}

/** Does what the struct iocb at `address` asks for, and keeps the event; a negative errno when it cannot be submitted. */
function submitOne(k: Kernel, t: Task, context: AioContext, address: number): number {
  const space = k.space(t)
  const bytes = space.read(address, IOCB_SIZE)?.slice()
  if (bytes === undefined) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer)
  const given = view.getUint32(IOCB_FLAGS, true)
  if (view.getBigUint64(IOCB.reserved, true) !== 0n || i64At(view, IOCB.bytes) < 0) return -ERRNO.EINVAL
  if (context.events.length >= Math.max(context.room, 8 * k.state.constants.cpus)) return -ERRNO.EAGAIN
  const descriptor = view.getInt32(IOCB.fd, true)
  if (descriptionOf(k, t, descriptor) === undefined) return -ERRNO.EBADF
  const told = given & FLAG_RESULT_FD ? descriptionOf(k, t, view.getInt32(IOCB_RESULT_FD, true)) : null
  if (told === undefined) return -ERRNO.EBADF
  if (told !== null && told.type !== 'eventfd') return -ERRNO.EINVAL
  // KIOCB_KEY.
  if (!space.writeU32(address + IOCB.key, 0)) return -ERRNO.EFAULT
  const opcode = view.getUint16(IOCB.opcode, true)
  const nr = COMMANDS.get(opcode)
  if (nr === undefined) return opcode === POLL ? k.refuse(t, 'io_submit(IOCB_CMD_POLL)', 'EINVAL') : -ERRNO.EINVAL
  if (view.getInt32(IOCB.rwFlags, true) !== 0) return k.refuse(t, 'io_submit with aio_rw_flags', 'EOPNOTSUPP')
  const plain = [u64At(view, IOCB.buffer), u64At(view, IOCB.bytes), i64At(view, IOCB.offset)]
  if (nr === 74 || nr === 75) if (plain.some((value) => value !== 0)) return -ERRNO.EINVAL
  let result = handlerOf(nr)(k, t, [descriptor, ...plain, 0])
  if (result === BLOCKED) {
    // What would wait is not there yet.
    t.wait = null
    result = -ERRNO.EAGAIN
  }
  if (result === -ERRNO.EBADF || (result === -ERRNO.EFAULT && nr >= 295)) return result
  context.events.push([view.getBigUint64(IOCB.data, true), address, result])
  if (told !== null) writeEventfd(k, told, 1n)
  return 0
}

/** Fetches events: at least `least` of them unless time runs out. */
function getEvents(k: Kernel, t: Task, args: number[], nr: number): number {
  const [id, least, most, buffer, timeout] = args as [number, number, number, number, number]
  const space = k.space(t)
  let deadline = t.wait?.deadline ?? null
  if (t.wait === null && timeout !== 0) {
    const time = readTimespec(k, t, timeout)
    if (typeof time === 'number') return time
    deadline = k.now() + time.seconds * NS_PER_SECOND + time.ns
  }
  const context = contextOf(k, t, id)
  if (context === undefined || least < 0 || least > most) return -ERRNO.EINVAL
  const outcome = t.wait?.outcome
  const over = outcome === 'timeout' || outcome === 'signal' || (deadline !== null && deadline <= k.now())
  if (context.events.length < least && !over) {
    t.wait ??= newWait({ nr, args, kind: 'ipc', deadline, restart: 'eintr' })
    return BLOCKED
  }
  const taken = context.events.slice(0, most)
  if (taken.length === 0 && outcome === 'signal') return -ERRNO.EINTR
  const bytes = new Uint8Array(taken.length * EVENT_SIZE)
  const view = new DataView(bytes.buffer)
  taken.forEach(([data, object, result], i) => {
    view.setBigUint64(i * EVENT_SIZE, data, true)
    view.setBigUint64(i * EVENT_SIZE + 8, BigInt(object), true)
    view.setBigInt64(i * EVENT_SIZE + 16, BigInt(result), true)
  })
  if (taken.length > 0 && !space.write(buffer, bytes)) return -ERRNO.EFAULT
  context.events.splice(0, taken.length)
  return taken.length
}

/** As getEvents, with a signal mask for the time of the wait. */
function getEventsMasked(k: Kernel, t: Task, args: number[]): number {
  const given = args[5]!
  if (t.wait === null && given !== 0) {
    const space = k.space(t)
    const set = space.readU64(given)
    const length = space.readU64(given + 8)
    if (set === null || length === null) return -ERRNO.EFAULT
    if (set !== 0n) {
      if (length !== 8n) return -ERRNO.EINVAL
      const mask = space.readU64(Number(set))
      if (mask === null) return -ERRNO.EFAULT
      t.savedMask = t.signalMask
      setSignalMask(k, t, mask)
    }
  }
  return getEvents(k, t, args, P_GET_EVENTS)
}

const long = shown(asI64, String)
const iocbs: ArgType = {
  ...ptr,
  reads: (value, { args, space }) =>
    Array.from({ length: Math.min(Math.max(args[1]!, 0), 1024) }, (_, i) => value + 8 * i).flatMap((at) => {
      const pointer = space.readU64(at)
      const own = { start: at, length: 8 }
      return pointer === null ? [own] : [own, { start: Number(pointer), length: IOCB_SIZE }]
    }),
}
const events: ArgType = {
  ...ptr,
  when: 'out',
  writes: (value, { result }) => [{ start: value, length: (result ?? 0) * EVENT_SIZE }],
}
const limit: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => structText(value, 16, (view) => timespecText(view), call),
  reads: (value) => (value === 0 ? [] : [{ start: value, length: 16 }]),
}
const context = shown(asU64, hex)
const contextOut: ArgType = {
  ...ptr,
  reads: (value) => [{ start: value, length: 8 }],
  writes: (value) => [{ start: value, length: 8 }],
}
const fetching: [string, ArgType][] = [
  ['ctx_id', context],
  ['min_nr', long],
  ['nr', long],
  ['events', events],
  ['timeout', limit],
]

export const aioCalls: readonly Declaration[] = [
  syscall(
    206,
    'io_setup',
    [
      ['nr_events', shown(asU64, String)],
      ['ctx_idp', contextOut],
    ],
    number,
    setup,
  ),
  syscall(207, 'io_destroy', [['ctx_id', context]], number, destroy),
  syscall(GET_EVENTS, 'io_getevents', fetching, number, (k, t, args) => getEvents(k, t, args, GET_EVENTS)),
  syscall(
    209,
    'io_submit',
    [
      ['ctx_id', context],
      ['nr', long],
      ['iocbpp', iocbs],
    ],
    number,
    submit,
    {
      support:
        'partial: operations end when they are submitted; IOCB_CMD_POLL and aio_rw_flags are refused and reported',
    },
  ),
  syscall(
    210,
    'io_cancel',
    [
      ['ctx_id', context],
      ['iocb', ptr],
      ['result', ptr],
    ],
    number,
    (k, t, [, iocb]) => (k.space(t).readU32(iocb! + IOCB.key) === null ? -ERRNO.EFAULT : -ERRNO.EINVAL),
  ),
  syscall(P_GET_EVENTS, 'io_pgetevents', [...fetching, ['sig', hexU64]], number, getEventsMasked),
]
