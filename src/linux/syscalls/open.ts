/** Exists to declare the calls that make, copy and close descriptors: open, dup, pipe, memfd_create, eventfd. */
import { asU64, dirfd, u64At, fd, flags, mode, number, path, shown, structOut, structText, uint } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import {
  addDescription,
  closeFd,
  descriptionOf,
  installFd,
  installOrDrop,
  releaseDescription,
} from '../fs/description.ts'
import { SEMAPHORE } from '../fs/event-files.ts'
import { addInode, timeNow } from '../fs/inode.ts'
import { bytesFromName } from '../fs/names.ts'
import { O, openPath } from '../fs/open.ts'
import { addPipe, joinPipe } from '../fs/pipe.ts'
import type { Description } from '../fs/state.ts'
import { AT_FDCWD, readPath, RESOLVE } from '../fs/walk.ts'
import { ownFiles } from '../shared.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { flagsText, hex, pointerText, quoted } from '../strace.ts'
import { CLOSE_RANGE, EVENTFD_FLAGS, MEMFD_FLAGS, openFlagsText, OPEN_FLAGS_ONLY } from '../table-flags.ts'
import { newWait } from '../tasks.ts'

const openFlags: ArgType = shown((lo) => lo, openFlagsText)

/** The mode of an open: shown only when the call may create a file. `at` is the number of the flags' argument. */
const modeIfCreate = (at: number): ArgType => ({
  ...mode,
  text: (value, call) => (call.args[at]! & (O.creat | (O.tmpfile & ~O.directory)) ? mode.text(value, call) : null),
})

/** Opens and installs; a FIFO without its other end waits until that comes. */
function open(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  start: number,
  address: number,
  how: number,
  bits: number,
  resolve = 0,
): number {
  const waited = t.wait?.detail as FifoWait | undefined
  if (waited) return continueFifo(k, t, nr, args, waited, how)
  const name = readPath(k, t, address)
  if (typeof name === 'number') return name
  const d = openPath(k, t, start, name, how, bits, resolve)
  if (typeof d === 'number') return d
  const other = otherEnds(k, d)
  // A pipe that was never in a directory can be opened (by way of /proc) without another end.
  const named = (k.state.fs.inodes.get(d.inode)?.nlink ?? 0) > 0
  if (named && other !== null && other.count === 0 && !(how & O.nonblock)) {
    // The wait itself refers to the description until the open is over.
    d.refs++
    return continueFifo(k, t, nr, args, { id: d.id, opens: other.opens }, how)
  }
  return installOrDrop(k, t, d, (how & O.cloexec) !== 0)
}

/** An open of a FIFO under way: its description, and how often the other end had been opened before. */
interface FifoWait {
  id: number
  opens: number
}

/** For one end of a pipe: how many hold the other end, and how often that was opened. Null for everything else. */
function otherEnds(k: Kernel, d: Description): { count: number; opens: number } | null {
  const pipe = d.type === 'pipe' ? k.state.fs.pipes.get(d.pipe)! : null
  const access = d.flags & 3
  if (pipe === null || access === 2) return null
  return access === 0
    ? { count: pipe.writers, opens: pipe.writerOpens }
    : { count: pipe.readers, opens: pipe.readerOpens }
}

function continueFifo(k: Kernel, t: Task, nr: number, args: number[], wait: FifoWait, how: number): number {
  const d = k.state.fs.descriptions.get(wait.id)!
  if (otherEnds(k, d)!.opens > wait.opens) {
    const result = installFd(k, t, d, (how & O.cloexec) !== 0)
    releaseDescription(k, d.id)
    return result
  }
  if (t.wait?.outcome === 'signal') {
    releaseDescription(k, d.id)
    return -ERRNO.EINTR
  }
  const fds = [{ id: d.id, events: 'both' as const }]
  t.wait = newWait({ nr, args, kind: 'fd', restart: 'eintr', fds, holds: d.id, detail: wait })
  return BLOCKED
}

/** The flags that openat2 knows; open ignores others. */
const OPENAT2_FLAGS = 0o37777703

