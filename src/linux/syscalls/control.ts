/** Exists to declare fcntl, ioctl and flock: commands on open files, whose third argument means something else for each. */
import { CAP, capable } from '../capabilities.ts'
import { asU64, fd, flags, oneOf, setI64, i64At, shown } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { SIGNAL_MAX } from '../signal-names.ts'
import { descriptionOf, installFd } from '../fs/description.ts'
import { inodeOf } from '../fs/inode.ts'
import { waitingBytes } from '../fs/inotify.ts'
import { canTell, setAsync } from '../fs/async.ts'
import { conflict, flockOwner, ofdOwner, processOwner, setLock } from '../fs/locks.ts'
import { O } from '../fs/open.ts'
import { isOwner } from '../fs/permission.ts'
import { PIPE_MAX, resizePipe } from '../fs/pipe.ts'
import type { Description, FileLock } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { deviceIoctl } from '../net/devices.ts'
import { SOCK, socketOf } from '../net/socket.ts'
import type { Task } from '../state.ts'
import { flagsText, hex, pointerText, valueText } from '../strace.ts'
import { FCNTL, FD_FLAGS, FLOCK, IOCTLS, openFlagsText, SEALS } from '../table-flags.ts'
import { newWait, tasksOf } from '../tasks.ts'
import { flockText } from './file-text.ts'
import { ttyArgumentText, ttyIoctl, ttyReads, ttyWrites } from './tty-ioctl.ts'

const F = {
  dupfd: 0,
  getfd: 1,
  setfd: 2,
  getfl: 3,
  setfl: 4,
  getlk: 5,
  setlk: 6,
  setlkw: 7,
  setown: 8,
  getown: 9,
  setsig: 10,
  getsig: 11,
  setownEx: 15,
  getownEx: 16,
  ofdGetlk: 36,
  ofdSetlk: 37,
  ofdSetlkw: 38,
  setlease: 1024,
  getlease: 1025,
  notify: 1026,
  dupfdCloexec: 1030,
  setpipeSize: 1031,
  getpipeSize: 1032,
  addSeals: 1033,
  getSeals: 1034,
} as const

/** Status flags that F_SETFL can change. */
const SETTABLE = O.append | O.nonblock | O.direct | O.noatime
const ALL_SEALS = 63
const SEAL_SEAL = 1

