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
/** Flags of openat2(2) that forbid ways to resolve a path. */
export const RESOLVE = { noXdev: 1, noMagicLinks: 2, noSymlinks: 4, beneath: 8, inRoot: 0x10, cached: 0x20 } as const
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

/** The current directory's inode, which may have been removed; -ENOENT when the machine was started where there is none. */
export function currentDirectory(k: Kernel, t: Task): Inode | number {
  return k.state.fs.inodes.get(k.process(t).where.cwd) ?? -ERRNO.ENOENT
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
function walkAt(k: Kernel, t: Task, dirfd: number, address: number, follow: boolean): Place | number {
  const path = readPath(k, t, address)
  return typeof path === 'number' ? path : walk(k, t, dirfd, path, follow)
}

/**
 * As walkAt, with the path as a string. `follow` 'name' is for calls that make, remove or move the name itself: no link at the end is followed,
 * even behind a slash, and what is there need be no directory.
 */
export function walk(
  k: Kernel,
  t: Task,
  dirfd: number,
  path: string,
  follow: boolean | 'name',
  resolve = 0,
): Place | number {
  if (path === '') return -ERRNO.ENOENT
  const confined = (resolve & (RESOLVE.beneath | RESOLVE.inRoot)) !== 0
  const base = confined ? startOf(k, t, dirfd) : inodeOf(k.state.fs, k.process(t).where.root)
  if (typeof base === 'number') return base
  const root = base
  if (path.startsWith('/') && resolve & RESOLVE.beneath) return -ERRNO.EXDEV
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
      if (name === '..') {
        if (dir === root && resolve & RESOLVE.beneath) return -ERRNO.EXDEV
        const up = dir === root ? root : (k.state.fs.inodes.get(dir.parent) ?? root)
        if (resolve & RESOLVE.noXdev && !sameMount(up, dir)) return -ERRNO.EXDEV
        dir = up
      }
      place = { dir, name, inode: dir, slash, via: null }
      continue
    }
    const found = lookup(k, t, dir, name)
    if (typeof found === 'number') return found
    place = { dir, name, inode: found, slash, via: null }
    if (found === null) return rest.length === 0 ? place : -ERRNO.ENOENT
    if (resolve & RESOLVE.noXdev && !sameMount(found, dir)) return -ERRNO.EXDEV
    if (found.kind === 'symlink' && (rest.length > 0 || (follow !== 'name' && (follow || slash)))) {
      if (++links > MAX_LINKS) return -ERRNO.ELOOP
      if (resolve & RESOLVE.noSymlinks) return -ERRNO.ELOOP
      if (resolve !== 0 && isMagic(found)) {
        if (resolve & RESOLVE.noMagicLinks) return -ERRNO.ELOOP
        if (confined || resolve & RESOLVE.noXdev) return -ERRNO.EXDEV
      }
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
      if (target.startsWith('/') && resolve & RESOLVE.beneath) return -ERRNO.EXDEV
      if (rest.length === 0 && target.endsWith('/')) slash = true
      rest.push(...components(target))
      if (target.startsWith('/')) dir = root
      place = { dir, name: dir === root ? '/' : '.', inode: dir, slash, via: null }
      continue
    }
    if (found.kind === 'dir') dir = found
    else if (rest.length > 0 || (slash && follow !== 'name')) return -ERRNO.ENOTDIR
  }
  return place
}

/** Whether two inodes lie in one mount, where /proc and /sys are mounts too. */
function sameMount(a: Inode, b: Inode): boolean {
  const tree = ({ source, mount }: Inode): string =>
    source?.from === 'kernel' ? source.path.split('/', 2)[1]! : String(mount)
  return tree(a) === tree(b)
}

/** Whether a link of /proc leads to what a process has, and not to where its text says. */
function isMagic({ source }: Inode): boolean {
  return source?.from === 'kernel' && /\/(?:exe|cwd|root|fd\/\d+)$/.test(source.path)
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
