/** Exists to resolve path names as path_resolution(7) says: component by component, through symbolic links and `..`, with search permission. */
import { PATH_MAX } from '../arguments.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { descriptionOf } from './description.ts'
import { lookup, targetOf } from './directory.ts'
import { inodeOf } from './inode.ts'
import { kernelLinkDescription } from './kernel-tree.ts'
import { bytesFromName, nameFromBytes } from './names.ts'
import { checkAccess, MAY } from './permission.ts'
import type { Description, Inode } from './state.ts'

/** AT_FDCWD. */
export const AT_FDCWD = -100
/** Symbolic links that one resolution follows at most (ELOOP). */
const MAX_LINKS = 40
const NAME_MAX = 255

/** What a path names. */
export interface Place {
  /** The directory that holds the last component. */
  dir: Inode
  /** The last component; `.` or `..` where the path ends so, `/` for the root. */
  name: string
  /** What is there, or null. */
  inode: Inode | null
  /** The path ends with a slash: it must be, or become, a directory. */
  slash: boolean
  /** The open description that a magic link of /proc/PID/fd leads to. */
  via: Description | null
}

/** Reads a path from guest memory: the string, or -EFAULT, -ENAMETOOLONG. */
export function readPath(k: Kernel, t: Task, address: number): string | number {
  const space = k.space(t)
  const bytes = space.readString(address, PATH_MAX)
  if (bytes !== null) return nameFromBytes(bytes)
  return space.read(address, PATH_MAX) === null ? -ERRNO.EFAULT : -ERRNO.ENAMETOOLONG
}

/** The current directory's inode, or -ENOENT when it was removed. */
export function currentDirectory(k: Kernel, t: Task): Inode | number {
  let at = inodeOf(k.state.fs, k.state.fs.root)
  for (const name of k.process(t).cwd.split('/')) {
    if (name === '') continue
    const next = lookup(k, t, at, name)
    if (next === null || typeof next === 'number' || next.kind !== 'dir') return -ERRNO.ENOENT
    at = next
  }
  return at
}

/** Where a relative path of an -at call begins: the current directory or an open one; or a negative errno. */
function startOf(k: Kernel, t: Task, dirfd: number): Inode | number {
  if (dirfd === AT_FDCWD) return currentDirectory(k, t)
  const description = descriptionOf(k, t, dirfd)
  if (!description) return -ERRNO.EBADF
  const inode = k.state.fs.inodes.get(description.inode)
  return inode?.kind === 'dir' ? inode : -ERRNO.ENOTDIR
}

/** Walks from `dirfd` (AT_FDCWD or a descriptor) along the path at `address`. `follow`: whether a symbolic link at the end is followed. */
export function walkAt(k: Kernel, t: Task, dirfd: number, address: number, follow: boolean): Place | number {
  const path = readPath(k, t, address)
  return typeof path === 'number' ? path : walk(k, t, dirfd, path, follow)
}

/** As walkAt, with the path as a string. */
export function walk(k: Kernel, t: Task, dirfd: number, path: string, follow: boolean): Place | number {
  if (path === '') return -ERRNO.ENOENT
  const root = inodeOf(k.state.fs, k.state.fs.root)
  const start = path.startsWith('/') ? root : startOf(k, t, dirfd)
  if (typeof start === 'number') return start
  let dir = start
  let slash = path.endsWith('/')
  // Components still to go, the next one last.
  const rest = components(path)
  let links = 0
  let place: Place = { dir, name: dir === root ? '/' : '.', inode: dir, slash, via: null }
  while (rest.length > 0) {
    const name = rest.pop()!
    if (dir.kind !== 'dir') return -ERRNO.ENOTDIR
    const denied = checkAccess(k, t, dir, MAY.exec)
    if (denied !== 0) return denied
    if (name.length > NAME_MAX / 3 && bytesFromName(name).length > NAME_MAX) return -ERRNO.ENAMETOOLONG
    if (name === '.' || name === '..') {
      if (name === '..') dir = inodeOf(k.state.fs, dir.parent)
      place = { dir, name, inode: dir, slash, via: null }
      continue
    }
    const found = lookup(k, t, dir, name)
    if (typeof found === 'number') return found
    place = { dir, name, inode: found, slash, via: null }
    if (found === null) return rest.length === 0 ? place : -ERRNO.ENOENT
    if (found.kind === 'symlink' && (rest.length > 0 || follow || slash)) {
      if (++links > MAX_LINKS) return -ERRNO.ELOOP
      const magic = found.source?.from === 'kernel' ? kernelLinkDescription(k, found.source.path) : undefined
      if (magic !== undefined) {
        const description = k.state.fs.descriptions.get(magic)!
        const inode = k.state.fs.inodes.get(description.inode) ?? null
        place = { dir, name, inode, slash, via: description }
        if (rest.length === 0) return place
        if (inode?.kind !== 'dir') return -ERRNO.ENOTDIR
        dir = inode
        continue
      }
      const target = targetOf(k, t, found)
      if (typeof target === 'number') return target
      if (target === '') return -ERRNO.ENOENT
      if (rest.length === 0 && target.endsWith('/')) slash = true
      rest.push(...components(target))
      if (target.startsWith('/')) dir = root
      place = { dir, name: dir === root ? '/' : '.', inode: dir, slash, via: null }
      continue
    }
    if (found.kind === 'dir') dir = found
    else if (rest.length > 0 || slash) return -ERRNO.ENOTDIR
  }
  return place
}

/** The names of a path in reverse order. */
function components(path: string): string[] {
  return path
    .split('/')
    .filter((name) => name !== '')
    .reverse()
}

/** Walks to something that must exist. */
export function findAt(k: Kernel, t: Task, dirfd: number, address: number, follow: boolean): Inode | number {
  const place = walkAt(k, t, dirfd, address, follow)
  return typeof place === 'number' ? place : (place.inode ?? -ERRNO.ENOENT)
}

/**
 * As findAt, where an empty path may stand for the descriptor itself (AT_EMPTY_PATH); AT_FDCWD is then the current directory.
 */
export function findAtOrFd(
  k: Kernel,
  t: Task,
  dirfd: number,
  address: number,
  follow: boolean,
  emptyPath: boolean,
): Inode | number {
  const path = readPath(k, t, address)
  if (typeof path === 'number') return path
  if (path === '' && emptyPath) {
    if (dirfd === AT_FDCWD) return currentDirectory(k, t)
    const description = descriptionOf(k, t, dirfd)
    return (description && k.state.fs.inodes.get(description.inode)) ?? -ERRNO.EBADF
  }
  const place = walk(k, t, dirfd, path, follow)
  return typeof place === 'number' ? place : (place.inode ?? -ERRNO.ENOENT)
}

/** Whether a path ends in a name that cannot be created, removed or renamed. */
export function isBusyName(place: Place): boolean {
  return place.name === '/' || place.name === '.' || place.name === '..'
}
