/** Exists to change the tree of names: make, remove, link and rename, with the kernel's checks in the kernel's order. */
import { CAP, capable } from '../capabilities.ts'
import { ERRNO } from '../errno.ts'
import type { HostChange } from '../../host/host.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { insertEntry, list, removeEntry } from './directory.ts'
import { dropIfUnused, holdInode, releaseInode, timeNow } from './inode.ts'
import { IN, tellGone, tellInode, tellName, tellSelf } from './inotify.ts'
import { createAt } from './open.ts'
import { checkAccess, checkRemove, isInGroup, isOwner, MAY } from './permission.ts'
import { beforeMove, checkMount, hostPlace, hostPlaceIn, isMountRoot, passOn } from './mounts.ts'
import type { Inode } from './state.ts'
import { isBusyName, type Place } from './walk.ts'

/** mkdir(2). */
export function makeDirectory(k: Kernel, t: Task, place: Place, mode: number): number {
  if (place.inode !== null || isBusyName(place)) return -ERRNO.EEXIST
  const made = createAt(k, t, place, { kind: 'dir', mode: mode & 0o1777 & ~k.process(t).where.umask })
  return typeof made === 'number' ? made : 0
}

/** mknod(2) and symlink(2): a new inode that is no directory. */
export function makeNode(
  k: Kernel,
  t: Task,
  place: Place,
  init: { kind: Inode['kind']; mode: number; rdev?: number; target?: string },
): number {
  if (place.inode !== null) return -ERRNO.EEXIST
  if (place.slash) return -ERRNO.ENOENT
  const made = createAt(k, t, place, init)
  return typeof made === 'number' ? made : 0
}

/** Whether the kernel itself keeps this directory: nothing can be changed there. */
function isKernels(dir: Inode): boolean {
  return dir.source?.from === 'kernel'
}

/** unlink(2). */
export function unlink(k: Kernel, t: Task, place: Place): number {
  const { dir, name, inode } = place
  if (isBusyName(place)) return -ERRNO.EISDIR
  if (inode === null) return -ERRNO.ENOENT
  if (place.slash) return inode.kind === 'dir' ? -ERRNO.EISDIR : -ERRNO.ENOTDIR
  if (isKernels(dir)) return -ERRNO.EPERM
  const denied = checkRemove(k, t, dir, inode)
  if (denied !== 0) return denied
  if (inode.kind === 'dir') return -ERRNO.EISDIR
  const failed = outside(k, dir, name, (path) => ({ do: 'remove', path }))
  if (failed !== 0) return failed
  removeEntry(k, dir, name, inode)
  tellSelf(k, inode, IN.attrib)
  dropIfUnused(k.state.fs, inode)
  tellGone(k)
  tellName(k, dir, name, inode, IN.delete)
  return 0
}

/** rmdir(2). */
export function removeDirectory(k: Kernel, t: Task, place: Place): number {
  const { dir, name, inode } = place
  if (name === '.') return -ERRNO.EINVAL
  if (name === '..') return -ERRNO.ENOTEMPTY
  if (name === '/') return -ERRNO.EBUSY
  if (inode === null) return -ERRNO.ENOENT
  if (isKernels(dir)) return -ERRNO.EPERM
  const denied = checkRemove(k, t, dir, inode)
  if (denied !== 0) return denied
  if (inode.kind !== 'dir') return -ERRNO.ENOTDIR
  if (isMountPoint(k, inode)) return -ERRNO.EBUSY
  const names = list(k, t, inode)
  if (typeof names === 'number') return names
  if (names.length > 0) return -ERRNO.ENOTEMPTY
  const failed = outside(k, dir, name, (path) => ({ do: 'removeDirectory', path }))
  if (failed !== 0) return failed
  removeEntry(k, dir, name, inode)
  dropIfUnused(k.state.fs, inode)
  tellGone(k)
  tellName(k, dir, name, inode, IN.delete)
  return 0
}

/** /proc and /sys themselves, and the roots of mounts. */
function isMountPoint(k: Kernel, inode: Inode): boolean {
  return inode.source?.from === 'kernel' || isMountRoot(k.state.fs, inode)
}

/** Makes the change of a name in a writable mount on the host as well. */
function outside(k: Kernel, dir: Inode, name: string, change: (path: string) => HostChange): number {
  const path = dir.mount === 0 ? null : hostPlaceIn(k, dir, name)
  return path === null ? 0 : passOn(k, change(path))
}

