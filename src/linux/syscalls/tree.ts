/** Exists to declare the calls that change the tree of names: mkdir, unlink, rename, link, chdir. */
import { CAP, capable } from '../capabilities.ts'
import { asInt, dirfd, fd, flags, mode, number, path, shown } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import {
  changeDirectory,
  link,
  makeDirectory,
  makeNode,
  removeDirectory,
  rename,
  RENAME,
  unlink,
} from '../fs/change.ts'
import { checkAccess, MAY } from '../fs/permission.ts'
import { type InodeKind } from '../fs/state.ts'
import { AT_FDCWD, findAtOrFd, readPath } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { AT_FLAGS, RENAME_FLAGS } from '../table-flags.ts'
import { deviceText, modeText } from './file-text.ts'
import { at, on, onFd } from './places.ts'

const AT = { removedir: 0x200, follow: 0x400, emptyPath: 0x1000 } as const

const NODE_KINDS: ReadonlyMap<number, InodeKind> = new Map<number, InodeKind>([
  [0, 'file'],
  [0o100000, 'file'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'char'],
  [0o060000, 'block'],
])

function mknod(k: Kernel, t: Task, start: number, address: number, bits: number, device: number): number {
  const kind = NODE_KINDS.get(bits & 0o170000)
  if (kind === undefined) return (bits & 0o170000) === 0o040000 ? -ERRNO.EPERM : -ERRNO.EINVAL
  return at(k, t, start, address, (place) => {
    if (place.inode !== null) return -ERRNO.EEXIST
    const denied = checkAccess(k, t, place.dir, MAY.write | MAY.exec)
    if (denied !== 0) return denied
    // Anybody may make the device 0:0, which stands for a file that is not there (overlayfs).
    const whiteout = kind === 'char' && device === 0
    if ((kind === 'char' || kind === 'block') && !whiteout && !capable(t, CAP.mknod)) return -ERRNO.EPERM
    const permissions = bits & 0o7777 & ~k.process(t).where.umask
    const rdev = kind === 'char' || kind === 'block' ? device : 0
    return makeNode(k, t, place, { kind, mode: permissions, rdev })
  })
}

function unlinkat(k: Kernel, t: Task, args: number[]): number {
  const [start, address, how] = args as [number, number, number]
  if (how & ~AT.removedir) return -ERRNO.EINVAL
  return at(k, t, start, address, (place) => (how & AT.removedir ? removeDirectory(k, t, place) : unlink(k, t, place)))
}

function renameat2(
  k: Kernel,
  t: Task,
  oldStart: number,
  oldAddress: number,
  newStart: number,
  newAddress: number,
  how: number,
): number {
  if (how & ~7 || (how & RENAME.exchange && how & (RENAME.noReplace | RENAME.whiteout))) return -ERRNO.EINVAL
  if (how & RENAME.whiteout) return k.refuse(t, 'renameat2(RENAME_WHITEOUT)', 'EINVAL')
  return at(k, t, oldStart, oldAddress, (from) => at(k, t, newStart, newAddress, (to) => rename(k, t, from, to, how)))
}

function linkat(k: Kernel, t: Task, args: number[]): number {
  const [oldStart, oldAddress, newStart, newAddress, how] = args as [number, number, number, number, number]
  if (how & ~(AT.follow | AT.emptyPath)) return -ERRNO.EINVAL
  const inode = findAtOrFd(k, t, oldStart, oldAddress, (how & AT.follow) !== 0, (how & AT.emptyPath) !== 0)
  if (typeof inode === 'number') return inode
  return at(k, t, newStart, newAddress, (place) => link(k, t, inode, place))
}

function symlink(k: Kernel, t: Task, targetAddress: number, start: number, address: number): number {
  const target = readPath(k, t, targetAddress)
  if (typeof target === 'number') return target
  if (target === '') return -ERRNO.ENOENT
  return at(k, t, start, address, (place) => makeNode(k, t, place, { kind: 'symlink', mode: 0o777, target }))
}

const atFlags = flags(AT_FLAGS, 'AT_???')
const nodeMode = shown(asInt, (value) => modeText(value & 0xffff))
const device: ArgType = shown(
  (lo) => lo,
  (value, { args }) => {
    const type = args[args.length - 2]! & 0o170000
    return type === 0o020000 || type === 0o060000 ? deviceText(value) : null
  },
)