function openat2(k: Kernel, t: Task, args: number[]): number {
  const [start, address, how, length] = args as [number, number, number, number]
  if (length < 24) return -ERRNO.EINVAL
  if (length > 4096) return -ERRNO.E2BIG
  const bytes = k.space(t).read(how, length)
  if (bytes === null) return -ERRNO.EFAULT
  // A later version of the structure, whose additions are asked for.
  if (bytes.subarray(24).some((byte) => byte !== 0)) return -ERRNO.E2BIG
  const view = new DataView(bytes.buffer, bytes.byteOffset, 24)
  const [what, bits, resolve] = [0, 8, 16].map((offset) => u64At(view, offset)) as [number, number, number]
  if (what > 0xffff_ffff || what & ~OPENAT2_FLAGS) return -ERRNO.EINVAL
  if (resolve > 0x3f || (resolve & (RESOLVE.beneath | RESOLVE.inRoot)) === (RESOLVE.beneath | RESOLVE.inRoot))
    return -ERRNO.EINVAL
  const creates = what & O.creat || (what & O.tmpfile) === O.tmpfile
  if (bits > 0o7777 || (bits !== 0 && !creates)) return -ERRNO.EINVAL
  if (what & O.path && what & ~(O.path | O.directory | O.nofollow | O.cloexec)) return -ERRNO.EINVAL
  // What is not at hand has to be fetched.
  if (resolve & RESOLVE.cached && (creates || what & O.trunc)) return -ERRNO.EAGAIN
  return open(k, t, 437, args, start, address, what, bits, resolve & ~RESOLVE.cached)
}

const openHow: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) =>
    structText(
      value,
      24,
      (view) => {
        const created = view.getUint32(8, true)
        const bits = created === 0 ? '' : `, mode=0${created.toString(8)}`
        return `{flags=${openFlagsText(view.getUint32(0, true))}${bits}, resolve=${hex(view.getUint32(16, true))}}`
      },
      call,
    ),
  reads: (value, { args }) => [{ start: value, length: args[3]! }],
}

function dup(k: Kernel, t: Task, old: number): number {
  const d = descriptionOf(k, t, old)
  return d ? installFd(k, t, d, false) : -ERRNO.EBADF
}

/** Makes `to` refer to what `from` refers to. */
function dupTo(k: Kernel, t: Task, from: number, to: number, closeOnExec: boolean): number {
  const d = descriptionOf(k, t, from)
  const process = k.process(t)
  if (!d || to < 0 || to >= process.rlimits[7]![0]) return -ERRNO.EBADF
  if (from === to) return to
  d.refs++
  closeFd(k, process, to)
  process.files.set(to, { id: d.id, closeOnExec })
  return to
}

function dup3(k: Kernel, t: Task, args: number[]): number {
  const [from, to, how] = args as [number, number, number]
  if (how & ~O.cloexec || from === to) return -ERRNO.EINVAL
  return dupTo(k, t, from, to, (how & O.cloexec) !== 0)
}

function closeRange(k: Kernel, t: Task, args: number[]): number {
  const [first, last, how] = args as [number, number, number]
  if (first > last || how & ~6) return -ERRNO.EINVAL
  const process = k.process(t)
  // CLOSE_RANGE_UNSHARE.
  if (how & 2) ownFiles(k, process)
  for (const number of process.files.keys()) {
    if (number < first || number > last) continue
    if (how & 4) process.files.get(number)!.closeOnExec = true
    else closeFd(k, process, number)
  }
  return 0
}

function pipe(k: Kernel, t: Task, address: number, how: number): number {
  if (how & ~(O.cloexec | O.nonblock | O.direct)) return -ERRNO.EINVAL
  const fs = k.state.fs
  const { uid, gid } = t.credentials
  const inode = addInode(fs, { kind: 'fifo', mode: 0o600, uid: uid[3], gid: gid[3] }, timeNow(k))
  const { id } = addPipe(fs, (how & O.direct) !== 0)
  inode.pipe = id
  inode.nlink = 0
  const kept = how & O.nonblock
  const ends = [0, 1].map((access) =>
    addDescription(fs, 'pipe', access | kept | (access === 1 ? how & O.direct : 0), inode, { pipe: id }),
  ) as [Description, Description]
  for (const end of ends) joinPipe(k, end)
  const closeOnExec = (how & O.cloexec) !== 0
  for (const end of ends) end.refs++
  const readEnd = installFd(k, t, ends[0], closeOnExec)
  const writeEnd = readEnd < 0 ? readEnd : installFd(k, t, ends[1], closeOnExec)
  for (const end of ends) releaseDescription(k, end.id)
  const bytes = new Uint8Array(Int32Array.of(readEnd, writeEnd).buffer)
  const result = writeEnd < 0 ? writeEnd : k.space(t).write(address, bytes) ? 0 : -ERRNO.EFAULT
  if (result !== 0) for (const end of [readEnd, writeEnd]) if (end >= 0) closeFd(k, k.process(t), end)
  return result
}

const pipeFds = structOut(8, (view) => `[${view.getInt32(0, true)}, ${view.getInt32(4, true)}]`)

/** F_SEAL_EXEC: what MFD_NOEXEC_SEAL begins with. */
const SEAL_EXEC = 0x20