function fcntl(k: Kernel, t: Task, args: number[]): number {
  const [number, command, value] = args as [number, number, number]
  const process = k.process(t)
  const slot = process.files.get(number)
  const d = descriptionOf(k, t, number)
  if (!slot || !d) return -ERRNO.EBADF
  const allowedOnPath =
    command === F.dupfd ||
    command === F.dupfdCloexec ||
    command === F.getfd ||
    command === F.setfd ||
    command === F.getfl
  if (d.type === 'path' && !allowedOnPath) return -ERRNO.EBADF
  const word = value % 0x1_0000_0000
  switch (command) {
    case F.dupfd:
    case F.dupfdCloexec:
      return word >= process.rlimits[7]![0] ? -ERRNO.EINVAL : installFd(k, t, d, command === F.dupfdCloexec, word)
    case F.getfd:
      return slot.closeOnExec ? 1 : 0
    case F.setfd:
      slot.closeOnExec = (word & 1) !== 0
      return 0
    case F.getfl:
      return d.flags & 0x3fff_ffff
    case F.setfl:
      setAsync(d, (word & O.async) !== 0, number)
      d.flags = (d.flags & ~SETTABLE) | (word & SETTABLE)
      return 0
    case F.getlk:
    case F.ofdGetlk:
      return getLock(k, t, d, value, command === F.getlk ? processOwner(t.pid) : ofdOwner(d))
    case F.setlk:
    case F.setlkw:
      return recordLock(k, t, args, d, value, processOwner(t.pid), command === F.setlkw)
    case F.ofdSetlk:
    case F.ofdSetlkw:
      return recordLock(k, t, args, d, value, ofdOwner(d), command === F.ofdSetlkw)
    case F.setown:
      return setOwner(k, d, word | 0, false)
    case F.getown:
      return d.ownerThread ? 0 : d.owner
    case F.setownEx:
      return setOwnerEx(k, t, d, value)
    case F.getownEx: {
      const kind = d.ownerThread ? OWNER.thread : d.owner < 0 ? OWNER.group : OWNER.process
      const bytes = new Uint8Array(Int32Array.of(kind, Math.abs(d.owner)).buffer)
      return k.space(t).write(value, bytes) ? 0 : -ERRNO.EFAULT
    }
    case F.setsig:
      if (word > SIGNAL_MAX) return -ERRNO.EINVAL
      d.ioSignal = word
      return 0
    case F.getsig:
      return d.ioSignal
    case F.setpipeSize:
      return setPipeSize(k, t, d, word)
    case F.getpipeSize:
      return d.type === 'pipe' ? k.state.fs.pipes.get(d.pipe)!.buffer.length : isStandard(d) ? 65536 : -ERRNO.EBADF
    case F.addSeals:
      return addSeals(k, d, word)
    case F.getSeals: {
      const seals = k.state.fs.inodes.get(d.inode)?.seals ?? -1
      return seals < 0 ? -ERRNO.EINVAL : seals
    }
    case F.getlease:
      // F_UNLCK: nobody has one.
      return 2
    case F.setlease:
    case F.notify: {
      const refused = command === F.setlease ? leaseRefused(k, t, d, word) : 0
      if (refused !== 0) return refused
      // No events: a request is taken back, and there is none.
      if (command === F.notify && (word & 0x7fff_ffff) === 0) return 0
      // As a kernel without them; programs go on without.
      const name = valueText(command, FCNTL, 'F_???')
      k.noteUnanswered(t, `fcntl(${number}, ${name}, ${hex(value)})`, 'EINVAL')
      return -ERRNO.EINVAL
    }
    default:
      return FCNTL.some(([known]) => known === command)
        ? k.refuse(t, `fcntl(${valueText(command, FCNTL, 'F_???')})`, 'EINVAL')
        : -ERRNO.EINVAL
  }
}

/** Kinds of owners in a struct f_owner_ex. */
const OWNER = { thread: 0, process: 1, group: 2 } as const

/** F_SETOWN: who is signalled; -ESRCH when there is no such process or group. */
function setOwner(k: Kernel, d: Description, owner: number, thread: boolean): number {
  if (owner === -0x8000_0000) return -ERRNO.EINVAL
  const { processes, tasks } = k.state
  const there =
    owner === 0 ||
    (thread
      ? tasks.has(owner)
      : owner > 0
        ? processes.has(owner)
        : [...processes.values()].some(({ pgid }) => pgid === -owner))
  if (!there) return -ERRNO.ESRCH
  d.owner = owner
  d.ownerThread = thread && owner !== 0
  return 0
}

function setOwnerEx(k: Kernel, t: Task, d: Description, address: number): number {
  const kind = k.space(t).readU32(address)
  const who = k.space(t).readU32(address + 4)
  if (kind === null || who === null) return -ERRNO.EFAULT
  if (kind > OWNER.group) return -ERRNO.EINVAL
  return setOwner(k, d, kind === OWNER.group ? -(who | 0) : who | 0, kind === OWNER.thread)
}

const isStandard = (d: Description): boolean => d.type === 'stdin' || d.type === 'stdout' || d.type === 'stderr'

