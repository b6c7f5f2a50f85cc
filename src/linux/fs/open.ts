/** Exists to open files: from a path and flags to an open file description of the right type (open(2)). */
import { ERRNO } from '../errno.ts'
import { unsupported } from '../declare.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { hostBytes } from './content.ts'
import { addDescription } from './description.ts'
import { insertEntry } from './directory.ts'
import { DEVICE } from './init.ts'
import { addInode, timeNow, type NewInode } from './inode.ts'
import { IN, tellInode, tellName } from './inotify.ts'
import { kernelContent } from './kernel-tree.ts'
import { resizeFile } from './mapping.ts'
import { hostPlaceIn, passOn } from './mounts.ts'
import { checkAccess, isOwner, MAY } from './permission.ts'
import { addPipe, joinPipe } from './pipe.ts'
import type { Description, DescriptionType, Inode } from './state.ts'
import { controllingTty } from '../tty/tell.ts'
import { openMaster, openTty, ttyOfDevice } from '../tty/tty.ts'
import { walk, type Place } from './walk.ts'

/** Flags of open(2) (asm-generic/fcntl.h). */
export const O = {
  wronly: 0o1,
  rdwr: 0o2,
  creat: 0o100,
  excl: 0o200,
  noctty: 0o400,
  trunc: 0o1000,
  append: 0o2000,
  nonblock: 0o4000,
  dsync: 0o10000,
  async: 0o20000,
  direct: 0o40000,
  largefile: 0o100000,
  directory: 0o200000,
  nofollow: 0o400000,
  noatime: 0o1000000,
  cloexec: 0o2000000,
  sync: 0o4010000,
  path: 0o10000000,
  tmpfile: 0o20200000,
} as const

/** Flags that a description keeps and F_GETFL shows. */
const KEPT = ~(O.creat | O.excl | O.noctty | O.trunc | O.cloexec)

/** Opens `path`; the description has no descriptor yet. Or a negative errno. Waiting for a FIFO's other end is the caller's. */
export function openPath(
  k: Kernel,
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve = 0,
): Description | number {
  if ((flags & O.tmpfile) === O.tmpfile) return openUnnamed(k, t, dirfd, path, flags, mode, resolve)
  if (flags & O.path) return openForPath(k, t, dirfd, path, flags, resolve)
  const create = (flags & O.creat) !== 0
  if (create && flags & O.directory) return -ERRNO.EINVAL
  const follow = !(flags & O.nofollow) && !(create && flags & O.excl)
  let place = walk(k, t, dirfd, path, follow, resolve)
  if (typeof place === 'number') return place
  let created = false
  if (place.inode === null) {
    // A dangling symbolic link at the end has been followed: `place` is where it leads.
    if (!create) return -ERRNO.ENOENT
    if (place.slash) return -ERRNO.EISDIR
    const made = createAt(k, t, place, { kind: 'file', mode: mode & 0o7777 & ~k.process(t).where.umask })
    if (typeof made === 'number') return made
    place = { ...place, inode: made }
    created = true
  } else if (create) {
    if (flags & O.excl) return -ERRNO.EEXIST
    if (place.inode.kind === 'dir') return -ERRNO.EISDIR
  }
  const opened = openInode(k, t, place, flags, created)
  if (typeof opened !== 'number' && (opened.type === 'file' || opened.type === 'dir'))
    tellInode(k, place.inode!, IN.open)
  return opened
}

function openForPath(
  k: Kernel,
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  resolve: number,
): Description | number {
  const place = walk(k, t, dirfd, path, !(flags & O.nofollow), resolve)
  if (typeof place === 'number') return place
  if (place.inode === null) return -ERRNO.ENOENT
  if (flags & O.directory && place.inode.kind !== 'dir') return -ERRNO.ENOTDIR
  const kept = flags & (O.path | O.directory | O.nofollow)
  return addDescription(k.state.fs, 'path', kept, place.inode, { parent: place.dir.id, name: place.name })
}