/** A file of the private layer without any name. */
function memfd(k: Kernel, t: Task, args: number[]): number {
  const [address, how] = args as [number, number]
  if (how & ~0x1f || (how & 0x18) === 0x18) {
    if (!(how & 4)) return -ERRNO.EINVAL
  }
  if (how & 4) return k.refuse(t, 'memfd_create(MFD_HUGETLB)', 'EINVAL')
  const name = readPath(k, t, address)
  if (typeof name === 'number') return name
  if (bytesFromName(name).length > 249) return -ERRNO.EINVAL
  const { uid, gid } = t.credentials
  const inode = addInode(
    k.state.fs,
    { kind: 'file', mode: how & 8 ? 0o666 : 0o777, uid: uid[3], gid: gid[3] },
    timeNow(k),
  )
  // Without MFD_ALLOW_SEALING it is sealed against sealing.
  inode.seals = how & 8 ? SEAL_EXEC : how & 2 ? 0 : 1
  const d = addDescription(k.state.fs, 'file', 2 | O.largefile, inode, { name: `/memfd:${name}` })
  return installOrDrop(k, t, d, (how & 1) !== 0)
}

function eventfd(k: Kernel, t: Task, count: number, how: number): number {
  if (how & ~(1 | O.cloexec | O.nonblock)) return -ERRNO.EINVAL
  const kept = 2 | (how & O.nonblock) | (how & 1 ? SEMAPHORE : 0)
  const d = addDescription(k.state.fs, 'eventfd', kept, null, { counter: BigInt(count) })
  return installOrDrop(k, t, d, (how & O.cloexec) !== 0)
}

const pipeFlags = flags(OPEN_FLAGS_ONLY, 'O_???')

const memfdFlags = shown(
  (lo) => lo,
  (value) => {
    const size = value >>> 26
    const text = flagsText(value & 0x3ff_ffff, MEMFD_FLAGS, 'MFD_???')
    return size === 0 ? text : `${text}|${size}<<MFD_HUGE_SHIFT`
  },
)

/** A name that is no path: shown in full up to strace's limit of 250 characters. */
const memfdName: ArgType = {
  ...path,
  text: (value, { space }) => {
    const bytes = space.readString(value, 4096)
    return bytes === null ? pointerText(value) : quoted(bytes, 250)
  },
}

export const openCalls: Declaration[] = [
  syscall(
    2,
    'open',
    [
      ['pathname', path],
      ['flags', openFlags],
      ['mode', modeIfCreate(1)],
    ],
    number,
    (k, t, a) => open(k, t, 2, a, AT_FDCWD, a[0]!, a[1]!, a[2]!),
  ),
  syscall(
    257,
    'openat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['flags', openFlags],
      ['mode', modeIfCreate(2)],
    ],
    number,
    (k, t, a) => open(k, t, 257, a, a[0]!, a[1]!, a[2]!, a[3]!),
  ),
  syscall(
    437,
    'openat2',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['how', openHow],
      ['size', uint],
    ],
    number,
    openat2,
  ),
  syscall(
    85,
    'creat',
    [
      ['pathname', path],
      ['mode', mode],
    ],
    number,
    (k, t, a) => open(k, t, 85, a, AT_FDCWD, a[0]!, O.creat | O.wronly | O.trunc, a[1]!),
  ),
  syscall(3, 'close', [['fd', fd]], number, (k, t, a) => closeFd(k, k.process(t), a[0]!)),
  syscall(
    436,
    'close_range',
    [
      ['first', uint],
      ['last', uint],
      ['flags', flags(CLOSE_RANGE, 'CLOSE_RANGE_???')],
    ],
    number,
    closeRange,
  ),
  syscall(32, 'dup', [['fd', fd]], number, (k, t, a) => dup(k, t, a[0]!)),
  syscall(
    33,
    'dup2',
    [
      ['oldfd', fd],
      ['newfd', fd],
    ],
    number,
    (k, t, a) => dupTo(k, t, a[0]!, a[1]!, false),
  ),
  syscall(
    292,
    'dup3',
    [
      ['oldfd', fd],
      ['newfd', fd],
      ['flags', pipeFlags],
    ],
    number,
    dup3,
  ),
  syscall(22, 'pipe', [['pipefd', pipeFds]], number, (k, t, a) => pipe(k, t, a[0]!, 0)),
  syscall(
    293,
    'pipe2',
    [
      ['pipefd', pipeFds],
      ['flags', pipeFlags],
    ],
    number,
    (k, t, a) => pipe(k, t, a[0]!, a[1]!),
  ),
  syscall(
    319,
    'memfd_create',
    [
      ['name', memfdName],
      ['flags', memfdFlags],
    ],
    number,
    memfd,
    { support: 'partial: MFD_HUGETLB' },
  ),
  syscall(284, 'eventfd', [['count', uint]], number, (k, t, a) => eventfd(k, t, a[0]!, 0)),
  syscall(
    290,
    'eventfd2',
    [
      ['count', uint],
      ['flags', flags(EVENTFD_FLAGS, 'EFD_???')],
    ],
    number,
    (k, t, a) => eventfd(k, t, a[0]!, a[1]!),
  ),
]