/** Why nobody could have the lease that is asked for; 0 when one might. */
function leaseRefused(k: Kernel, t: Task, d: Description, kind: number): number {
  const inode = k.state.fs.inodes.get(d.inode)
  if (inode === undefined) return -ERRNO.EINVAL
  if (!isOwner(t, inode)) return -ERRNO.EACCES
  if (d.type !== 'file' || kind > 2) return -ERRNO.EINVAL
  if (kind === 2) return -ERRNO.EAGAIN
  const open = [...k.state.fs.descriptions.values()].filter((other) => other.type === 'file' && other.inode === d.inode)
  const disturbed = kind === 0 ? open.some(({ flags }) => (flags & 3) !== 0) : open.length > 1
  return disturbed ? -ERRNO.EAGAIN : 0
}

function setPipeSize(k: Kernel, t: Task, d: Description, bytes: number): number {
  if (d.type !== 'pipe') return -ERRNO.EBADF
  if (bytes > 0x7fff_ffff) return -ERRNO.EINVAL
  if (bytes > PIPE_MAX && !capable(t, CAP.sysResource)) return -ERRNO.EPERM
  const pipe = k.state.fs.pipes.get(d.pipe)!
  return resizePipe(pipe, bytes) ? pipe.buffer.length : -ERRNO.EBUSY
}

function addSeals(k: Kernel, d: Description, seals: number): number {
  const inode = k.state.fs.inodes.get(d.inode)
  if (!inode || inode.seals < 0 || seals & ~ALL_SEALS) return -ERRNO.EINVAL
  if ((d.flags & 3) === 0 || inode.seals & SEAL_SEAL) return -ERRNO.EPERM
  if (seals & 8 && inode.shared.some(({ writable }) => writable)) return -ERRNO.EBUSY
  inode.seals |= seals
  return 0
}

/** The lock that a struct flock asks for, with absolute positions; `kind` null for F_UNLCK. Or a negative errno. */
function readLock(
  k: Kernel,
  t: Task,
  d: Description,
  address: number,
  owner: string,
): { lock: FileLock; unlock: boolean } | number {
  const bytes = k.space(t).read(address, 32)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  const type = view.getInt16(0, true)
  const whence = view.getInt16(2, true)
  if (type < 0 || type > 2 || whence < 0 || whence > 2) return -ERRNO.EINVAL
  const inode = inodeOf(k.state.fs, d.inode)
  const base = whence === 0 ? 0 : whence === 1 ? d.offset : (inode.content?.size ?? 0)
  const from = base + i64At(view, 8)
  const length = i64At(view, 16)
  if (owner.startsWith('ofd:') && view.getInt32(24, true) !== 0) return -ERRNO.EINVAL
  if (length > 1 && from + length >= 2 ** 63) return -ERRNO.EOVERFLOW
  const start = length < 0 ? from + length : from
  if (start < 0) return -ERRNO.EINVAL
  const end = length === 0 ? Infinity : length < 0 ? from : from + length
  return { lock: { inode: inode.id, kind: type === 0 ? 'read' : 'write', start, end, owner }, unlock: type === 2 }
}

function getLock(k: Kernel, t: Task, d: Description, address: number, owner: string): number {
  const wanted = readLock(k, t, d, address, owner)
  if (typeof wanted === 'number') return wanted
  if (wanted.unlock) return -ERRNO.EINVAL
  const held = conflict(k, wanted.lock)
  const bytes = k.space(t).read(address, 32)!.slice()
  const view = new DataView(bytes.buffer)
  if (held === undefined) view.setInt16(0, 2, true)
  else {
    view.setInt16(0, held.kind === 'read' ? 0 : 1, true)
    view.setInt16(2, 0, true)
    setI64(view, 8, held.start)
    setI64(view, 16, held.end === Infinity ? 0 : held.end - held.start)
    view.setInt32(24, held.owner.startsWith('pid:') ? Number(held.owner.slice(4)) : -1, true)
  }
  return k.space(t).write(address, bytes) ? 0 : -ERRNO.EFAULT
}

/** Longest chain of processes that wait for each other's locks and is followed (MAX_DEADLK_ITERATIONS). */
const LONGEST_CHAIN = 10