/** link(2): another name for an inode. */
export function link(k: Kernel, t: Task, inode: Inode, place: Place): number {
  if (place.inode !== null || isBusyName(place)) return -ERRNO.EEXIST
  if (place.slash) return -ERRNO.ENOENT
  if (isKernels(place.dir) || inode.source?.from === 'kernel' || inode.mount !== place.dir.mount) return -ERRNO.EXDEV
  if (!mayLink(k, t, inode)) return -ERRNO.EPERM
  const denied = checkAccess(k, t, place.dir, MAY.write | MAY.exec)
  if (denied !== 0) return denied
  if (inode.kind === 'dir') return -ERRNO.EPERM
  if (inode.nlink === 0 && !inode.unnamed) return -ERRNO.ENOENT
  if (place.dir.nlink === 0) return -ERRNO.ENOENT
  const from = inode.mount === 0 ? null : hostPlace(k, inode)
  const failed = from === null ? 0 : outside(k, place.dir, place.name, (to) => ({ do: 'link', path: from, to }))
  if (failed !== 0) return failed
  inode.unnamed = false
  insertEntry(k, place.dir, place.name, inode)
  tellSelf(k, inode, IN.attrib)
  tellName(k, place.dir, place.name, inode, IN.create)
  return 0
}

/** /proc/sys/fs/protected_hardlinks: who does not own a file may only link a plain one that he may read and write. */
function mayLink(k: Kernel, t: Task, inode: Inode): boolean {
  if (isOwner(t, inode)) return true
  const special = inode.kind !== 'file' || (inode.mode & 0o4000) !== 0 || (inode.mode & 0o2010) === 0o2010
  return !special && checkAccess(k, t, inode, MAY.read | MAY.write) === 0
}

export const RENAME = { noReplace: 1, exchange: 2, whiteout: 4 } as const

/** rename(2) and renameat2(2). */
export function rename(k: Kernel, t: Task, from: Place, to: Place, flags: number): number {
  const fs = k.state.fs
  if (isBusyName(from) || isBusyName(to))
    return flags & RENAME.noReplace && isBusyName(to) ? -ERRNO.EEXIST : -ERRNO.EBUSY
  const moved = from.inode
  const old = to.inode
  if (moved === null) return -ERRNO.ENOENT
  if (old !== null && flags & RENAME.noReplace) return -ERRNO.EEXIST
  if (old === null && flags & RENAME.exchange) return -ERRNO.ENOENT
  if (moved.kind !== 'dir' && (from.slash || (to.slash && !(flags & RENAME.exchange)))) return -ERRNO.ENOTDIR
  if (isKernels(from.dir) || isKernels(to.dir))
    return isKernels(from.dir) && isKernels(to.dir) ? -ERRNO.EPERM : -ERRNO.EXDEV
  if (from.dir.mount !== to.dir.mount) return -ERRNO.EXDEV
  if (isMountPoint(k, moved) || (old !== null && isMountPoint(k, old))) return -ERRNO.EBUSY
  if (isInside(fs.inodes, to.dir, moved)) return -ERRNO.EINVAL
  if (old !== null && isInside(fs.inodes, from.dir, old))
    return flags & RENAME.exchange ? -ERRNO.EINVAL : -ERRNO.ENOTEMPTY
  if (moved === old) return 0
  const denied = checkRemove(k, t, from.dir, moved) || checkTarget(k, t, to, moved)
  if (denied !== 0) return denied
  if (flags & RENAME.exchange && from.dir.mount !== 0)
    return k.refuse(t, 'renameat2(RENAME_EXCHANGE) in a mount', 'EINVAL')
  if (flags & RENAME.exchange) return exchange(k, from, to, moved, old!)
  if (old !== null) {
    if (moved.kind === 'dir' && old.kind !== 'dir') return -ERRNO.ENOTDIR
    if (moved.kind !== 'dir' && old.kind === 'dir') return -ERRNO.EISDIR
    if (old.kind === 'dir') {
      const names = list(k, t, old)
      if (typeof names === 'number') return names
      if (names.length > 0) return -ERRNO.ENOTEMPTY
    }
  }
  const source = from.dir.mount === 0 ? null : hostPlaceIn(k, from.dir, from.name)
  const failed =
    source === null
      ? 0
      : outside(k, to.dir, to.name, (path) => {
          beforeMove(k, moved, path)
          return { do: 'rename', path: source, to: path }
        })
  if (failed !== 0) return failed
  if (old !== null) removeEntry(k, to.dir, to.name, old)
  detach(k, from, moved)
  insertEntry(k, to.dir, to.name, moved)
  tellMoved(k, from, to, moved)
  if (old !== null) {
    if (old.kind !== 'dir') tellSelf(k, old, IN.attrib)
    dropIfUnused(fs, old)
  }
  tellSelf(k, moved, IN.moveSelf)
  tellGone(k)
  return 0
}

