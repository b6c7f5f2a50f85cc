/** Exists to declare the calls that tell about files without opening them: stat, access, readlink, statfs, getcwd. */
import { CAP, capable } from '../capabilities.ts'
import { dirfd, fd, flags, int, number, offered, path, shown, size, stringOut } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { targetOf } from '../fs/directory.ts'
import { holdInode, releaseInode } from '../fs/inode.ts'
import { bytesFromName } from '../fs/names.ts'
import { checkAccess, MAY } from '../fs/permission.ts'
import { statBytes, statfsBytes, statxBytes } from '../fs/stat.ts'
import type { Inode } from '../fs/state.ts'
import { pathBelow } from '../fs/where.ts'
import { AT_FDCWD, currentDirectory, findAt, findAtOrFd, readPath, walk } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { flagsText } from '../strace.ts'
import { ACCESS_MODES, AT_FLAGS, FACCESS_FLAGS } from '../table-flags.ts'
import { linkOut, statfsOut, statOut, statxFlags, statxMask, statxOut } from './file-text.ts'

const AT = {
  nofollow: 0x100,
  eaccess: 0x200,
  removedir: 0x200,
  follow: 0x400,
  noAutomount: 0x800,
  emptyPath: 0x1000,
} as const

/** Stores what is known of an inode, or passes an errno on. */
function put(k: Kernel, t: Task, inode: Inode | number, buffer: number, bytes: (inode: Inode) => Uint8Array): number {
  if (typeof inode === 'number') return inode
  return k.space(t).write(buffer, bytes(inode)) ? 0 : -ERRNO.EFAULT
}

/** The inode of a descriptor, O_PATH ones included; -EBADF. What has no inode of its own (eventfd) is an anonymous file. */
function ofFd(k: Kernel, t: Task, number: number): Inode | number {
  const d = descriptionOf(k, t, number)
  if (!d) return -ERRNO.EBADF
  return k.state.fs.inodes.get(d.inode) ?? anonymousInode(k)
}

/** What fstat shows for eventfd, timerfd and epoll: one inode without type, mode 0600. */
function anonymousInode(k: Kernel): Inode {
  const root = k.state.fs.inodes.get(k.state.fs.root)!
  const none = { content: null, entries: null, source: null, rdev: 0, size: 0 }
  return { ...root, ...none, id: 0, ino: 1, kind: 'file', mode: 0o600, nlink: 1 }
}

const stat = (k: Kernel, t: Task, inode: Inode | number, buffer: number): number =>
  put(k, t, inode, buffer, (found) => statBytes(found))

function newfstatat(k: Kernel, t: Task, args: number[]): number {
  const [start, address, buffer, how] = args as [number, number, number, number]
  if (how & ~(AT.nofollow | AT.noAutomount | AT.emptyPath)) return -ERRNO.EINVAL
  return stat(k, t, findHere(k, t, start, address, how), buffer)
}

/** The inode that a path and AT_ flags name, where AT_EMPTY_PATH may name a descriptor of any kind. */
function findHere(k: Kernel, t: Task, start: number, address: number, how: number): Inode | number {
  const empty = (how & AT.emptyPath) !== 0
  if (empty && start !== AT_FDCWD && readPath(k, t, address) === '') return ofFd(k, t, start)
  return findAtOrFd(k, t, start, address, !(how & AT.nofollow), empty)
}

function statx(k: Kernel, t: Task, args: number[]): number {
  const [start, address, how, mask, buffer] = args as [number, number, number, number, number]
  if (how & ~(AT.nofollow | AT.noAutomount | AT.emptyPath | 0x6000) || (how & 0x6000) === 0x6000) return -ERRNO.EINVAL
  if (mask >>> 31) return -ERRNO.EINVAL
  return put(k, t, findHere(k, t, start, address, how), buffer, statxBytes)
}

function access(k: Kernel, t: Task, start: number, address: number, wanted: number, how: number): number {
  if (wanted & ~7 || how & ~(AT.nofollow | AT.eaccess | AT.emptyPath)) return -ERRNO.EINVAL
  const inode = findHere(k, t, start, address, how)
  if (typeof inode === 'number') return inode
  return wanted === 0 ? 0 : checkAccess(k, t, inode, wanted, how & AT.eaccess ? 3 : 0)
}

function readlink(k: Kernel, t: Task, start: number, address: number, buffer: number, length: number): number {
  if ((length | 0) <= 0) return -ERRNO.EINVAL
  const name = readPath(k, t, address)
  if (typeof name === 'number') return name
  // An empty path means the link itself that an O_PATH descriptor stands for.
  const d = name === '' ? descriptionOf(k, t, start) : undefined
  const place = d ? null : walk(k, t, start, name, false)
  if (typeof place === 'number') return place
  const link = d ? k.state.fs.inodes.get(d.inode) : place!.inode
  if (!link) return -ERRNO.ENOENT
  if (link.kind !== 'symlink') return name === '' ? -ERRNO.ENOENT : -ERRNO.EINVAL
  const target = targetOf(k, t, link)
  if (typeof target === 'number') return target
  const bytes = bytesFromName(target).subarray(0, length)
  return k.space(t).write(buffer, bytes) ? bytes.length : -ERRNO.EFAULT
}