/** Whether whoever holds what stands in the way of `lock` waits, by way of others, for its owner. */
function wouldDeadlock(k: Kernel, lock: FileLock): boolean {
  let holder = conflict(k, lock)?.owner
  for (let i = 0; i < LONGEST_CHAIN && holder?.startsWith('pid:'); i++) {
    const waiting = tasksOf(k.state, Number(holder.slice(4))).find(({ wait }) => wait?.nr === 72)
    const wanted = (waiting?.wait?.detail as { lock: FileLock } | undefined)?.lock
    holder = wanted && conflict(k, wanted)?.owner
    if (holder === lock.owner) return true
  }
  return false
}

function recordLock(
  k: Kernel,
  t: Task,
  args: number[],
  d: Description,
  address: number,
  owner: string,
  wait: boolean,
): number {
  const wanted = readLock(k, t, d, address, owner)
  if (typeof wanted === 'number') return wanted
  const { lock, unlock } = wanted
  const access = d.flags & 3
  if (!unlock && (lock.kind === 'read' ? access === 1 : access === 0)) return -ERRNO.EBADF
  if (!unlock && conflict(k, lock)) {
    if (!wait) return -ERRNO.EAGAIN
    if (wouldDeadlock(k, lock)) return -ERRNO.EDEADLK
    t.wait = newWait({ nr: 72, args, kind: 'fd', fds: [{ id: d.id, events: 'read' }], detail: { lock } })
    return BLOCKED
  }
  setLock(k, lock.inode, owner, lock.start, lock.end, unlock ? null : lock)
  return 0
}

const LOCK = { shared: 1, exclusive: 2, nonblock: 4, unlock: 8, mandatory: 32 } as const

function flock(k: Kernel, t: Task, args: number[]): number {
  const [number, operation] = args as [number, number]
  const d = descriptionOf(k, t, number)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  // Mandatory locks (LOCK_MAND) are no more: such a request does nothing.
  if (operation & LOCK.mandatory) return 0
  const what = operation & ~LOCK.nonblock
  if (what !== LOCK.shared && what !== LOCK.exclusive && what !== LOCK.unlock) return -ERRNO.EINVAL
  const owner = flockOwner(d)
  if (what === LOCK.unlock) {
    setLock(k, d.inode, owner, 0, Infinity, null)
    return 0
  }
  const lock: FileLock = {
    inode: d.inode,
    kind: what === LOCK.shared ? 'read' : 'write',
    start: 0,
    end: Infinity,
    owner,
  }
  if (conflict(k, lock)) {
    if (operation & LOCK.nonblock) return -ERRNO.EAGAIN
    t.wait = newWait({ nr: 73, args, kind: 'fd', fds: [{ id: d.id, events: 'read' }] })
    return BLOCKED
  }
  setLock(k, d.inode, owner, 0, Infinity, lock)
  return 0
}

const IOCTL = {
  fionread: 0x541b,
  outq: 0x5411,
  atMark: 0x8905,
  fionbio: 0x5421,
  fioclex: 0x5451,
  fionclex: 0x5450,
  fioasync: 0x5452,
  qsize: 0x5460,
  ficlone: 0x40049409,
  ficlonerange: 0x4020940d,
  getflags: 0x80086601,
  blockSize: 2,
} as const

/** FS_EXTENT_FL: what every file of ext4 shows. */
const EXTENTS = 0x80000