export const treeCalls: Declaration[] = [
  syscall(
    83,
    'mkdir',
    [
      ['pathname', path],
      ['mode', mode],
    ],
    number,
    (k, t, a) => at(k, t, AT_FDCWD, a[0]!, (place) => makeDirectory(k, t, place, a[1]!)),
  ),
  syscall(
    258,
    'mkdirat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', mode],
    ],
    number,
    (k, t, a) => at(k, t, a[0]!, a[1]!, (place) => makeDirectory(k, t, place, a[2]!)),
  ),
  syscall(
    133,
    'mknod',
    [
      ['pathname', path],
      ['mode', nodeMode],
      ['dev', device],
    ],
    number,
    (k, t, a) => mknod(k, t, AT_FDCWD, a[0]!, a[1]!, a[2]!),
  ),
  syscall(
    259,
    'mknodat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', nodeMode],
      ['dev', device],
    ],
    number,
    (k, t, a) => mknod(k, t, a[0]!, a[1]!, a[2]!, a[3]!),
  ),
  syscall(84, 'rmdir', [['pathname', path]], number, (k, t, a) =>
    at(k, t, AT_FDCWD, a[0]!, (place) => removeDirectory(k, t, place)),
  ),
  syscall(87, 'unlink', [['pathname', path]], number, (k, t, a) =>
    at(k, t, AT_FDCWD, a[0]!, (place) => unlink(k, t, place)),
  ),
  syscall(
    263,
    'unlinkat',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['flags', atFlags],
    ],
    number,
    unlinkat,
  ),
  syscall(
    82,
    'rename',
    [
      ['oldpath', path],
      ['newpath', path],
    ],
    number,
    (k, t, a) => renameat2(k, t, AT_FDCWD, a[0]!, AT_FDCWD, a[1]!, 0),
  ),
  syscall(
    264,
    'renameat',
    [
      ['olddfd', dirfd],
      ['oldpath', path],
      ['newdfd', dirfd],
      ['newpath', path],
    ],
    number,
    (k, t, a) => renameat2(k, t, a[0]!, a[1]!, a[2]!, a[3]!, 0),
  ),
  syscall(
    316,
    'renameat2',
    [
      ['olddfd', dirfd],
      ['oldpath', path],
      ['newdfd', dirfd],
      ['newpath', path],
      ['flags', flags(RENAME_FLAGS, 'RENAME_???')],
    ],
    number,
    (k, t, a) => renameat2(k, t, a[0]!, a[1]!, a[2]!, a[3]!, a[4]!),
    { support: 'partial: RENAME_WHITEOUT' },
  ),
  syscall(
    86,
    'link',
    [
      ['oldpath', path],
      ['newpath', path],
    ],
    number,
    (k, t, a) => linkat(k, t, [AT_FDCWD, a[0]!, AT_FDCWD, a[1]!, 0]),
  ),
  syscall(
    265,
    'linkat',
    [
      ['olddfd', dirfd],
      ['oldpath', path],
      ['newdfd', dirfd],
      ['newpath', path],
      ['flags', atFlags],
    ],
    number,
    linkat,
  ),
  syscall(
    88,
    'symlink',
    [
      ['target', path],
      ['linkpath', path],
    ],
    number,
    (k, t, a) => symlink(k, t, a[0]!, AT_FDCWD, a[1]!),
  ),
  syscall(
    266,
    'symlinkat',
    [
      ['target', path],
      ['newdfd', dirfd],
      ['linkpath', path],
    ],
    number,
    (k, t, a) => symlink(k, t, a[0]!, a[1]!, a[2]!),
  ),
  syscall(80, 'chdir', [['path', path]], number, (k, t, a) =>
    on(k, t, AT_FDCWD, a[0]!, true, (inode) => changeDirectory(k, t, inode)),
  ),
  syscall(81, 'fchdir', [['fd', fd]], number, (k, t, a) =>
    onFd(k, t, a[0]!, (inode) => changeDirectory(k, t, inode), true),
  ),
]
