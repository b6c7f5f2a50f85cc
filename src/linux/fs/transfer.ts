/** Exists to read and write open file descriptions of every type: files, pipes, devices, the terminal, the kernel's own files. */
import { CAP, capable } from '../capabilities.ts'
import { fillRandom } from '../../base/random.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { dequeue, reconsider, sendToTask, userSignal } from '../signals.ts'
import { CODE, SIG } from '../signal-names.ts'
import type { SignalInfo, Task } from '../state.ts'
import { readEventfd, readTimerfd, writeEventfd } from './event-files.ts'
import { statusLine } from '../ipc/mqueue.ts'
import { IN, takeEvents, tellInode } from './inotify.ts'
import { inodeOf } from './inode.ts'
import { kernelContent, kernelWrite } from './kernel-tree.ts'
import { readFile, writeFile } from './mapping.ts'
import { syncRange } from '../power/pending.ts'
import { PIPE_BUF, putIntoPipe, roomInPipe, takeFromPipe } from './pipe.ts'
import { gather, scatter, totalLength, writable, type Segment } from './segments.ts'
import { MAX_FILE, type Description, type Inode } from './state.ts'

const O_APPEND = 0o2000
/** O_SYNC has this bit, too. */
const O_DSYNC = 0o10000
/** F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE. */
const SEAL = { grow: 4, write: 8, futureWrite: 16 } as const
/** Random bytes come in pieces of this size, so that one read cannot exhaust the host's memory at once. */
const PIECE = 1 << 20
/** RLIMIT_FSIZE's index in Process.rlimits. */
const RLIMIT_FSIZE = 1

/** A read goes on into the segments; `at` is a file offset, or null to use and move the description's. -EAGAIN when nothing is there yet. */
export function readInto(k: Kernel, t: Task, d: Description, segments: readonly Segment[], at: number | null): number {
  if (d.flags & 1) return -ERRNO.EBADF
  const space = k.space(t)
  const wanted = totalLength(segments)
  if (d.type === 'dir') return -ERRNO.EISDIR
  if (d.type === 'epoll') return -ERRNO.EINVAL
  if (d.type === 'eventfd' || d.type === 'timerfd') return readCounter(k, t, d, segments)
  if (d.type === 'signalfd') return readSignals(k, t, d, segments)
  if (wanted === 0 && d.type !== 'pipe') return 0
  if (d.type === 'inotify') {
    const events = takeEvents(d, writable(space, segments, wanted))
    if (typeof events !== 'number') scatter(space, segments, events)
    return typeof events === 'number' ? events : events.length
  }
  if (d.type === 'mqueue') {
    const line = statusLine(k, d).subarray(d.offset)
    const part = line.subarray(0, writable(space, segments, Math.min(wanted, line.length)))
    scatter(space, segments, part)
    d.offset += part.length
    return part.length === 0 && line.length > 0 ? -ERRNO.EFAULT : part.length
  }
  const room = writable(space, segments, wanted)
  const fault = wanted > 0 && room === 0
  switch (d.type) {
    case 'null':
      return 0
    case 'zero':
    case 'full':
      return fault ? -ERRNO.EFAULT : fillSegments(k, t, segments, room, (piece) => piece.fill(0))
    case 'random':
      return fault
        ? -ERRNO.EFAULT
        : fillSegments(k, t, segments, room, (piece) => fillRandom(k.state.random.getrandom, piece))
    case 'stdin': {
      if (fault) return -ERRNO.EFAULT
      const data = k.world.readInput(room, k.state.fs.inputReads++)
      scatter(space, segments, data)
      return data.length
    }
    case 'pipe': {
      const pipe = k.state.fs.pipes.get(d.pipe)!
      if (wanted === 0) return 0
      if (pipe.used === 0) return pipe.writers === 0 ? 0 : -ERRNO.EAGAIN
      if (fault) return -ERRNO.EFAULT
      const data = takeFromPipe(k, pipe, room)
      scatter(space, segments, data)
      return data.length
    }
    case 'file':
    case 'generated': {
      const offset = at ?? d.offset
      if (d.type === 'generated' && offset === 0) {
        // From its beginning a file of /proc is made anew.
        const fresh = kernelContent(k, t, inodeOf(k.state.fs, d.inode).source!.path)
        if (typeof fresh === 'number') return fresh === -ERRNO.ENOENT ? -ERRNO.ESRCH : fresh
        d.bytes = fresh
      }
      const data = d.bytes
        ? d.bytes.subarray(offset, offset + room)
        : readFile(k, inodeOf(k.state.fs, d.inode), offset, room)
      const left = (d.bytes ? d.bytes.length : inodeOf(k.state.fs, d.inode).content!.size) - offset
      if (fault && left > 0) return -ERRNO.EFAULT
      scatter(space, segments, data)
      if (at === null) d.offset += data.length
      if (data.length > 0) tellInode(k, inodeOf(k.state.fs, d.inode), IN.access)
      return data.length
    }
    case 'pidfd':
      return -ERRNO.EINVAL
    default:
      return -ERRNO.EBADF
  }
}