function ioctl(k: Kernel, t: Task, args: number[]): number {
  const [number, request, address] = args as [number, number, number]
  const process = k.process(t)
  const d = descriptionOf(k, t, number)
  const slot = process.files.get(number)
  if (!d || !slot || d.type === 'path') return -ERRNO.EBADF
  const space = k.space(t)
  if (d.type === 'tty' || d.type === 'ptmx') {
    const result = ttyIoctl(k, t, args, d)
    if (result !== null) return result
  }
  switch (request) {
    case IOCTL.fioclex:
    case IOCTL.fionclex:
      slot.closeOnExec = request === IOCTL.fioclex
      return 0
    case IOCTL.fionbio: {
      const on = space.readU32(address)
      if (on === null) return -ERRNO.EFAULT
      d.flags = on === 0 ? d.flags & ~O.nonblock : d.flags | O.nonblock
      return 0
    }
    case IOCTL.fionread: {
      if (d.type === 'stdin') return k.refuse(t, 'ioctl(FIONREAD) of standard input', 'ENOTTY')
      if (d.type === 'socket' && socketOf(k, d).stage === 'listening') return -ERRNO.EINVAL
      const count = readableBytes(k, d)
      if (count === null) return -ERRNO.ENOTTY
      return space.writeU32(address, count >>> 0) ? 0 : -ERRNO.EFAULT
    }
    case IOCTL.outq:
      if (d.type !== 'socket') return -ERRNO.ENOTTY
      return space.writeU32(address, socketOf(k, d).sent) ? 0 : -ERRNO.EFAULT
    case IOCTL.ficlone:
    case IOCTL.ficlonerange:
      // As on a file system without shared extents: the caller copies.
      if (request === IOCTL.ficlone && descriptionOf(k, t, address | 0) === undefined) return -ERRNO.EBADF
      return -ERRNO.EOPNOTSUPP
    case IOCTL.getflags:
      if (d.type !== 'file' && d.type !== 'dir') return -ERRNO.ENOTTY
      return space.writeU32(address, EXTENTS) ? 0 : -ERRNO.EFAULT
    case IOCTL.blockSize:
      if (d.type !== 'file' && d.type !== 'dir') return -ERRNO.ENOTTY
      return space.writeU32(address, 4096) ? 0 : -ERRNO.EFAULT
    case IOCTL.fioasync: {
      const on = space.readU32(address)
      if (on === null) return -ERRNO.EFAULT
      if (on !== 0 && !canTell(d)) return -ERRNO.ENOTTY
      setAsync(d, on !== 0, number)
      return 0
    }
    case IOCTL.qsize: {
      const inode = k.state.fs.inodes.get(d.inode)
      if (inode?.kind !== 'file' && inode?.kind !== 'dir' && inode?.kind !== 'symlink') return -ERRNO.ENOTTY
      return space.writeU64(address, BigInt(inode.content?.size ?? inode.size)) ? 0 : -ERRNO.EFAULT
    }
    case IOCTL.atMark:
      // Nobody can have sent urgent data.
      if (d.type !== 'socket' || socketOf(k, d).type !== SOCK.stream) return -ERRNO.ENOTTY
      return space.writeU32(address, 0) ? 0 : -ERRNO.EFAULT
    default:
      return (d.type === 'socket' ? deviceIoctl(k, t, request, address) : null) ?? -ERRNO.ENOTTY
  }
}

/** What FIONREAD tells: bytes left in a file, bytes waiting in a pipe; null where it is not known. */
function readableBytes(k: Kernel, d: Description): number | null {
  if (d.type === 'file') return inodeOf(k.state.fs, d.inode).content!.size - d.offset
  if (d.type === 'inotify') return waitingBytes(d)
  if (d.type === 'pipe') return k.state.fs.pipes.get(d.pipe)!.used
  if (d.type === 'socket') {
    const socket = socketOf(k, d)
    return socket.type === SOCK.stream ? socket.queued : (socket.queue[0]?.bytes.length ?? 0)
  }
  return null
}

const LOCK_COMMANDS: readonly number[] = [F.getlk, F.setlk, F.setlkw, F.ofdGetlk, F.ofdSetlk, F.ofdSetlkw]
const NO_ARGUMENT: readonly number[] = [F.getfd, F.getfl, F.getown, F.getsig, F.getpipeSize, F.getSeals, 1025]
const NUMBERS: readonly number[] = [F.dupfd, F.dupfdCloexec, F.setown, F.setpipeSize, F.setsig]

