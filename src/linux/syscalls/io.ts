/** Exists to declare the calls that read, write and position open files. */
import { bytesIn, bytesOut, fd, flags, number, off, offered, oneOf, setI64, size, uint } from '../arguments.ts'
import { BLOCKED, syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { seekContent } from '../fs/content.ts'
import { descriptionOf } from '../fs/description.ts'
import { list } from '../fs/directory.ts'
import { takeAllStores, takeStores } from '../fs/mapping.ts'
import { inodeOf } from '../fs/inode.ts'
import { bytesFromName } from '../fs/names.ts'
import { MAX_TRANSFER, readIovec, totalLength, type Segment } from '../fs/segments.ts'
import { MAX_FILE, type Description } from '../fs/state.ts'
import { readInto, writeFrom } from '../fs/transfer.ts'
import { timerExpiry } from '../fs/event-files.ts'
import type { Kernel } from '../kernel.ts'
import { dropFiles } from '../net/control.ts'
import { receive } from '../net/receive.ts'
import { MSG, send } from '../net/send.ts'
import type { Task } from '../state.ts'
import { FADVICE, RWF_FLAGS, SPLICE_FLAGS, SYNC_RANGE, WHENCE } from '../table-flags.ts'
import { syncAll, syncDirectory, syncFile, syncRange } from '../power/pending.ts'
import { newWait } from '../tasks.ts'
import { readTty, writeTty } from '../tty/transfer.ts'
import { direntsOut, iovec, offset, offsetHigh } from './file-text.ts'

const NONBLOCK = 0o4000
const RWF = { dsync: 2, sync: 4, nowait: 8, append: 16 } as const

/** The description that a call works on: the one it began with, when it waited. Undefined: EBADF. */
function target(k: Kernel, t: Task, number: number): Description | undefined {
  const id = t.wait?.fds?.[0]?.id
  const d = id === undefined ? descriptionOf(k, t, number) : k.state.fs.descriptions.get(id)
  return d?.type === 'path' ? undefined : d
}

/** Counts a call that is over for /proc/PID/io. */
function counted(k: Kernel, t: Task, result: number, wrote: boolean): number {
  if (result === BLOCKED) return result
  const { io } = k.process(t)
  if (wrote) io.writes++
  else io.reads++
  if (result > 0) io[wrote ? 'written' : 'read'] += result
  return result
}

type Parameters = [
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  segments: Segment[] | number,
  at: number | null,
  nowait?: boolean,
]

const read = (...all: Parameters): number => counted(all[0], all[1], performRead(...all), false)
const write = (...all: Parameters): number => counted(all[0], all[1], performWrite(...all), true)

/** Performs a read, waiting for the first byte unless the description or the call forbids it. */
function performRead(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  segments: Segment[] | number,
  at: number | null,
  nowait = false,
): number {
  const d = target(k, t, args[0]!)
  if (!d) return -ERRNO.EBADF
  if (typeof segments === 'number') return segments
  if (at !== null && at < 0) return -ERRNO.EINVAL
  if (at !== null && !isSeekable(d)) return -ERRNO.ESPIPE
  if (d.type === 'socket' && totalLength(segments) > 0) {
    const found = receive(k, t, nr, args, d, segments, nowait ? MSG.dontwait : 0)
    if (typeof found === 'number') return found
    dropFiles(k, found)
    return found.result
  }
  if (isTty(d)) return totalLength(segments) === 0 ? 0 : readTty(k, t, nr, args, d, segments, nowait)
  const result = readInto(k, t, d, segments, at)
  if (result !== -ERRNO.EAGAIN || d.flags & NONBLOCK || nowait) return result
  t.wait = newWait({ nr, args, kind: 'fd', deadline: timerExpiry(d), fds: [{ id: d.id, events: 'read' }] })
  return BLOCKED
}

/** Performs a write, waiting until all of it is written unless the description or the call forbids it. */
function performWrite(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  segments: Segment[] | number,
  at: number | null,
  nowait = false,
): number {
  const d = target(k, t, args[0]!)
  if (!d) return -ERRNO.EBADF
  if (typeof segments === 'number') return segments
  if (at !== null && at < 0) return -ERRNO.EINVAL
  if (at !== null && !isSeekable(d)) return -ERRNO.ESPIPE
  if (d.type === 'socket') {
    const flags = nowait ? MSG.dontwait : 0
    return send(k, t, nr, args, d, { segments, flags, to: null, ancillary: null, call: 'write' })
  }
  const wanted = totalLength(segments)
  let done = t.wait?.progress ?? 0
  for (;;) {
    const result = isTty(d) ? writeTty(k, t, nr, args, d, segments, done) : writeFrom(k, t, d, segments, at, done)
    if (result === BLOCKED) return result
    if (result !== -ERRNO.EAGAIN) {
      if (result < 0) return done > 0 ? done : result
      done += result
      if (done >= wanted || (d.type !== 'pipe' && !isTty(d)) || result === 0) return done
    }
    if (d.flags & NONBLOCK || nowait) return done > 0 ? done : result
    if (result === -ERRNO.EAGAIN) break
  }
  t.wait = newWait({ nr, args, kind: 'fd', fds: [{ id: d.id, events: 'write' }], progress: done })
  return BLOCKED
}

const isTty = (d: Description): boolean => d.type === 'tty' || d.type === 'ptmx'

const one = (start: number, length: number): Segment[] => [{ start, length: Math.min(length, MAX_TRANSFER) }]

function isSeekable(d: Description): boolean {
  return d.type === 'file' || d.type === 'dir' || d.type === 'generated' || isMemoryDevice(d)
}

function isMemoryDevice(d: Description): boolean {
  return d.type === 'null' || d.type === 'zero' || d.type === 'full' || d.type === 'random'
}

/** Flags of preadv2 and pwritev2 that mean nothing here (HIPRI; DSYNC and SYNC of reads) pass; the others are done. */
function checkRwf(rwf: number, count: number): number {
  return rwf & ~0x1f && count > 0 ? -ERRNO.EOPNOTSUPP : 0
}

/** With RWF_APPEND the bytes go to the end of the file, wherever that is; the position moves only if it is asked for. */
function pwritev2(k: Kernel, t: Task, args: number[]): number {
  const unknown = checkRwf(args[5]!, args[2]!)
  if (unknown !== 0) return unknown
  let at = args[3] === -1 ? null : args[3]!
  const d = target(k, t, args[0]!)
  if (args[5]! & RWF.append && d?.type === 'file') {
    const end = inodeOf(k.state.fs, d.inode).content!.size
    if (at === null) d.offset = end
    else at = end
  }
  const segments = readIovec(k.space(t), args[1]!, args[2]!)
  const done = write(k, t, 328, args, segments, at, (args[5]! & RWF.nowait) !== 0)
  if (done > 0 && args[5]! & (RWF.dsync | RWF.sync) && d?.type === 'file') {
    const start = at ?? d.offset - done
    syncRange(k, inodeOf(k.state.fs, d.inode), start, start + done)
  }
  return done
}

/** What can be told to seek, and stays where it is. */
const COUNTERS: ReadonlySet<string> = new Set(['eventfd', 'timerfd', 'signalfd', 'epoll', 'inotify'])

function lseek(k: Kernel, t: Task, args: number[]): number {
  const [number, delta, whence] = args as [number, number, number]
  const d = descriptionOf(k, t, number)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  if (whence < 0 || whence > 4) return -ERRNO.EINVAL
  if (COUNTERS.has(d.type)) return 0
  if (!isSeekable(d)) return -ERRNO.ESPIPE
  if (isMemoryDevice(d)) return 0
  const length = d.bytes ? d.bytes.length : (inodeOf(k.state.fs, d.inode).content?.size ?? 0)
  let to: number
  if (whence === 0) to = delta
  else if (whence === 1) to = d.offset + delta
  else if (whence === 2) to = length + delta
  else {
    if (delta < 0 || delta >= length) return -ERRNO.ENXIO
    const content = d.bytes === null ? (inodeOf(k.state.fs, d.inode).content ?? null) : null
    // What has no holes is one run of data with a hole behind its end.
    const found = content === null ? (whence === 3 ? delta : null) : seekContent(content, delta, whence === 4)
    if (found === null && whence === 3) return -ERRNO.ENXIO
    to = found ?? length
  }
  if (to < 0 || to > MAX_FILE) return -ERRNO.EINVAL
  if (d.type === 'dir' && to !== d.offset) {
    d.offset = to
    if (to === 0) d.listing = null
  } else d.offset = to
  return to
}

const DIRENT_TYPES = { fifo: 1, char: 2, dir: 4, block: 6, file: 8, symlink: 10, socket: 12 } as const

/** getdents64 and, with the type at the end of each record, getdents. */
function getdents(k: Kernel, t: Task, args: number[], modern: boolean): number {
  const [number, buffer, length] = args as [number, number, number]
  const d = descriptionOf(k, t, number)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  if (d.type !== 'dir') return -ERRNO.ENOTDIR
  const fs = k.state.fs
  const dir = inodeOf(fs, d.inode)
  if (d.listing === null) {
    if (dir.nlink === 0) return -ERRNO.ENOENT
    const names = list(k, t, dir)
    if (typeof names === 'number') return names
    const parent = inodeOf(fs, dir.parent)
    d.listing = [{ name: '.', ino: dir.ino, kind: 'dir' }, { name: '..', ino: parent.ino, kind: 'dir' }, ...names]
  }
  const parts: Uint8Array[] = []
  let used = 0
  let next = d.offset
  for (; next < d.listing.length; next++) {
    const { name, ino, kind } = d.listing[next]!
    const bytes = bytesFromName(name)
    const record = Math.ceil((20 + bytes.length) / 8) * 8
    if (used + record > length) break
    const part = new Uint8Array(record)
    const view = new DataView(part.buffer)
    setI64(view, 0, ino)
    setI64(view, 8, next + 1)
    view.setUint16(16, record, true)
    if (modern) {
      part[18] = DIRENT_TYPES[kind]
      part.set(bytes, 19)
    } else {
      part.set(bytes, 18)
      part[record - 1] = DIRENT_TYPES[kind]
    }
    parts.push(part)
    used += record
  }
  if (used === 0) return next < d.listing.length ? -ERRNO.EINVAL : 0
  const all = new Uint8Array(used)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  if (!k.space(t).write(buffer, all)) return -ERRNO.EFAULT
  d.offset = next
  return used
}

/** 0 for a descriptor of a file, or the errno of calls that only advise or flush. */
function checkFile(k: Kernel, t: Task, number: number): number {
  const d = descriptionOf(k, t, number)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  return d.type === 'pipe' ||
    isTty(d) ||
    d.type === 'socket' ||
    d.type === 'stdin' ||
    d.type === 'stdout' ||
    d.type === 'stderr'
    ? -ERRNO.ESPIPE
    : 0
}

/** Bytes of memory into a pipe: as writev, since pages are never given away. */
function vmsplice(k: Kernel, t: Task, args: number[]): number {
  if (args[3]! & ~0xf) return -ERRNO.EINVAL
  const d = target(k, t, args[0]!)
  if (!d) return -ERRNO.EBADF
  if (d.type !== 'pipe') return -ERRNO.EBADF
  const nowait = (args[3]! & 2) !== 0
  if ((d.flags & 3) === 0)
    return args[2] === 0 ? 0 : read(k, t, 278, args, readIovec(k.space(t), args[1]!, args[2]!), null, nowait)
  return write(k, t, 278, args, readIovec(k.space(t), args[1]!, args[2]!), null, nowait)
}

/** fsync: files are the machine's state, so only those who lose power have anything to do. */
function sync(k: Kernel, t: Task, number: number): number {
  const d = descriptionOf(k, t, number)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  if (d.type !== 'file' && d.type !== 'dir') return -ERRNO.EINVAL
  const inode = inodeOf(k.state.fs, d.inode)
  if (d.type === 'dir') syncDirectory(k, inode)
  else {
    if (k.state.fs.disk !== undefined) takeStores(k, inode)
    syncFile(k, inode)
  }
  return 0
}

function syncEverything(k: Kernel): number {
  if (k.state.fs.disk !== undefined) takeAllStores(k)
  syncAll(k)
  return 0
}

const rwf = flags(RWF_FLAGS, 'RWF_???')

export const ioCalls: Declaration[] = [
  syscall(
    0,
    'read',
    [
      ['fd', fd],
      ['buf', bytesOut],
      ['count', size],
    ],
    number,
    (k, t, a) => read(k, t, 0, a, one(a[1]!, a[2]!), null),
  ),
  syscall(
    1,
    'write',
    [
      ['fd', fd],
      ['buf', bytesIn(2)],
      ['count', size],
    ],
    number,
    (k, t, a) => write(k, t, 1, a, one(a[1]!, a[2]!), null),
  ),
  syscall(
    17,
    'pread64',
    [
      ['fd', fd],
      ['buf', bytesOut],
      ['count', size],
      ['offset', off],
    ],
    number,
    (k, t, a) => read(k, t, 17, a, one(a[1]!, a[2]!), a[3]!),
  ),
  syscall(
    18,
    'pwrite64',
    [
      ['fd', fd],
      ['buf', bytesIn(2)],
      ['count', size],
      ['offset', off],
    ],
    number,
    (k, t, a) => write(k, t, 18, a, one(a[1]!, a[2]!), a[3]!),
  ),
  syscall(
    19,
    'readv',
    [
      ['fd', fd],
      ['iov', iovec('out', 2)],
      ['iovcnt', size],
    ],
    number,
    (k, t, a) => read(k, t, 19, a, readIovec(k.space(t), a[1]!, a[2]!), null),
  ),
  syscall(
    20,
    'writev',
    [
      ['fd', fd],
      ['iov', iovec('in', 2)],
      ['iovcnt', size],
    ],
    number,
    (k, t, a) => write(k, t, 20, a, readIovec(k.space(t), a[1]!, a[2]!), null),
  ),
  syscall(
    278,
    'vmsplice',
    [
      ['fd', fd],
      ['iov', iovec('in', 2)],
      ['nr_segs', size],
      ['flags', flags(SPLICE_FLAGS, 'SPLICE_F_???')],
    ],
    number,
    vmsplice,
  ),
  syscall(
    295,
    'preadv',
    [
      ['fd', fd],
      ['iov', iovec('out', 2)],
      ['iovcnt', size],
      ['offset', offset],
      ['', offsetHigh],
    ],
    number,
    (k, t, a) => read(k, t, 295, a, readIovec(k.space(t), a[1]!, a[2]!), a[3]!),
  ),
  syscall(
    296,
    'pwritev',
    [
      ['fd', fd],
      ['iov', iovec('in', 2)],
      ['iovcnt', size],
      ['offset', offset],
      ['', offsetHigh],
    ],
    number,
    (k, t, a) => write(k, t, 296, a, readIovec(k.space(t), a[1]!, a[2]!), a[3]!),
  ),
  syscall(
    327,
    'preadv2',
    [
      ['fd', fd],
      ['iov', iovec('out', 2)],
      ['iovcnt', size],
      ['offset', offset],
      ['', offsetHigh],
      ['flags', rwf],
    ],
    number,
    (k, t, a) =>
      checkRwf(a[5]!, a[2]!) ||
      read(k, t, 327, a, readIovec(k.space(t), a[1]!, a[2]!), a[3] === -1 ? null : a[3]!, (a[5]! & RWF.nowait) !== 0),
  ),
  syscall(
    328,
    'pwritev2',
    [
      ['fd', fd],
      ['iov', iovec('in', 2)],
      ['iovcnt', size],
      ['offset', offset],
      ['', offsetHigh],
      ['flags', rwf],
    ],
    number,
    pwritev2,
  ),
  syscall(
    8,
    'lseek',
    [
      ['fd', fd],
      ['offset', off],
      ['whence', oneOf(WHENCE, 'SEEK_???')],
    ],
    number,
    lseek,
  ),
  syscall(
    78,
    'getdents',
    [
      ['fd', fd],
      ['dirp', offered(direntsOut, 2)],
      ['count', uint],
    ],
    number,
    (k, t, a) => getdents(k, t, a, false),
  ),
  syscall(
    217,
    'getdents64',
    [
      ['fd', fd],
      ['dirp', offered(direntsOut, 2)],
      ['count', uint],
    ],
    number,
    (k, t, a) => getdents(k, t, a, true),
  ),
  syscall(74, 'fsync', [['fd', fd]], number, (k, t, a) => sync(k, t, a[0]!)),
  syscall(75, 'fdatasync', [['fd', fd]], number, (k, t, a) => sync(k, t, a[0]!)),
  syscall(162, 'sync', [], number, (k) => syncEverything(k)),
  syscall(306, 'syncfs', [['fd', fd]], number, (k, t, a) => {
    if (!descriptionOf(k, t, a[0]!)) return -ERRNO.EBADF
    return syncEverything(k)
  }),
  syscall(
    221,
    'fadvise64',
    [
      ['fd', fd],
      ['offset', off],
      ['len', off],
      ['advice', oneOf(FADVICE, 'POSIX_FADV_???')],
    ],
    number,
    (k, t, a) => checkFile(k, t, a[0]!) || (a[3]! < 0 || a[3]! > 5 || a[2]! < 0 ? -ERRNO.EINVAL : 0),
  ),
  syscall(
    187,
    'readahead',
    [
      ['fd', fd],
      ['offset', off],
      ['count', size],
    ],
    number,
    (k, t, a) => {
      const d = descriptionOf(k, t, a[0]!)
      if (!d || (d.flags & 3) === 1) return -ERRNO.EBADF
      return d.type === 'file' ? 0 : -ERRNO.EINVAL
    },
  ),
  syscall(
    277,
    'sync_file_range',
    [
      ['fd', fd],
      ['offset', off],
      ['nbytes', off],
      ['flags', flags(SYNC_RANGE, 'SYNC_FILE_RANGE_???')],
    ],
    number,
    (k, t, a) => (a[3]! & ~7 || a[1]! < 0 || a[2]! < 0 ? -ERRNO.EINVAL : checkFile(k, t, a[0]!)),
  ),
]
