/** Exists so that every call that names a file by path or descriptor finds it in the same way and goes on with what it found. */
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { type Description, type Inode } from '../fs/state.ts'
import { findAt, readPath, walk, type Place } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'

/** Walks to where a name is, or will be, without following a link at the end, and goes on with the place. */
export function at(k: Kernel, t: Task, start: number, address: number, go: (place: Place) => number): number {
  const path = readPath(k, t, address)
  const place = typeof path === 'number' ? path : walk(k, t, start, path, 'name')
  return typeof place === 'number' ? place : go(place)
}

/** Finds an inode by path and goes on with it. */
export function on(
  k: Kernel,
  t: Task,
  start: number,
  address: number,
  follow: boolean,
  go: (inode: Inode) => number,
): number {
  const inode = findAt(k, t, start, address, follow)
  return typeof inode === 'number' ? inode : go(inode)
}

/** Goes on with the description of a descriptor and its inode; -EBADF also for O_PATH unless `paths`. */
export function onFd(
  k: Kernel,
  t: Task,
  number: number,
  go: (inode: Inode, d: Description) => number,
  paths = false,
): number {
  const d = descriptionOf(k, t, number)
  if (!d || (d.type === 'path' && !paths)) return -ERRNO.EBADF
  const inode = k.state.fs.inodes.get(d.inode)
  return inode ? go(inode, d) : -ERRNO.EINVAL
}