const fcntlArgument: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => {
    const command = call.args[1]!
    const word = value % 0x1_0000_0000
    if (NO_ARGUMENT.includes(command)) return null
    if (command === F.getlk || command === F.ofdGetlk)
      return call.result === 0 ? flockText(value, true, call) : pointerText(value)
    if (LOCK_COMMANDS.includes(command)) return flockText(value, false, call)
    if (command === F.setfd) return flagsText(word, FD_FLAGS, 'FD_???')
    if (command === F.setfl) return openFlagsText(word)
    if (command === F.addSeals) return flagsText(word, SEALS, 'F_SEAL_???')
    if (NUMBERS.includes(command)) return String(word | 0)
    return hex(value)
  },
  reads: (value, { args }) => (LOCK_COMMANDS.includes(args[1]!) ? [{ start: value, length: 32 }] : []),
  writes: (value, { args }) => (args[1] === F.getlk || args[1] === F.ofdGetlk ? [{ start: value, length: 32 }] : []),
}

function fcntlResult(result: number, { args }: CallView): string {
  const command = args[1]
  if (command === F.getfl) return `${hex(result)} (flags ${openFlagsText(result)})`
  if (command === F.getfd && result !== 0) return `${hex(result)} (flags ${flagsText(result, FD_FLAGS, 'FD_???')})`
  if (command === F.getSeals && result !== 0) return `${hex(result)} (seals ${flagsText(result, SEALS, 'F_SEAL_???')})`
  return String(result)
}

const INT_IN: readonly number[] = [IOCTL.fionbio, IOCTL.fioasync]
const NOTHING: readonly number[] = [IOCTL.fioclex, IOCTL.fionclex, 0x540c, 0x540d, 0x5422, 0x5427, 0x5428]

const ioctlRequest = shown(
  (lo) => lo,
  (request) => {
    const known = IOCTLS.find(([number]) => number === request)
    if (known) return known[1]
    const direction = ['_IOC_NONE', '_IOC_WRITE', '_IOC_READ', '_IOC_READ|_IOC_WRITE'][request >>> 30]
    const part = (value: number): string => hex(value)
    return `_IOC(${direction}, ${part((request >>> 8) & 0xff)}, ${part(request & 0xff)}, ${part((request >>> 16) & 0x3fff)})`
  },
)

const ioctlArgument: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => {
    const { args, space } = call
    const request = args[1]!
    const ofTty = ttyArgumentText(value, call)
    if (ofTty !== undefined) return ofTty
    if (NOTHING.includes(request)) return null
    const word = INT_IN.includes(request) ? space.readU32(value) : null
    if (word !== null) return `[${word | 0}]`
    return IOCTLS.some(([number]) => number === request) ? pointerText(value) : hex(value)
  },
  reads: (value, { args }) => (INT_IN.includes(args[1]!) ? [{ start: value, length: 4 }] : ttyReads(args[1]!, value)),
  writes: (value, { args }) => ttyWrites(args[1]!, value),
}

export const controlCalls: Declaration[] = [
  syscall(
    72,
    'fcntl',
    [
      ['fd', fd],
      ['cmd', oneOf(FCNTL, 'F_???')],
      ['arg', fcntlArgument],
    ],
    fcntlResult,
    fcntl,
    {
      support: 'partial: F_SETLEASE and F_NOTIFY are EINVAL and reported',
    },
  ),
  syscall(
    16,
    'ioctl',
    [
      ['fd', fd],
      ['request', ioctlRequest],
      ['argp', ioctlArgument],
    ],
    String,
    ioctl,
    {
      support:
        'partial: FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, FIOQSIZE, SIOCOUTQ, SIOCATMARK, SIOCGIF* of the loopback device, and the requests of terminals without TIOCSTI',
    },
  ),
  syscall(
    73,
    'flock',
    [
      ['fd', fd],
      ['operation', flags(FLOCK, 'LOCK_???')],
    ],
    String,
    flock,
  ),
]
