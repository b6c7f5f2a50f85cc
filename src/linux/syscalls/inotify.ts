/** Exists to declare inotify: descriptors that tell what happens to files. */
import { asUint, fd, flags, int, number, path, shown } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, installOrDrop } from '../fs/description.ts'
import { dropWatch, IN, IN_ALL } from '../fs/inotify.ts'
import { checkAccess, MAY } from '../fs/permission.ts'
import type { Description } from '../fs/state.ts'
import { AT_FDCWD, readPath, walk } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { flagsText, type FlagTable } from '../strace.ts'

const NONBLOCK = 0o4000
const CLOEXEC = 0o2000000
const INIT_FLAGS: FlagTable = [
  [CLOEXEC, 'IN_CLOEXEC'],
  [NONBLOCK, 'IN_NONBLOCK'],
]
const EVENTS: FlagTable = [
  [0xfff, 'IN_ALL_EVENTS'],
  [1, 'IN_ACCESS'],
  [2, 'IN_MODIFY'],
  [4, 'IN_ATTRIB'],
  [8, 'IN_CLOSE_WRITE'],
  [0x10, 'IN_CLOSE_NOWRITE'],
  [0x20, 'IN_OPEN'],
  [0x40, 'IN_MOVED_FROM'],
  [0x80, 'IN_MOVED_TO'],
  [0x100, 'IN_CREATE'],
  [0x200, 'IN_DELETE'],
  [0x400, 'IN_DELETE_SELF'],
  [0x800, 'IN_MOVE_SELF'],
  [0x2000, 'IN_UNMOUNT'],
  [0x4000, 'IN_Q_OVERFLOW'],
  [0x8000, 'IN_IGNORED'],
  [0x100_0000, 'IN_ONLYDIR'],
  [0x200_0000, 'IN_DONT_FOLLOW'],
  [0x400_0000, 'IN_EXCL_UNLINK'],
  [0x1000_0000, 'IN_MASK_CREATE'],
  [0x2000_0000, 'IN_MASK_ADD'],
  [0x4000_0000, 'IN_ISDIR'],
  [0x8000_0000, 'IN_ONESHOT'],
]
const KNOWN = IN_ALL | 0xe000 | IN.onlyDir | IN.dontFollow | IN.exclUnlink | IN.maskCreate | IN.maskAdd | IN.isDir
const KEPT = IN_ALL | IN.exclUnlink | IN.oneShot

function init(k: Kernel, t: Task, how: number): number {
  if (how & ~(NONBLOCK | CLOEXEC)) return -ERRNO.EINVAL
  const inotify = { watches: new Map(), nextWatch: 1, events: [] }
  const d = addDescription(k.state.fs, 'inotify', how & NONBLOCK, null, { inotify })
  k.state.fs.inotifies.push(d.id)
  return installOrDrop(k, t, d, (how & CLOEXEC) !== 0)
}

function instance(k: Kernel, t: Task, number: number): Description | number {
  const d = descriptionOf(k, t, number)
  if (d === undefined) return -ERRNO.EBADF
  return d.type === 'inotify' ? d : -ERRNO.EINVAL
}

function addWatch(k: Kernel, t: Task, [number, address, mask]: number[]): number {
  if (mask! & ~KNOWN & ~IN.oneShot || (mask! & (IN_ALL | 0xe000)) === 0) return -ERRNO.EINVAL
  if (descriptionOf(k, t, number!) === undefined) return -ERRNO.EBADF
  if (mask! & IN.maskAdd && mask! & IN.maskCreate) return -ERRNO.EINVAL
  const d = instance(k, t, number!)
  if (typeof d === 'number') return d
  const name = readPath(k, t, address!)
  if (typeof name === 'number') return name
  const place = walk(k, t, AT_FDCWD, name, !(mask! & IN.dontFollow))
  if (typeof place === 'number') return place
  const { inode } = place
  if (inode === null) return -ERRNO.ENOENT
  if (mask! & IN.onlyDir && inode.kind !== 'dir') return -ERRNO.ENOTDIR
  const denied = checkAccess(k, t, inode, MAY.read)
  if (denied !== 0) return denied
  const { watches } = d.inotify!
  const kept = (mask! & KEPT) >>> 0
  for (const [wd, watch] of watches) {
    if (watch.inode !== inode.id) continue
    if (mask! & IN.maskCreate) return -ERRNO.EEXIST
    watch.mask = mask! & IN.maskAdd ? (watch.mask | kept) >>> 0 : kept
    return wd
  }
  const wd = d.inotify!.nextWatch++
  watches.set(wd, { inode: inode.id, mask: kept })
  return wd
}

function removeWatch(k: Kernel, t: Task, [number, wd]: number[]): number {
  const d = instance(k, t, number!)
  if (typeof d === 'number') return d
  if (!d.inotify!.watches.has(wd!)) return -ERRNO.EINVAL
  dropWatch(k, d, wd!)
  return 0
}

export const inotifyCalls: readonly Declaration[] = [
  syscall(253, 'inotify_init', [], number, (k, t) => init(k, t, 0)),
  syscall(
    254,
    'inotify_add_watch',
    [
      ['fd', fd],
      ['pathname', path],
      ['mask', shown(asUint, (value) => flagsText(value, EVENTS, 'IN_???'))],
    ],
    number,
    addWatch,
    {
      support:
        'partial: of directories and files that the machine has looked at; what others do on the host is not told',
    },
  ),
  syscall(
    255,
    'inotify_rm_watch',
    [
      ['fd', fd],
      ['wd', int],
    ],
    number,
    removeWatch,
  ),
  syscall(294, 'inotify_init1', [['flags', flags(INIT_FLAGS, 'IN_???')]], number, (k, t, [how]) => init(k, t, how!)),
]