/** Tells those who watch the two directories, by one number that says that both events are one move. */
function tellMoved(k: Kernel, from: Place, to: Place, moved: Inode): void {
  const cookie = k.state.fs.nextCookie++
  tellName(k, from.dir, from.name, moved, IN.movedFrom, cookie)
  tellName(k, to.dir, to.name, moved, IN.movedTo, cookie)
}

/** Takes a name away while the inode goes on to live under another. */
function detach(k: Kernel, place: Place, inode: Inode): void {
  const links = inode.nlink
  removeEntry(k, place.dir, place.name, inode)
  inode.nlink = inode.kind === 'dir' ? links : links - 1
}

function exchange(k: Kernel, from: Place, to: Place, moved: Inode, old: Inode): number {
  detach(k, from, moved)
  detach(k, to, old)
  insertEntry(k, to.dir, to.name, moved)
  insertEntry(k, from.dir, from.name, old)
  return 0
}

function checkTarget(k: Kernel, t: Task, to: Place, moved: Inode): number {
  const denied =
    to.inode === null ? checkAccess(k, t, to.dir, MAY.write | MAY.exec) : checkRemove(k, t, to.dir, to.inode)
  if (denied !== 0) return denied
  // A directory that moves has its `..` rewritten.
  return moved.kind === 'dir' && moved.parent !== to.dir.id && !isOwner(t, moved)
    ? checkAccess(k, t, moved, MAY.write)
    : 0
}

/** Whether `dir` is `ancestor` or lies below it. */
function isInside(inodes: Map<number, Inode>, dir: Inode, ancestor: Inode): boolean {
  for (let at = dir; ; at = inodes.get(at.parent)!) {
    if (at.id === ancestor.id) return true
    if (at.id === at.parent) return false
  }
}

/** chmod(2). */
export function changeMode(k: Kernel, t: Task, inode: Inode, mode: number): number {
  if (inode.source?.from === 'kernel') return -ERRNO.EPERM
  if (!isOwner(t, inode)) return -ERRNO.EPERM
  const readOnly = checkMount(k, inode)
  if (readOnly !== 0) return readOnly
  // A file of a group that one is not in cannot be made set-group-id.
  const keepsGroup = capable(t, CAP.fsetid) || isInGroup(t, inode.gid)
  const wanted = mode & (keepsGroup ? 0o7777 : 0o5777)
  const path = inode.mount === 0 ? null : hostPlace(k, inode)
  const failed = path === null ? 0 : passOn(k, { do: 'mode', path, mode: wanted })
  if (failed !== 0) return failed
  inode.mode = wanted
  inode.ctime = timeNow(k)
  tellInode(k, inode, IN.attrib)
  return 0
}

/** chown(2): `uid` and `gid` -1 for no change. */
export function changeOwner(k: Kernel, t: Task, inode: Inode, uid: number, gid: number): number {
  if (inode.source?.from === 'kernel') return -ERRNO.EPERM
  if (!capable(t, CAP.chown)) {
    const owns = isOwner(t, inode)
    if (uid !== -1 && (uid !== inode.uid || !owns)) return -ERRNO.EPERM
    if (gid !== -1 && (!owns || (gid !== inode.gid && !isInGroup(t, gid)))) return -ERRNO.EPERM
  }
  const readOnly = checkMount(k, inode)
  if (readOnly !== 0) return readOnly
  const path = inode.mount === 0 ? null : hostPlace(k, inode)
  const failed = path === null ? 0 : passOn(k, { do: 'owner', path, uid, gid })
  if (failed !== 0) return failed
  if (uid !== -1) inode.uid = uid
  if (gid !== -1) inode.gid = gid
  if (inode.kind !== 'dir' && (uid !== -1 || gid !== -1)) {
    inode.mode &= ~0o4000
    if (inode.mode & 0o010) inode.mode &= ~0o2000
  }
  inode.ctime = timeNow(k)
  tellInode(k, inode, IN.attrib)
  return 0
}

/** Makes a directory the current one of a process. */
export function setDirectory(k: Kernel, process: Process, dir: Inode): void {
  const before = process.where.cwd
  holdInode(k.state.fs, dir.id)
  process.where.cwd = dir.id
  releaseInode(k.state.fs, before)
}

/** chdir(2) to a directory that was found. */
export function changeDirectory(k: Kernel, t: Task, inode: Inode): number {
  if (inode.kind !== 'dir') return -ERRNO.ENOTDIR
  const denied = checkAccess(k, t, inode, MAY.exec)
  if (denied !== 0) return denied
  setDirectory(k, k.process(t), inode)
  return 0
}
