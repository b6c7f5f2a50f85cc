/** Exists to declare the calls that change what a file is like: mode, owner, size and times. */
import { dirfd, fd, flags, i64At, int, length, mode, number, off, path } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { changeMode, changeOwner } from '../fs/change.ts'
import { zeroContent } from '../fs/content.ts'
import { timeNow } from '../fs/inode.ts'
import { IN, tellInode } from '../fs/inotify.ts'
import { resizeFile, writeFile } from '../fs/mapping.ts'
import { checkMount, hostPlace, passOn, passOnBytes } from '../fs/mounts.ts'
import { checkAccess, isOwner, MAY } from '../fs/permission.ts'
import { MAX_FILE, type Inode, type Timespec } from '../fs/state.ts'
import { fileLimit, overLimit } from '../fs/transfer.ts'
import { AT_FDCWD, findAtOrFd } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { octal } from '../strace.ts'
import { AT_FLAGS, FALLOC_FLAGS } from '../table-flags.ts'
import { noteZero } from '../power/pending.ts'
import { timevals, utimbuf, utimes } from './file-text.ts'
import { on, onFd } from './places.ts'

const AT = { nofollow: 0x100, emptyPath: 0x1000 } as const

function fchownat(k: Kernel, t: Task, args: number[]): number {
  const [start, address, uid, gid, how] = args as [number, number, number, number, number]
  if (how & ~(AT.nofollow | AT.emptyPath)) return -ERRNO.EINVAL
  const inode = findAtOrFd(k, t, start, address, !(how & AT.nofollow), (how & AT.emptyPath) !== 0)
  return typeof inode === 'number' ? inode : changeOwner(k, t, inode, uid, gid)
}

/** Sets a file's size for a task that may write it. */
function resize(k: Kernel, t: Task, inode: Inode, length: number): number {
  if (length < 0) return -ERRNO.EINVAL
  if (inode.kind === 'dir') return -ERRNO.EISDIR
  if (!inode.content) return -ERRNO.EINVAL
  if (length > MAX_FILE || length > fileLimit(k, t)) return overLimit(k, t)
  const seals = Math.max(0, inode.seals)
  const { size } = inode.content
  if ((length < size && seals & 2) || (length > size && seals & 4)) return -ERRNO.EPERM
  return resizeFile(k, inode, length)
}

function truncate(k: Kernel, t: Task, args: number[]): number {
  const [address, length] = args as [number, number]
  if (length < 0) return -ERRNO.EINVAL
  return on(k, t, AT_FDCWD, address, true, (inode) => {
    if (inode.kind === 'dir') return -ERRNO.EISDIR
    return checkAccess(k, t, inode, MAY.write) || resize(k, t, inode, length)
  })
}

function ftruncate(k: Kernel, t: Task, args: number[]): number {
  const [number, length] = args as [number, number]
  return onFd(k, t, number, (inode, d) =>
    length < 0 || d.type !== 'file' || (d.flags & 3) === 0 ? -ERRNO.EINVAL : resize(k, t, inode, length),
  )
}

const ZEROS = new Uint8Array(0x10_0000)

const FALLOC = { keepSize: 1, punchHole: 2, zeroRange: 0x10 } as const

function fallocate(k: Kernel, t: Task, args: number[]): number {
  const [number, how, start, length] = args as [number, number, number, number]
  return onFd(k, t, number, (inode, d) => {
    if (start < 0 || length <= 0) return -ERRNO.EINVAL
    if ((d.flags & 3) === 0) return -ERRNO.EBADF
    if (d.type === 'pipe') return -ERRNO.ESPIPE
    if (d.type !== 'file') return -ERRNO.ENODEV
    if (how & ~(FALLOC.keepSize | FALLOC.punchHole | FALLOC.zeroRange)) return -ERRNO.EOPNOTSUPP
    if (how & FALLOC.punchHole && !(how & FALLOC.keepSize)) return -ERRNO.EOPNOTSUPP
    if (how & FALLOC.punchHole && how & FALLOC.zeroRange) return -ERRNO.EOPNOTSUPP
    const end = start + length
    if (end > MAX_FILE || end > fileLimit(k, t)) return overLimit(k, t)
    if (inode.seals > 0 && inode.seals & 8 && how & (FALLOC.punchHole | FALLOC.zeroRange)) return -ERRNO.EPERM
    const { content } = inode
    if (how & (FALLOC.punchHole | FALLOC.zeroRange)) {
      const gone = Math.max(0, Math.min(end, content!.size) - start)
      const failed = passOnBytes(k, inode, start, new Uint8Array(inode.mount === 0 ? 0 : gone))
      if (failed !== 0) return failed
      // Where the file is mapped its bytes are those of the mappings: the zeros must reach them, too.
      if (inode.shared.length > 0)
        for (let at = start; at < start + gone; at += ZEROS.length)
          writeFile(k, inode, at, ZEROS.subarray(0, start + gone - at))
      noteZero(k, inode, start, end)
      zeroContent(k.world, content!, start, end)
      inode.mtime = inode.ctime = timeNow(k)
    }
    return !(how & FALLOC.keepSize) && end > content!.size ? resize(k, t, inode, end) : 0
  })
}