/** O_TMPFILE: a file without a name in the directory at `path`, for writing. */
function openUnnamed(
  k: Kernel,
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): Description | number {
  if ((flags & 3) === 0 || flags & O.creat) return -ERRNO.EINVAL
  const place = walk(k, t, dirfd, path, !(flags & O.nofollow), resolve)
  if (typeof place === 'number') return place
  const dir = place.inode
  if (dir === null) return -ERRNO.ENOENT
  if (dir.kind !== 'dir') return -ERRNO.ENOTDIR
  if (dir.source?.from === 'kernel') return -ERRNO.EOPNOTSUPP
  const denied = checkAccess(k, t, dir, MAY.write | MAY.exec)
  if (denied !== 0) return denied
  const { uid, gid } = t.credentials
  const permissions = mode & 0o7777 & ~k.process(t).where.umask
  const inode = addInode(k.state.fs, { kind: 'file', mode: permissions, uid: uid[3], gid: gid[3] }, timeNow(k))
  inode.unnamed = !(flags & O.excl)
  const where = { parent: dir.id, name: `#${inode.ino}` }
  return addDescription(k.state.fs, 'file', (flags & KEPT) | O.largefile, inode, where)
}

/** A new inode under the name of `place`, where nothing is: or -EACCES. Owner and group as the process', the group as the directory's when that is set-group-id. */
export function createAt(k: Kernel, t: Task, place: Place, init: Omit<NewInode, 'uid' | 'gid'>): Inode | number {
  const { dir, name } = place
  if (dir.nlink === 0) return -ERRNO.ENOENT
  // Nothing can be created in /proc and /sys.
  if (dir.source?.from === 'kernel') return dir.source.path.startsWith('/proc') ? -ERRNO.ENOENT : -ERRNO.EACCES
  const denied = checkAccess(k, t, dir, MAY.write | MAY.exec)
  if (denied !== 0) return denied
  const { uid, gid } = t.credentials
  const outside = dir.mount === 0 ? null : hostPlaceIn(k, dir, name)
  if (outside !== null) {
    const failed = createOutside(k, outside, init)
    if (failed !== 0) return failed
  }
  const inherit = (dir.mode & 0o2000) !== 0
  const mode = inherit && init.kind === 'dir' ? init.mode | 0o2000 : init.mode
  const inode = addInode(k.state.fs, { ...init, mode, uid: uid[3], gid: inherit ? dir.gid : gid[3] }, timeNow(k))
  insertEntry(k, dir, name, inode)
  tellName(k, dir, name, inode, IN.create)
  return inode
}

/** Makes on the host what was made in a writable mount. */
function createOutside(k: Kernel, path: string, { kind, mode, target }: Omit<NewInode, 'uid' | 'gid'>): number {
  if (kind === 'file') return passOn(k, { do: 'create', path, mode })
  if (kind === 'dir') return passOn(k, { do: 'directory', path, mode })
  if (kind === 'symlink') return passOn(k, { do: 'symlink', path, target: target! })
  return unsupported(`mknod of ${path}`, 'a device, FIFO or socket in a writable mount')
}

const DEVICE_TYPES: ReadonlyMap<number, DescriptionType> = new Map([
  [DEVICE.null, 'null'],
  [DEVICE.zero, 'zero'],
  [DEVICE.full, 'full'],
  [DEVICE.random, 'random'],
  [DEVICE.urandom, 'random'],
])

/** Whether a process runs this file as its program. */
function isExecuted(k: Kernel, inode: Inode): boolean {
  for (const { exeInode } of k.state.processes.values()) if (exeInode === inode.id) return true
  return false
}