function getcwd(k: Kernel, t: Task, args: number[]): number {
  const [buffer, length] = args as [number, number]
  const found = currentDirectory(k, t)
  if (typeof found === 'number') return found
  if (found.nlink === 0) return -ERRNO.ENOENT
  const bytes = bytesFromName(`${pathBelow(k, found, k.process(t).where.root)}\0`)
  if (length < bytes.length) return -ERRNO.ERANGE
  return k.space(t).write(buffer, bytes) ? bytes.length : -ERRNO.EFAULT
}

function fstatfs(k: Kernel, t: Task, args: number[]): number {
  return put(k, t, ofFd(k, t, args[0]!), args[1]!, statfsBytes)
}

function chroot(k: Kernel, t: Task, args: number[]): number {
  const inode = findAt(k, t, AT_FDCWD, args[0]!, true)
  if (typeof inode === 'number') return inode
  if (inode.kind !== 'dir') return -ERRNO.ENOTDIR
  const denied = checkAccess(k, t, inode, MAY.exec)
  if (denied !== 0) return denied
  if (!capable(t, CAP.sysChroot)) return -ERRNO.EPERM
  const { where } = k.process(t)
  holdInode(k.state.fs, inode.id)
  releaseInode(k.state.fs, where.root)
  where.root = inode.id
  return 0
}

const atFlags = flags(AT_FLAGS, 'AT_???')
const accessMode = flags(ACCESS_MODES, '?_OK')
const faccessFlags = shown(
  (lo) => lo,
  (value) => flagsText(value, FACCESS_FLAGS, 'AT_???'),
)

export const statCalls: Declaration[] = [
  syscall(
    4,
    'stat',
    [
      ['pathname', path],
      ['statbuf', statOut],
    ],
    number,
    (k, t, a) => stat(k, t, findAt(k, t, AT_FDCWD, a[0]!, true), a[1]!),
  ),
  syscall(
    5,
    'fstat',
    [
      ['fd', fd],
      ['statbuf', statOut],
    ],
    number,
    (k, t, a) => stat(k, t, ofFd(k, t, a[0]!), a[1]!),
  ),
  syscall(
    6,
    'lstat',
    [
      ['pathname', path],
      ['statbuf', statOut],
    ],
    number,
    (k, t, a) => stat(k, t, findAt(k, t, AT_FDCWD, a[0]!, false), a[1]!),
  ),
  syscall(
    262,
    'newfstatat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['statbuf', statOut],
      ['flags', atFlags],
    ],
    number,
    newfstatat,
  ),
  syscall(
    332,
    'statx',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['flags', statxFlags],
      ['mask', statxMask],
      ['statxbuf', statxOut],
    ],
    number,
    statx,
  ),
  syscall(
    21,
    'access',
    [
      ['pathname', path],
      ['mode', accessMode],
    ],
    number,
    (k, t, a) => access(k, t, AT_FDCWD, a[0]!, a[1]!, 0),
  ),
  syscall(
    269,
    'faccessat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', accessMode],
    ],
    number,
    (k, t, a) => access(k, t, a[0]!, a[1]!, a[2]!, 0),
  ),
  syscall(
    439,
    'faccessat2',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', accessMode],
      ['flags', faccessFlags],
    ],
    number,
    (k, t, a) => access(k, t, a[0]!, a[1]!, a[2]!, a[3]!),
  ),
  syscall(
    89,
    'readlink',
    [
      ['pathname', path],
      ['buf', offered(linkOut, 2)],
      ['bufsiz', size],
    ],
    number,
    (k, t, a) => readlink(k, t, AT_FDCWD, a[0]!, a[1]!, a[2]!),
  ),
  syscall(
    267,
    'readlinkat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['buf', offered(linkOut, 3)],
      ['bufsiz', int],
    ],
    number,
    (k, t, a) => readlink(k, t, a[0]!, a[1]!, a[2]!, a[3]!),
  ),
  syscall(
    79,
    'getcwd',
    [
      ['buf', stringOut],
      ['size', size],
    ],
    number,
    getcwd,
  ),
  syscall(
    137,
    'statfs',
    [
      ['pathname', path],
      ['buf', statfsOut],
    ],
    number,
    (k, t, a) => put(k, t, findAt(k, t, AT_FDCWD, a[0]!, true), a[1]!, statfsBytes),
  ),
  syscall(
    138,
    'fstatfs',
    [
      ['fd', fd],
      ['buf', statfsOut],
    ],
    number,
    fstatfs,
  ),
  syscall(161, 'chroot', [['path', path]], number, chroot),
]