const UTIME_NOW = 0x3fff_ffff
const UTIME_OMIT = 0x3fff_fffe

/** New access and modification times: a time, the present one, or null for no change. */
type NewTime = Timespec | 'now' | null

function setTimes(k: Kernel, t: Task, inode: Inode, atime: NewTime, mtime: NewTime): number {
  if (atime === null && mtime === null) return 0
  const bothNow = atime === 'now' && mtime === 'now'
  if (!isOwner(t, inode)) {
    if (!bothNow) return -ERRNO.EPERM
    const denied = checkAccess(k, t, inode, MAY.write)
    if (denied !== 0) return denied
  }
  const readOnly = checkMount(k, inode)
  if (readOnly !== 0) return readOnly
  const now = timeNow(k)
  const outside = inode.mount === 0 ? null : hostPlace(k, inode)
  if (outside !== null) {
    const ns = (wanted: NewTime, old: Timespec): string => {
      const [seconds, rest] = wanted === null ? old : wanted === 'now' ? now : wanted
      return String(BigInt(seconds) * 1_000_000_000n + BigInt(rest))
    }
    const times = { atime: ns(atime, inode.atime), mtime: ns(mtime, inode.mtime) }
    const failed = passOn(k, { do: 'times', path: outside, ...times })
    if (failed !== 0) return failed
  }
  if (atime !== null) inode.atime = atime === 'now' ? now : atime
  if (mtime !== null) inode.mtime = mtime === 'now' ? now : mtime
  inode.ctime = now
  tellInode(k, inode, IN.attrib)
  return 0
}

function utimensat(k: Kernel, t: Task, args: number[]): number {
  const [start, address, times, how] = args as [number, number, number, number]
  if (how & ~(AT.nofollow | AT.emptyPath)) return -ERRNO.EINVAL
  const both = readTimes(k, t, times, 1)
  if (typeof both === 'number') return both
  if (both[0] === null && both[1] === null) return 0
  if (address === 0) {
    if (start === AT_FDCWD) return -ERRNO.EFAULT
    return how !== 0 ? -ERRNO.EINVAL : onFd(k, t, start, (inode) => setTimes(k, t, inode, ...both))
  }
  const inode = findAtOrFd(k, t, start, address, !(how & AT.nofollow), (how & AT.emptyPath) !== 0)
  return typeof inode === 'number' ? inode : setTimes(k, t, inode, ...both)
}

/** Two struct timespec (`unit` 1 ns) or timeval (1000 ns); a null pointer means now. */
function readTimes(k: Kernel, t: Task, address: number, unit: 1 | 1000): [NewTime, NewTime] | number {
  if (address === 0) return ['now', 'now']
  const bytes = k.space(t).read(address, 32)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  const both: NewTime[] = []
  for (const offset of [0, 16]) {
    const part = i64At(view, offset + 8)
    if (unit === 1 && part === UTIME_NOW) both.push('now')
    else if (unit === 1 && part === UTIME_OMIT) both.push(null)
    else if (part < 0 || part * unit >= 1e9) return -ERRNO.EINVAL
    else both.push([i64At(view, offset), part * unit])
  }
  return both as [NewTime, NewTime]
}

function utime(k: Kernel, t: Task, args: number[]): number {
  const [address, times] = args as [number, number]
  let both: [NewTime, NewTime] = ['now', 'now']
  if (times !== 0) {
    const bytes = k.space(t).read(times, 16)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
    both = [
      [i64At(view, 0), 0],
      [i64At(view, 8), 0],
    ]
  }
  return on(k, t, AT_FDCWD, address, true, (inode) => setTimes(k, t, inode, ...both))
}