/** Bytes of struct signalfd_siginfo. */
const SIGNAL_SIZE = 128

/** signalfd(2): takes signals of the set that wait for the task, as many as there is room for. */
function readSignals(k: Kernel, t: Task, d: Description, segments: readonly Segment[]): number {
  const most = Math.floor(totalLength(segments) / SIGNAL_SIZE)
  if (most === 0) return -ERRNO.EINVAL
  const process = k.process(t)
  const parts: Uint8Array[] = []
  while (parts.length < most) {
    const info = dequeue(t, process, d.counter)
    if (info === null) break
    parts.push(signalBytes(info))
  }
  if (parts.length === 0) return -ERRNO.EAGAIN
  reconsider(t, process)
  const bytes = new Uint8Array(parts.length * SIGNAL_SIZE)
  parts.forEach((part, i) => bytes.set(part, i * SIGNAL_SIZE))
  if (writable(k.space(t), segments, bytes.length) < bytes.length) return -ERRNO.EFAULT
  scatter(k.space(t), segments, bytes)
  return bytes.length
}

function signalBytes(info: SignalInfo): Uint8Array {
  const bytes = new Uint8Array(SIGNAL_SIZE)
  const view = new DataView(bytes.buffer)
  const { signal, errno, code, pid, uid, timer, overrun, status, value, address } = info
  ;[signal, errno, code, pid, uid].forEach((word, i) => view.setInt32(4 * i, word, true))
  view.setUint32(24, timer, true)
  view.setUint32(32, overrun, true)
  view.setInt32(40, status, true)
  view.setInt32(44, Number(BigInt.asIntN(32, value)), true)
  view.setBigUint64(48, BigInt.asUintN(64, value), true)
  view.setBigUint64(72, BigInt.asUintN(64, address), true)
  return bytes
}

function fillSegments(
  k: Kernel,
  t: Task,
  segments: readonly Segment[],
  room: number,
  fill: (piece: Uint8Array) => void,
): number {
  const space = k.space(t)
  let left = room
  for (const { start, length } of segments) {
    const end = Math.min(length, left)
    for (let done = 0; done < end; done += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, end - done))
      fill(piece)
      space.poke(start + done, piece)
    }
    left -= end
    if (left === 0) break
  }
  return room
}

function readCounter(k: Kernel, t: Task, d: Description, segments: readonly Segment[]): number {
  if (totalLength(segments) < 8) return -ERRNO.EINVAL
  const value = d.type === 'eventfd' ? readEventfd(k, d) : readTimerfd(k, d)
  if (typeof value === 'number') return value
  if (writable(k.space(t), segments, 8) < 8) return -ERRNO.EFAULT
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, true)
  scatter(k.space(t), segments, bytes)
  return 8
}

/**
 * Writes the segments from byte `skip` on; `at` as in readInto. -EAGAIN when there is no room yet; a count below the rest when a pipe took only a part.
 */