function openInode(k: Kernel, t: Task, place: Place, flags: number, created: boolean): Description | number {
  const inode = place.inode
  if (inode === null) return openVia(k, place.via!, flags)
  const access = flags & 3
  if (flags & O.directory && inode.kind !== 'dir') return -ERRNO.ENOTDIR
  if (inode.kind === 'symlink') return -ERRNO.ELOOP
  const writes = access !== 0 || (flags & O.trunc) !== 0
  if (inode.kind === 'dir' && writes) return -ERRNO.EISDIR
  if (!created) {
    const wanted = (access !== 1 ? MAY.read : 0) | (writes ? MAY.write : 0)
    const denied = checkAccess(k, t, inode, wanted)
    if (denied !== 0) return denied
  }
  if (flags & O.noatime && !isOwner(t, inode)) return -ERRNO.EPERM
  if (writes && inode.kind === 'file' && isExecuted(k, inode)) return -ERRNO.ETXTBSY
  const fs = k.state.fs
  const kept = (flags & KEPT) | O.largefile
  const where = { parent: place.dir.id, name: place.name }
  if (inode.source?.from === 'kernel' && inode.kind === 'file') {
    const bytes = kernelContent(k, t, inode.source.path)
    if (typeof bytes === 'number') return bytes
    if (writes && flags & O.trunc) return -ERRNO.EACCES
    return addDescription(fs, 'generated', kept, inode, { ...where, bytes })
  }
  switch (inode.kind) {
    case 'dir':
      return addDescription(fs, 'dir', kept, inode, where)
    case 'file': {
      const host = inode.content!.host
      if (host !== null && !(flags & O.trunc)) {
        const bytes = hostBytes(k.world, host)
        if (typeof bytes === 'number') return bytes
      }
      if (flags & O.trunc && !created) {
        const failed = resizeFile(k, inode, 0)
        if (failed !== 0) return failed
      }
      return addDescription(fs, 'file', kept, inode, where)
    }
    case 'fifo':
      return place.via === null || place.via.type === 'pipe'
        ? openFifo(k, inode, kept, where)
        : openVia(k, place.via, flags)
    case 'char': {
      if (inode.rdev === DEVICE.ptmx) return openMaster(k, t, kept | (flags & O.noctty), inode, where)
      const own = inode.rdev === DEVICE.tty ? controllingTty(k, k.process(t).sid) : ttyOfDevice(k, inode.rdev)
      if (own !== undefined)
        return openTty(k, t, own, kept | (flags & O.noctty) | (inode.rdev === DEVICE.tty ? O.noctty : 0), inode, where)
      if (((inode.rdev >>> 8) & 0xfff) === 136) return -ERRNO.EIO
      const type = DEVICE_TYPES.get(inode.rdev)
      return type === undefined ? -ERRNO.ENXIO : addDescription(fs, type, kept, inode, where)
    }
    default:
      return -ERRNO.ENXIO
  }
}

/** Opens again what a descriptor stands for that has no file of its own: standard input and output. */
function openVia(k: Kernel, via: Description, flags: number): Description | number {
  if (via.type !== 'stdin' && via.type !== 'stdout' && via.type !== 'stderr') return -ERRNO.ENXIO
  const access = flags & 3
  if ((via.type === 'stdin') !== (access === 0)) return -ERRNO.EACCES
  const inode = k.state.fs.inodes.get(via.inode)!
  return addDescription(k.state.fs, via.type, (flags & KEPT) | O.largefile, inode)
}

/** fifo(7): an open for writing that must not wait needs a reader. */
function openFifo(
  k: Kernel,
  inode: Inode,
  flags: number,
  where: Pick<Description, 'parent' | 'name'>,
): Description | number {
  const fs = k.state.fs
  if (inode.source?.from === 'host') unsupported(`open of ${inode.source.path}`, 'a FIFO of the host')
  const pipe = fs.pipes.get(inode.pipe) ?? addPipe(fs)
  inode.pipe = pipe.id
  const access = flags & 3
  if (access === 1 && flags & O.nonblock && pipe.readers === 0 && inode.nlink > 0) {
    if (pipe.ends.length === 0) {
      fs.pipes.delete(pipe.id)
      inode.pipe = 0
    }
    return -ERRNO.ENXIO
  }
  const named = where.name !== '' && fs.inodes.get(where.parent)?.entries?.get(where.name) === inode.id
  const description = addDescription(fs, 'pipe', flags, inode, { ...(named ? where : {}), pipe: pipe.id })
  joinPipe(k, description)
  return description
}