function futimesat(k: Kernel, t: Task, start: number, address: number, times: number): number {
  const both = readTimes(k, t, times, 1000)
  if (typeof both === 'number') return both
  if (address === 0) return onFd(k, t, start, (inode) => setTimes(k, t, inode, ...both))
  return on(k, t, start, address, true, (inode) => setTimes(k, t, inode, ...both))
}

function umask(k: Kernel, t: Task, args: number[]): number {
  const { where } = k.process(t)
  const before = where.umask
  where.umask = args[0]! & 0o777
  return before
}

/** As onFd; what is no file (eventfd, epoll) has attributes that cannot be changed. */
function ofOpen(k: Kernel, t: Task, number: number, go: (inode: Inode) => number): number {
  return descriptionOf(k, t, number)?.inode === 0 ? -ERRNO.EOPNOTSUPP : onFd(k, t, number, go)
}

/** A uid or gid; -1 for none. */
const id = int
const atFlags = flags(AT_FLAGS, 'AT_???')

export const attributeCalls: Declaration[] = [
  syscall(
    90,
    'chmod',
    [
      ['pathname', path],
      ['mode', mode],
    ],
    number,
    (k, t, a) => on(k, t, AT_FDCWD, a[0]!, true, (inode) => changeMode(k, t, inode, a[1]!)),
  ),
  syscall(
    91,
    'fchmod',
    [
      ['fd', fd],
      ['mode', mode],
    ],
    number,
    (k, t, a) => ofOpen(k, t, a[0]!, (inode) => changeMode(k, t, inode, a[1]!)),
  ),
  syscall(
    268,
    'fchmodat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', mode],
    ],
    number,
    (k, t, a) => on(k, t, a[0]!, a[1]!, true, (inode) => changeMode(k, t, inode, a[2]!)),
  ),
  syscall(
    92,
    'chown',
    [
      ['pathname', path],
      ['owner', id],
      ['group', id],
    ],
    number,
    (k, t, a) => on(k, t, AT_FDCWD, a[0]!, true, (inode) => changeOwner(k, t, inode, a[1]!, a[2]!)),
  ),
  syscall(
    93,
    'fchown',
    [
      ['fd', fd],
      ['owner', id],
      ['group', id],
    ],
    number,
    (k, t, a) => ofOpen(k, t, a[0]!, (inode) => changeOwner(k, t, inode, a[1]!, a[2]!)),
  ),
  syscall(
    94,
    'lchown',
    [
      ['pathname', path],
      ['owner', id],
      ['group', id],
    ],
    number,
    (k, t, a) => on(k, t, AT_FDCWD, a[0]!, false, (inode) => changeOwner(k, t, inode, a[1]!, a[2]!)),
  ),
  syscall(
    260,
    'fchownat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['owner', id],
      ['group', id],
      ['flags', atFlags],
    ],
    number,
    fchownat,
  ),
  syscall(95, 'umask', [['mask', mode]], octal, umask),
  syscall(
    76,
    'truncate',
    [
      ['path', path],
      ['length', length],
    ],
    number,
    truncate,
  ),
  syscall(
    77,
    'ftruncate',
    [
      ['fd', fd],
      ['length', length],
    ],
    number,
    ftruncate,
  ),
  syscall(
    285,
    'fallocate',
    [
      ['fd', fd],
      ['mode', flags(FALLOC_FLAGS, 'FALLOC_FL_???')],
      ['offset', off],
      ['len', off],
    ],
    number,
    fallocate,
    {
      support: 'partial: KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE; the others are EOPNOTSUPP',
    },
  ),
  syscall(
    280,
    'utimensat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['times', utimes],
      ['flags', atFlags],
    ],
    number,
    utimensat,
  ),
  syscall(
    132,
    'utime',
    [
      ['filename', path],
      ['times', utimbuf],
    ],
    number,
    utime,
  ),
  syscall(
    235,
    'utimes',
    [
      ['filename', path],
      ['times', timevals],
    ],
    number,
    (k, t, a) => futimesat(k, t, AT_FDCWD, a[0]!, a[1]!),
  ),
  syscall(
    261,
    'futimesat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['times', timevals],
    ],
    number,
    (k, t, a) => futimesat(k, t, a[0]!, a[1]!, a[2]!),
  ),
]