export function writeFrom(
  k: Kernel,
  t: Task,
  d: Description,
  segments: readonly Segment[],
  at: number | null,
  skip = 0,
): number {
  if ((d.flags & 3) === 0 || (d.flags & 3) === 3) return -ERRNO.EBADF
  const space = k.space(t)
  const wanted = totalLength(segments) - skip
  switch (d.type) {
    case 'null':
    case 'zero':
    case 'random':
      return wanted
    case 'full':
      return wanted === 0 ? 0 : -ERRNO.ENOSPC
    case 'stdout':
    case 'stderr': {
      const data = gather(space, segments, skip)
      if (data.length === 0 && wanted > 0) return -ERRNO.EFAULT
      if (data.length > 0) k.world.writeOutput(d.type === 'stdout' ? 1 : 2, data)
      return data.length
    }
    case 'pipe':
      return writePipe(k, t, d, segments, skip, wanted)
    case 'file': {
      const data = gather(space, segments, skip)
      if (data.length === 0 && wanted > 0) return -ERRNO.EFAULT
      return writeBytes(k, t, d, data, at)
    }
    case 'eventfd': {
      if (wanted < 8) return -ERRNO.EINVAL
      const data = gather(space, segments, 0, 8)
      if (data.length < 8) return -ERRNO.EFAULT
      return writeEventfd(k, d, new DataView(data.buffer).getBigUint64(0, true))
    }
    case 'epoll':
    case 'timerfd':
    case 'signalfd':
    case 'mqueue':
    case 'inotify':
    case 'pidfd':
    case 'ring':
      return -ERRNO.EINVAL
    case 'generated': {
      const data = gather(space, segments, skip)
      if (data.length === 0 && wanted > 0) return -ERRNO.EFAULT
      return kernelWrite(k, t, inodeOf(k.state.fs, d.inode).source!.path, data)
    }
    default:
      return -ERRNO.EBADF
  }
}

function writePipe(
  k: Kernel,
  t: Task,
  d: Description,
  segments: readonly Segment[],
  skip: number,
  wanted: number,
): number {
  const pipe = k.state.fs.pipes.get(d.pipe)!
  if (wanted === 0) return 0
  if (pipe.readers === 0) {
    sendToTask(k, t, userSignal(t, SIG.pipe, CODE.user))
    return -ERRNO.EPIPE
  }
  const room = roomInPipe(pipe)
  if (room === 0 || (wanted <= PIPE_BUF && room < wanted)) return -ERRNO.EAGAIN
  const most = pipe.packets === null ? room : Math.min(room, PIPE_BUF)
  const data = gather(k.space(t), segments, skip, Math.min(most, wanted))
  if (data.length === 0) return -ERRNO.EFAULT
  putIntoPipe(k, pipe, data)
  return data.length
}

/** Writes bytes to an open regular file within its seals and the process' limit; moves the offset when `at` is null. */
export function writeBytes(k: Kernel, t: Task, d: Description, data: Uint8Array, at: number | null): number {
  if (data.length === 0) return 0
  const inode = inodeOf(k.state.fs, d.inode)
  const size = inode.content!.size
  const offset = d.flags & O_APPEND ? size : (at ?? d.offset)
  const sealed = Math.max(0, inode.seals)
  if (sealed & (SEAL.write | SEAL.futureWrite)) return -ERRNO.EPERM
  if (offset + data.length > size && sealed & SEAL.grow) return -ERRNO.EPERM
  const limit = fileLimit(k, t)
  if (offset >= limit) return overLimit(k, t)
  const part = data.length > limit - offset ? data.subarray(0, limit - offset) : data
  dropSetuid(t, inode)
  const failed = writeFile(k, inode, offset, part)
  if (failed !== 0) return failed
  if (d.flags & O_DSYNC) syncRange(k, inode, offset, offset + part.length)
  if (at === null) d.offset = offset + part.length
  return part.length
}

/** Bytes that a file of this process may grow to. */
export function fileLimit(k: Kernel, t: Task): number {
  return Math.min(k.process(t).rlimits[RLIMIT_FSIZE]![0], MAX_FILE)
}

/** SIGXFSZ and EFBIG, as for a file that would exceed RLIMIT_FSIZE. */
export function overLimit(k: Kernel, t: Task): number {
  if (fileLimit(k, t) < MAX_FILE) sendToTask(k, t, userSignal(t, SIG.xfsz, CODE.user))
  return -ERRNO.EFBIG
}

/** A file that somebody without privilege changes loses its set-user-id bit, and its set-group-id bit if the group may execute it. */
function dropSetuid(t: Task, inode: Inode): void {
  if (capable(t, CAP.fsetid)) return
  if (inode.mode & 0o4000) inode.mode &= ~0o4000
  if ((inode.mode & 0o2010) === 0o2010) inode.mode &= ~0o2000
}
